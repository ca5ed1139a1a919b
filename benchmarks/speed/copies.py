"""Pools of any size: copies of a pool's adapters, no two alike."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml
from safetensors.torch import load_file, save_file

from benchmarks.speed.registry import Models
from community_lms.pools.pool import load_pool, select

WEIGHTS = "adapter_model.safetensors"


def copy_pool(models: Models, folder: Path, count: int) -> Path:
    """Write a pool of ``count`` communities.

    Args:
        models: Whose communities are copied, each as often as is needed; their adapters lie in folders.
        folder: Is made; it holds the pool's file and the adapters.
        count: How many.

    Returns:
        The pool's file.
    """
    pool = select(load_pool(models.pool), models.communities)
    members = []
    for number in range(count):
        community = pool.communities[number % len(pool.communities)]
        assert community.adapter is not None
        assert community.backbone is not None
        adapter = folder / f"c{number}"
        _copy(Path(community.adapter.path), adapter, 1 + 0.001 * number)
        members.append(
            {
                "name": f"c{number}",
                "description": community.description,
                "backbone": community.backbone.path,
                "adapter": str(adapter),
            }
        )
    path = folder / "pool.yaml"
    text = yaml.safe_dump({"name": "copies", "tell_attribute": pool.tell_attribute, "communities": members})
    path.write_text(text, encoding="utf-8")
    return path


def _copy(source: Path, target: Path, factor: float) -> None:
    shutil.copytree(source, target)
    tensors = load_file(source / WEIGHTS)
    first = next(name for name in sorted(tensors) if "lora_B" in name)
    tensors[first] = tensors[first] * factor
    save_file(tensors, target / WEIGHTS, metadata={"format": "pt"})
