"""An adapter folder as it may be published: what goes along, what stays here, and what must be true of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from community_lms.pools.spec import Community, Role, Weights
from community_lms.weights.embedded import EMBEDDED_MODELS, HUB_REPOSITORY, file_digest
from community_lms.weights.paths import is_local
from plural_tasks.utils.checked import read_json
from plural_tasks.utils.errors import ModPluralError, one_line

WEIGHTS = "adapter_model.safetensors"
SETTINGS = "adapter_config.json"
RUN_INFO = "run_info.json"
EVALUATION = "evaluation.json"
LOSSES = "loss.jsonl"
README = "README.md"

PUBLISHED = (
    *(WEIGHTS, SETTINGS, RUN_INFO, EVALUATION, LOSSES, README, "report.md", "*.svg"),
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.jinja"),
)
"""Names and patterns of the files that a push takes along, all directly in the folder."""

_REWRITTEN = (SETTINGS, RUN_INFO, EVALUATION)
_PICKLED = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")


@dataclass(frozen=True)
class Adapter:
    """A LoRA adapter in a local folder, and what is known about it.

    Attributes:
        folder: Folder of the adapter.
        name: Name of the community.
        description: The community in a few words; "" if not stated.
        backbone: The model under it: ``embedded``, or a repository of the Hub.
        licence: Licence of the weights; "" if not stated.
        corpus: The texts that it was trained on, in words; "" if not stated.
        settings: ``adapter_config.json``.
        run: ``run_info.json``; empty where the training was not recorded.
        evaluation: ``evaluation.json``; empty where it was not evaluated.
        role: ``community``, or the kind of module.
    """

    folder: Path
    name: str
    description: str
    backbone: Weights
    licence: str
    corpus: str
    settings: dict[str, Any]
    run: dict[str, Any] = field(default_factory=dict)
    evaluation: dict[str, Any] = field(default_factory=dict)
    role: Role = "community"

    @property
    def base_model(self) -> str:
        """The backbone's repository on the Hub."""
        return HUB_REPOSITORY if self.backbone.path in EMBEDDED_MODELS else self.backbone.path


def read_adapter(folder: Path, *, member: Community | None = None, backbone: str | None = None) -> Adapter:
    """Read and check an adapter folder.

    Args:
        folder: Made by ``modplural community train``, or by peft with ``safe_serialization``.
        member: How a pool describes the community; what it says goes before what the folder says.
        backbone: Repository of the model under the adapter, where the folder names a local one or none.

    Raises:
        ModPluralError: If the weights are missing, not safetensors or no adapter, a file differs from its recorded
            digest, the evaluation is of other communities, or the backbone is not on the Hub.
    """
    if not folder.is_dir():
        raise ModPluralError(f"{folder}: no such folder; expected one with {WEIGHTS} and {SETTINGS}.")
    _check_weights(folder)
    settings, run, evaluation = (_object(folder / name) for name in (SETTINGS, RUN_INFO, EVALUATION))
    _check_digests(folder, run)
    name = member.name if member else str(run.get("community") or folder.resolve().name)
    if evaluation and name not in evaluation.get("communities", [name]):
        listed = ", ".join(map(str, evaluation["communities"]))
        raise ModPluralError(f"{folder / EVALUATION}: is of {listed}, expected {name!r} among them.")
    corpus = run.get("corpus") if isinstance(run.get("corpus"), Mapping) else {}
    assert isinstance(corpus, Mapping)
    return Adapter(
        folder=folder,
        name=name,
        description=(member.description if member else "") or str(run.get("description") or ""),
        backbone=_backbone(folder, settings, run, member, backbone),
        licence=(member.licence if member else "") or str(run.get("licence") or ""),
        corpus=(member.corpus if member else "") or str(corpus.get("source") or ""),
        settings=settings,
        run=run,
        evaluation=evaluation,
        role=member.role if member else "community",
    )


def adapter_files(adapter: Adapter) -> dict[str, bytes | Path]:
    """Return what is published of the folder, but for the card: path in the repository -> content or local file.

    ``adapter_config.json`` names the backbone as the Hub knows it, and local paths in the records are cut to their
    last part; the digest of what is changed is changed with it.
    """
    settings = {
        **adapter.settings,
        "base_model_name_or_path": adapter.base_model,
        "revision": adapter.backbone.revision,
    }
    files: dict[str, bytes | Path] = {
        path.name: path
        for path in sorted(adapter.folder.iterdir())
        if _published(path) and path.name not in (*_REWRITTEN, README)
    }
    files[SETTINGS] = _text(without_paths(settings))
    if adapter.evaluation:
        files[EVALUATION] = _text(without_paths(adapter.evaluation))
    if adapter.run:
        recorded = adapter.run.get("digests", {})
        kept = {name: digest for name, digest in recorded.items() if name in files}
        changed = {name: sha256(files[name]) for name in _REWRITTEN if name in kept}
        files[RUN_INFO] = _text(without_paths({**adapter.run, "digests": kept | changed}))
    return dict(sorted(files.items()))


