"""Callbacks of the training: they mark whole checkpoints, keep losses and show progress."""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from tqdm import tqdm
from transformers import TrainerCallback
from transformers.trainer_pt_utils import LengthGroupedSampler

from community_lms.training.curve import loss_lines
from plural_tasks.utils.files import json_ready, write_json, write_lines

logger = logging.getLogger(__name__)

CHECKPOINTS = "checkpoints"
LOSSES = "loss.jsonl"

_COMPLETE = "complete"
_ORDER = "order.pt"


class ResumableOrder(LengthGroupedSampler):
    """Batches of examples of like length, in an order that a resumed run draws again.

    The trainer restores the generators only after it has drawn the interrupted epoch's order; so the state from which
    that order was drawn is kept with each checkpoint.
    """

    before: torch.Tensor | None = None
    replay: torch.Tensor | None = None

    def __iter__(self) -> Any:
        """Draw the order of an epoch."""
        if self.replay is not None:
            self._set(self.replay)
            self.replay = None
        self.before = self._state()
        return super().__iter__()

    def save(self, path: Path) -> None:
        """Write the generator's states before the epoch's order was drawn, and now."""
        torch.save({"before": self.before, "after": self._state()}, path)

    def resume(self, path: Path, *, within_epoch: bool) -> None:
        """Draw the next order as the interrupted run did or would have done."""
        states = torch.load(path, weights_only=True)
        if within_epoch:
            self.replay = states["before"]
        elif self.generator is not None:  # of the global one the trainer takes care
            self.replay = states["after"]

    def _state(self) -> torch.Tensor:
        return torch.get_rng_state() if self.generator is None else self.generator.get_state()

    def _set(self, state: torch.Tensor) -> None:
        if self.generator is None:
            torch.set_rng_state(state)
        else:
            self.generator.set_state(state)


class RunClock:
    """Wall-clock time of a run over all its sessions; what was lost with an interruption is not counted."""

    def __init__(self, checkpoint: Path | None) -> None:
        """Go on from a checkpoint's time; None starts at 0."""
        self._began = time.time()
        text = (checkpoint / _COMPLETE).read_text(encoding="utf-8") if checkpoint else ""
        earlier = json.loads(text) if text else {}
        self._earlier = float(earlier.get("seconds", 0.0))
        self.started = str(earlier.get("started") or datetime.now(timezone.utc).isoformat(timespec="seconds"))

    @property
    def seconds(self) -> float:
        """Seconds up to now."""
        return self._earlier + time.time() - self._began


class CheckpointKeeper(TrainerCallback):
    """Marks checkpoints that are whole, and keeps the losses beside the adapter."""

    def __init__(self, output: Path, clock: RunClock, checkpoint: Path | None) -> None:
        """Keep in ``output``; the run goes on from ``checkpoint``, or begins."""
        self.output = output
        self.clock = clock
        self.checkpoint = checkpoint
        self.order: ResumableOrder | None = None

    def follow(self, order: ResumableOrder) -> None:
        """Keep this order with the checkpoints, and let it go on from the one that the run goes on from."""
        self.order = order
        if self.checkpoint is not None and not resume_order(order, self.checkpoint):
            logger.warning("%s does not say in which order examples came; the rest comes in another.", self.checkpoint)

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Mark a checkpoint when all processes have written their parts of it."""
        PartialState().wait_for_everyone()
        if state.is_world_process_zero:
            folder = self.output / CHECKPOINTS / f"checkpoint-{state.global_step}"
            if self.order is not None:
                self.order.save(folder / _ORDER)
            write_json(folder / _COMPLETE, {"seconds": self.clock.seconds, "started": self.clock.started})

    def on_log(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Write all losses up to now."""
        if state.is_world_process_zero:
            write_losses(self.output, state.log_history)


class Progress(TrainerCallback):
    """One bar with steps, time left and the latest losses."""

    bar: Any = None

    def __init__(self, community: str) -> None:
        """Show the community's name before the bar."""
        self.community = community
        self.losses: dict[str, str] = {}

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Open the bar."""
        if state.is_world_process_zero:
            self.bar = tqdm(total=state.max_steps, initial=state.global_step, desc=self.community, unit="step")

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Count."""
        if self.bar is not None:
            self.bar.update(state.global_step - self.bar.n)

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **_: Any) -> None:
        """Show the losses."""
        for theirs, ours in (("loss", "loss"), ("eval_loss", "held-out")):
            if theirs in (logs or {}):
                self.losses[ours] = f"{ours} {float((logs or {})[theirs]):.3f}"
        if self.bar is not None:
            self.bar.set_postfix_str(", ".join(self.losses.values()))

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Close the bar."""
        if self.bar is not None:
            self.bar.close()


def write_losses(output: Path, history: Any) -> list[dict[str, Any]]:
    """Write the losses of a trainer's log to a folder, and return them."""
    lines = [json_ready(line) for line in loss_lines(history)]
    write_lines(output / LOSSES, (json.dumps(line, allow_nan=False) for line in lines))
    return lines


def last_checkpoint(output: Path) -> Path | None:
    """Return the last checkpoint that was written to its end, or None."""
    whole = [folder for folder in (output / CHECKPOINTS).glob("checkpoint-*") if (folder / _COMPLETE).is_file()]
    return max(whole, key=lambda folder: int(folder.name.rsplit("-", 1)[1]), default=None)


def remove_broken(output: Path) -> None:
    """Remove checkpoints that were not written to their end."""
    for folder in (output / CHECKPOINTS).glob("checkpoint-*"):
        if not (folder / _COMPLETE).is_file():
            shutil.rmtree(folder, ignore_errors=True)


def resume_order(order: ResumableOrder, checkpoint: Path) -> bool:
    """Let the order go on from a checkpoint; False if that checkpoint does not say how."""
    if not (checkpoint / _ORDER).is_file():
        return False
    state = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    order.resume(checkpoint / _ORDER, within_epoch=float(state["epoch"]) % 1.0 != 0.0)
    return True
