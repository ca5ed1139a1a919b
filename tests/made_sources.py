"""Three small sources, one for each mode, for tests of what is built, published and submitted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from plural_tasks.schema import DistributionalItem, OvertonItem, SteerableItem
from plural_tasks.sources import SOURCES, Source

SITUATION = {
    "id": "o1",
    "question": "Keeping a found purse",
    "values": [
        {"name": "Honesty", "explanation": "It belongs to somebody.", "kind": "value"},
        {"name": "Right to property", "explanation": "The owner wants it back | soon."},
    ],
}

# Two questions, asked of two groups each: t is trained on, h is held out.
STEERED: list[dict[str, Any]] = [
    {
        "id": f"{cluster}-{number}",
        "question": f"Should the {noun} be free?",
        "attribute": f"party: {party}",
        "category": "party",
        "options": ["Yes", "No", "Don’t know"],
        "gold": [0],
        "gold_distribution": [0.6, 0.3, 0.1],
        "dont_know": [2],
        "ordinal": True,
        "sample_size": 120,
        "standard_errors": [0.045, 0.042, 0.027],
        "cluster": cluster,
        "split": split,
        "study": "Town poll 1999",
    }
    for cluster, noun, split in (("t", "bus", "train"), ("h", "library", "test"))
    for number, party in enumerate(("reds", "blues"))
]

SHARED: list[dict[str, Any]] = [
    {"id": "d1", "question": "Which is worse?", "options": ["A lie", "A theft"], "gold_distribution": [0.25, 0.75]},
    {"id": "d2", "question": "Tea?", "options": ["Yes", "No"], "gold_distribution": [1.0, 0.0], "attribute": "France"},
]


def add_sources(monkeypatch: Any, folder: Path, **changes: Any) -> None:
    """Register ``made_overton``, ``made_steerable`` and ``made_distributional``, and ``made_closed``.

    The last may not be published. ``changes`` replace the records of a source by its name.
    """
    sources = {
        "made_overton": ("overton", OvertonItem, [SITUATION], True, "Apache-2.0, written for a test"),
        "made_steerable": ("steerable", SteerableItem, STEERED, True, "Terms of the town archive"),
        "made_distributional": ("distributional", DistributionalItem, SHARED, True, "CC-BY-4.0"),
        "made_closed": ("distributional", DistributionalItem, SHARED, False, "MIT; the polls are closed"),
    }
    for name, (mode, model, rows, redistribute, licence) in sources.items():
        path = folder / f"{name}.json"
        path.write_text(json.dumps(changes.get(name, rows)), encoding="utf-8")
        source = Source(
            name,
            mode,  # type: ignore[arg-type]
            str(path),
            lambda row, model=model: model(**row),
            licence=licence,
            redistribute=redistribute,
            title=f"Made {mode}",
            homepage="https://example.org/polls",
            citation="Town Council 1999, A Poll",
            known_issues=("Nobody was asked.",),
        )
        monkeypatch.setitem(SOURCES, name, source)