def left_out(folder: Path) -> dict[str, str]:
    """Return what a push leaves here: name of the file or folder -> why."""
    return {path.name + "/" * path.is_dir(): _why(path) for path in sorted(folder.iterdir()) if not _published(path)}


def sha256(content: bytes | Path) -> str:
    """SHA-256, in hexadecimal, of bytes or of a file."""
    import hashlib

    return file_digest(content) if isinstance(content, Path) else hashlib.sha256(content).hexdigest()


def without_paths(value: Any) -> Any:
    """Return JSON data with every absolute path cut to its last part: nobody else needs to know where things lay.

    Reddit's names (``/r/name``, ``/u/name``) are no paths.
    """
    if isinstance(value, Mapping):
        return {name: without_paths(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_paths(inner) for inner in value]
    if isinstance(value, str) and re.match(r"(?!/[ru]/)([/~]|[A-Za-z]:[\\/])[^\n]*$", value):
        return re.split(r"[\\/]", value.rstrip("\\/"))[-1]
    return value


def _published(path: Path) -> bool:
    return path.is_file() and any(fnmatch(path.name, pattern) for pattern in PUBLISHED)


def _why(path: Path) -> str:
    if path.name.startswith(("checkpoint", "global_step")):
        return "checkpoint"
    if re.match(r"(optimi[sz]er|scheduler|scaler|rng_state|trainer_state|training_args)", path.name):
        return "state of the training"
    return "pickled, which can run code when it is loaded" if path.suffix in _PICKLED else "not part of an adapter"


def _check_weights(folder: Path) -> None:
    for name in (WEIGHTS, SETTINGS):
        if not (folder / name).is_file():
            pickled = next(
                (path.name for path in sorted(folder.glob("adapter_model.*")) if path.suffix in _PICKLED), None
            )
            hint = f" There is {pickled}: save it anew with safe_serialization=True." if pickled else ""
            raise ModPluralError(f"{folder}: has no {name}; only safetensors are published.{hint}")
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder / WEIGHTS, framework="numpy") as file:
            names = list(file.keys())
    except (SafetensorError, OSError) as error:
        raise ModPluralError(f"{folder / WEIGHTS}: is no whole safetensors file ({one_line(error)[:200]}).") from error
    if not any("lora_" in name for name in names):
        raise ModPluralError(f"{folder / WEIGHTS}: holds no LoRA weights, found {', '.join(names[:3]) or 'nothing'}.")


def _check_digests(folder: Path, run: Mapping[str, Any]) -> None:
    for name, expected in run.get("digests", {}).items():
        if Path(name).name != name or not (folder / name).is_file():
            raise ModPluralError(f"{folder / name}: {RUN_INFO} has its digest, but there is no such file.")
        if file_digest(folder / name) != expected:
            raise ModPluralError(
                f"{folder / name}: was changed after training (its SHA-256 is not the one in {RUN_INFO}); train again, "
                f"or take the digest out of {RUN_INFO} if the change is meant."
            )


def _backbone(
    folder: Path, settings: Mapping[str, Any], run: Mapping[str, Any], member: Community | None, given: str | None
) -> Weights:
    recorded = run.get("backbone") if isinstance(run.get("backbone"), Mapping) else None
    trained = str((recorded or {}).get("path") or settings.get("base_model_name_or_path") or "")
    if given:
        return Weights(path=given)
    if member is not None and member.backbone is not None and not is_local(member.backbone.path):
        if trained not in ("", member.backbone.path) and _on_hub(trained):
            raise ModPluralError(
                f"community {member.name!r}: the pool puts it on {member.backbone.path}, but it was trained on "
                f"{trained}."
            )
        return member.backbone
    if not _on_hub(trained):
        raise ModPluralError(
            f"{folder}: its backbone is {trained or 'not named'!r}, which nobody else can load; name a repository of "
            "the Hub with --backbone (or in the pool)."
        )
    revision = (recorded or {}).get("revision") or settings.get("revision")
    return Weights(path=trained, revision=str(revision) if revision and trained not in EMBEDDED_MODELS else None)


def _on_hub(path: str) -> bool:
    return path in EMBEDDED_MODELS or ("/" in path and not is_local(path))


def _object(path: Path) -> dict[str, Any]:
    """A JSON file's mapping; empty where there is no file."""
    if not path.is_file():
        return {}
    data = read_json(path)
    if not isinstance(data, dict):
        raise ModPluralError(f"{path}: found {type(data).__name__}, expected a mapping.")
    return data


def _text(data: Any) -> bytes:
    return (json.dumps(data, indent=2, ensure_ascii=False, sort_keys=True) + "\n").encode()
