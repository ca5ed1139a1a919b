"""A base LLM, another one and a pool of two communities, all tiny and random, with room for the tasks' prompts."""

import json
from pathlib import Path

import pytest
import yaml

from benchmarks.speed.registry import Models
from tests.community_lms.tiny_models import TEMPLATE, save_adapter, save_model

ROOM = 4096


def _roomy(folder: Path, seed: int) -> str:
    path = Path(save_model(folder, seed=seed, template=TEMPLATE))
    config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    (path / "config.json").write_text(json.dumps({**config, "max_position_embeddings": ROOM}), encoding="utf-8")
    return str(path)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Models:
    root = tmp_path_factory.mktemp("speed")
    backbone = _roomy(root / "backbone", seed=1)
    members = [
        {
            "name": name,
            "description": f"people of {name}",
            "adapter": save_adapter(root / name, backbone, seed=seed, init_lora_weights=False),
        }
        for seed, name in enumerate(("left", "right"), start=2)
    ]
    pool = root / "pool.yaml"
    facts = {"name": "pair", "backbone": backbone, "tell_attribute": False, "communities": members}
    pool.write_text(yaml.safe_dump(facts), encoding="utf-8")
    return Models(_roomy(root / "base", seed=5), _roomy(root / "other", seed=6), str(pool), "left+right")
