"""The record of a training run: settings, data, versions, machine, time, losses, digests."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from community_lms.pools.identity import weights_identity
from community_lms.pools.spec import digest
from community_lms.training.config import TrainConfig
from community_lms.training.rows import data_files
from community_lms.weights.embedded import file_digest
from community_lms.weights.paths import is_local
from plural_tasks import __version__

RUN_INFO = "run_info.json"
_PACKAGES = (
    "modplural",
    "torch",
    "transformers",
    "peft",
    "accelerate",
    "datasets",
    "tokenizers",
    "safetensors",
    "numpy",
)


def run_info(
    config: TrainConfig,
    facts: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
    state: Any,
    seconds: float,
    digests: Mapping[str, str],
    *,
    started: str = "",
    precision: str = "",
    commit: str | None = None,
) -> dict[str, Any]:
    """Return the record of a finished run, as plain JSON without machine paths.

    Args:
        config: The run's settings.
        facts: Documents trained on, held out and dropped, and the corpus' digest.
        history: Lines of `community_lms.training.curve.loss_lines`.
        state: The trainer's final state.
        seconds: Wall-clock time of all sessions of the run, without what an interruption lost.
        digests: SHA-256 of the files beside it.
        started: When the first session began, ISO 8601.
        precision: Precision of the backbone's weights on this machine.
        commit: Commit of the backbone on the Hub, if it comes from there.
    """
    settings = _portable(config)
    return {
        "modplural": __version__,
        "community": config.community,
        "description": config.description,
        "licence": config.licence or _licences(config),
        "backbone": _backbone(config, commit),
        "corpus": {**_corpus(config, settings["corpus"]), **facts},
        "config": settings,
        "versions": {name: _version(name) for name in _PACKAGES} | {"python": platform.python_version()},
        "machine": _machine(precision),
        "started": started or None,
        "finished": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "steps": int(state.global_step),
        "tokens": int(state.num_input_tokens_seen),
        "loss": _losses(history),
        "digests": dict(digests),
    }


def file_digests(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """SHA-256 of files in a folder."""
    return {name: file_digest(folder / name) for name in names}


def portable_path(path: str) -> str:
    """A name for weights or data that holds nothing of this machine.

    Names on the Hub and of embedded models stay. A snapshot in the Hub's cache becomes ``owner/name``. Any other local
    folder or file becomes its last part: nobody else has it under that path, and the digest in ``run_info.json`` says
    which it was. (peft and vLLM take the backbone that they are given and never look at the adapter's note of it.)
    """
    parts = Path(path).expanduser().parts
    cached = next((part for part in parts if part.startswith("models--") and part.count("--") == 2), None)
    if cached is not None and "snapshots" in parts:
        return cached.removeprefix("models--").replace("--", "/")
    return Path(path).expanduser().resolve().name if is_local(path, files=True) else path


def corpus_digest(config: TrainConfig) -> str:
    """SHA-256 over the corpora: of local files by content, of data sets on the Hub by name and revision.

    Raises:
        ModPluralError: If a local folder holds nothing that can be read.
    """
    parts = []
    for corpus in config.corpus:
        path = Path(corpus.path).expanduser()
        files = data_files(path) if path.exists() else []
        local = [[file.name, file_digest(file)] for file in files]
        parts.append([local or corpus.path, corpus.model_dump(mode="json", exclude={"path"})])
    return digest(parts)


def _portable(config: TrainConfig) -> dict[str, Any]:
    """The settings, with local paths cut to their last part."""
    settings = config.model_dump(mode="json", exclude={"output"}, exclude_none=True)
    for entry in (*settings["corpus"], settings["backbone"], settings.get("init_from", {})):
        if "path" in entry:
            entry["path"] = portable_path(entry["path"])
    return settings


def _backbone(config: TrainConfig, commit: str | None) -> dict[str, str]:
    found = {"path": portable_path(config.backbone.path), **weights_identity(config.backbone)}
    if "repo" in found and commit:
        found["revision"] = commit
    return found


def _corpus(config: TrainConfig, parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    sources = dict.fromkeys(corpus.source for corpus in config.corpus if corpus.source)
    return {"parts": parts, "source": "; ".join(sources), "licence": _licences(config)}


def _licences(config: TrainConfig) -> str:
    return " and ".join(dict.fromkeys(corpus.licence for corpus in config.corpus if corpus.licence))


def _losses(history: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    training = [line["loss"] for line in history if "loss" in line]
    held_out = [line["held_out_loss"] for line in history if "held_out_loss" in line]
    return {
        "train": training[-1] if training else None,
        "held_out_first": held_out[0] if held_out else None,
        "held_out_last": held_out[-1] if held_out else None,
    }


def _machine(precision: str) -> str:
    parts = (platform.machine(), f"{os.cpu_count()} cores", _accelerator(), precision)
    return ", ".join(part for part in parts if part)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _accelerator() -> str:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
