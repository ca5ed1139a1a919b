"""Weights that a run loads, and the bytes of their files on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from community_lms.pools.spec import Pool
from community_lms.weights.embedded import EMBEDDED_READER, resolve_weights
from model_wrappers.base.build import LOCAL


def base_weights(arguments: Mapping[str, Any]) -> str | None:
    """Folder or repository of the base LLM's weights; None for an API."""
    named = arguments.get("pretrained")
    if arguments.get("base", "hf") in LOCAL:
        return resolve_weights(str(named or EMBEDDED_READER))
    return str(named) if named and Path(str(named)).is_dir() else None


def sizes_of_weights(pool: Pool, base: str | None) -> dict[str, int | None]:
    """Bytes of each backbone, all adapters together and the base LLM; None where files are not on this machine."""
    members = [member for member in pool.communities if member.server is None]
    backbones = {weights.path: weights for member in members if (weights := member.checkpoint or member.backbone)}
    found = {f"backbone {path}": _bytes(resolve_weights(path)) for path in backbones}
    adapters = [_bytes(member.adapter.path) for member in members if member.adapter is not None]
    if adapters:
        found["adapters"] = None if None in adapters else sum(size or 0 for size in adapters)
    return {**found, **({"base LLM": _bytes(base)} if base else {})}


def _bytes(path: str) -> int | None:
    folder = Path(path)
    if not folder.is_dir():
        from huggingface_hub import snapshot_download

        try:
            folder = Path(snapshot_download(path, local_files_only=True))
        except (OSError, ValueError):
            return None
    sizes = [file.stat().st_size for ending in ("*.safetensors", "*.bin") for file in folder.glob(ending)]
    return sum(sizes) or None
