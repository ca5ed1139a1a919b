"""How runs of a training end: in an interruption, and with which weights and losses. Heavy: import it in a function."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from community_lms.training import callbacks
from community_lms.training.adapter import WEIGHTS


def tensors(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / WEIGHTS)


def same(first: Path, second: Path) -> bool:
    one, other = tensors(first), tensors(second)
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def losses(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "loss.jsonl").read_text().splitlines()]


class Stopped(Exception):
    """What a test throws into a run."""


def interrupt(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Let the run die at the end of a step, after what is due at that step was written."""
    original = callbacks.Progress.on_step_end

    def dying(self: Any, args: Any, state: Any, control: Any, **rest: Any) -> None:
        original(self, args, state, control, **rest)
        if state.global_step == step:
            raise Stopped

    monkeypatch.setattr(callbacks.Progress, "on_step_end", dying)
