"""The folder of a run: checking that it is this run's, clearing it, and writing the finished adapter."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from community_lms.training.adapter import SETTINGS, WEIGHTS, dtype_of, save_adapter
from community_lms.training.callbacks import CHECKPOINTS, LOSSES, RunClock, remove_broken, write_losses
from community_lms.training.config import TrainConfig
from community_lms.training.curve import draw_losses
from community_lms.training.record import RUN_INFO, file_digests, run_info
from plural_tasks.utils.checked import read_json
from plural_tasks.utils.errors import ModPluralError
from plural_tasks.utils.files import write_json, write_text

CONFIG = "train_config.json"
ENCODED = "encoded"

# evaluation.json is another command's, but it speaks of weights that --fresh removes.
_FILES = (CONFIG, RUN_INFO, WEIGHTS, SETTINGS, LOSSES, "loss.svg", "evaluation.json")
_PLACES = {"output"}  # where a run writes decides nothing about its weights


def open_folder(config: TrainConfig, output: Path, *, fresh: bool) -> None:
    """Make the folder ready for a run, or for going on with it. Only one process may do so.

    Raises:
        ModPluralError: If the folder cannot be written, holds an adapter that this command did not train, or a run with
            other settings.
    """
    if not (output / CONFIG).is_file() and any((output / name).exists() for name in (WEIGHTS, SETTINGS)):
        raise ModPluralError(f"{output}: holds an adapter that this command did not train; choose another output.")
    if fresh and (output / CONFIG).is_file():
        _clear(output)
    if not (output / CONFIG).is_file():
        write_json(output / CONFIG, _settings(config))
        return
    found = {**_defaults(), **read_json(output / CONFIG)}
    for name, before, now in _differences(found, _settings(config)):
        raise ModPluralError(
            f"{output}: holds a run with {name} = {before!r}, now it is {now!r}. "
            "Choose another output, or --fresh to begin again."
        )
    remove_broken(output)


def close_folder(
    config: TrainConfig, trainer: Any, output: Path, clock: RunClock, facts: dict[str, Any], *, state_dict: Any = None
) -> None:
    """Write adapter, losses, picture and, last of all, run_info.json: where it is, the run is complete."""
    model = trainer.accelerator.unwrap_model(trainer.model)
    save_adapter(model, config, output, state_dict=state_dict)
    history = write_losses(output, trainer.state.log_history)
    write_text(output / "loss.svg", draw_losses(history, title=config.community))
    info = run_info(
        config,
        facts,
        history,
        trainer.state,
        clock.seconds,
        file_digests(output, (WEIGHTS, SETTINGS, LOSSES)),
        started=clock.started,
        precision=str(dtype_of(config)).removeprefix("torch."),
        commit=getattr(model.config, "_commit_hash", None),
    )
    write_json(output / RUN_INFO, info)
    for name in (CHECKPOINTS, ENCODED):
        shutil.rmtree(output / name, ignore_errors=True)


def _defaults() -> dict[str, Any]:
    """Values of the fields that the version of an older run did not know."""
    least = {"community": "any", "description": "any", "backbone": {"path": "any"}, "corpus": ["any"]}
    return TrainConfig.model_validate(least).model_dump(mode="json")


def _settings(config: TrainConfig) -> dict[str, Any]:
    return config.model_dump(mode="json", exclude=_PLACES)


def _differences(before: Any, now: Any, name: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Fields whose values differ, with their dotted names."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in now:
            yield from _differences(before.get(key), now[key], f"{name}.{key}" if name else key)
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for place, (old, new) in enumerate(zip(before, now, strict=True)):
            yield from _differences(old, new, f"{name}.{place}")
    elif before != now:
        yield name, before, now


def _clear(output: Path) -> None:
    """Remove what a training run writes, and nothing else."""
    for name in (CHECKPOINTS, ENCODED):
        shutil.rmtree(output / name, ignore_errors=True)
    for name in _FILES:
        (output / name).unlink(missing_ok=True)
