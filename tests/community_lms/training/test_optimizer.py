"""Adapters of low precision learn from steps that their own precision rounds away, and are resumed exactly."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from tests.community_lms.training.runs import backbone, config, corpus


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global torch, MasterAdamW, train, Stopped, interrupt, losses, same, tensors
    import torch

    from community_lms.training.optimizer import MasterAdamW
    from community_lms.training.train import train
    from tests.community_lms.training.ended import Stopped, interrupt, losses, same, tensors


def weight() -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.ones(3, dtype=torch.bfloat16))


def groups(parameter: torch.nn.Parameter) -> Any:
    return [{"params": [parameter], "weight_decay": 0.0}]


def descend(optimizer: torch.optim.Optimizer, parameter: torch.nn.Parameter, steps: int) -> None:
    for _ in range(steps):
        parameter.grad = torch.ones_like(parameter)
        optimizer.step()
        optimizer.zero_grad()


def test_steps_below_the_precision_add_up() -> None:
    plain, kept = weight(), weight()
    # Under a constant gradient AdamW moves by the learning rate; bfloat16 has no number between 1 and 1 - 1/256.
    descend(torch.optim.AdamW(groups(plain), lr=1e-4), plain, 200)
    descend(MasterAdamW(groups(kept), lr=1e-4), kept, 200)
    assert plain.tolist() == [1.0] * 3
    assert kept.tolist() == pytest.approx([0.98] * 3, abs=1 / 256)
    assert kept.dtype is torch.bfloat16


def test_the_copies_are_the_state_that_is_resumed() -> None:
    straight, first = weight(), weight()
    descend(MasterAdamW(groups(straight), lr=1e-4), straight, 60)
    optimizer = MasterAdamW(groups(first), lr=1e-4)
    descend(optimizer, first, 30)
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)

    file.seek(0)
    second = weight()  # as a checkpoint would have it, but for the copies
    resumed = MasterAdamW(groups(second), lr=1e-4)
    resumed.load_state_dict(torch.load(file))
    assert torch.equal(second, first)
    descend(resumed, second, 30)
    assert torch.equal(second, straight)


def test_gradients_are_zeroed_or_forgotten() -> None:
    parameter = weight()
    optimizer = MasterAdamW(groups(parameter), lr=0.1)
    parameter.grad = torch.ones_like(parameter)
    optimizer.zero_grad(set_to_none=False)
    assert parameter.grad is not None
    assert parameter.grad.tolist() == [0.0] * 3
    optimizer.zero_grad()
    assert parameter.grad is None
    optimizer.step()  # without a gradient nothing moves
    assert parameter.tolist() == [1.0] * 3


@pytest.mark.slow
def test_a_run_in_bfloat16_uses_it_and_is_resumed_exactly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights, texts = backbone(tmp_path / "backbone"), corpus(tmp_path / "corpus.jsonl")
    low = {"precision": "bfloat16", "adapter_precision": "bfloat16", "evaluate_every": 1, "learning_rate": 1e-4}
    whole = train(config(weights, texts, tmp_path / "whole", **low))
    broken = config(weights, texts, tmp_path / "broken", **low)
    with monkeypatch.context() as patched:
        interrupt(patched, 4)
        with pytest.raises(Stopped):
            train(broken)
    assert same(whole, train(broken))
    assert losses(whole) == losses(tmp_path / "broken")

    monkeypatch.setattr("community_lms.training.train._optimizer", lambda config: None)
    plain = train(config(weights, texts, tmp_path / "plain", **low))
    moved, stuck = tensors(whole), tensors(plain)
    assert any(not torch.equal(moved[name], stuck[name]) for name in moved)
