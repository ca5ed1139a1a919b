"""On the method's own task files: whatever the gold says, every prompt stays the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from model_wrappers.collaboration.methods import METHODS
from plural_tasks.sources.modular_pluralism import SOURCES
from tests.model_wrappers.helpers import model
from tests.published_data import published


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global TaskManager
    from lm_eval.tasks import TaskManager


TASK_FOLDER = Path(__file__).resolve().parent.parent / "task_configs"
COUNT = 20


def shuffled(row: dict[str, Any]) -> dict[str, Any]:
    """The same record with another gold."""
    changed = dict(row)
    if "explanation" in row:
        changed |= {"vrd": ["Zeal"], "explanation": ["Zebras graze."]}
    elif "label" in row:
        changed |= {"label": {"A": "B", "B": "C", "C": "A"}[row["label"]], "label_text": "Other"}
    else:
        changed["gold_distribution"] = row["gold_distribution"][1:] + row["gold_distribution"][:1]
        if row["attribute"].endswith("_ambiguity"):
            changed["attribute"] = "no_ambiguity"
    return changed


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_shuffling_the_gold_changes_no_prompt(tmp_path, source, method) -> None:
    rows = json.loads(published(f"modular_pluralism/{source.filename}").read_text(encoding="utf-8"))[:COUNT]
    seen = []
    for name, records in (("plain", rows), ("shuffled", [shuffled(row) for row in rows])):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(records), encoding="utf-8")
        metadata = {"plural_data": str(path), "plural_judge": "lexical"}
        manager = TaskManager(include_path=str(TASK_FOLDER), include_defaults=False, metadata=metadata)
        (task,) = manager.load([f"plural_{source.name}"])["tasks"].values()
        task.build_all_requests(rank=0, world_size=1)
        lm, base, engine = model(tmp_path, method=method)
        getattr(lm, task.instances[0].request_type)(task.instances)
        seen.append((base.calls, [request.turns for request in engine.calls]))
    assert seen[0] == seen[1]
    assert len(seen[0][0]) >= COUNT
