import hashlib
from typing import Any

import pytest

from plural_tasks.docs import to_doc
from plural_tasks.schema import VISIBLE_FIELDS, DistributionalItem, Item, OvertonItem, SteerableItem, Value


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


OVERTON = OvertonItem(
    id="o1",
    question="lending a friend money",
    values=(
        Value(name="Trust", explanation="Friends rely.", kind="value"),
        Value(name="Thrift", explanation="Money is short."),
    ),
)
STEERABLE = SteerableItem(
    id="s1",
    question="Should the bakery open on Sundays?",
    attribute="a baker",
    options=("Yes", "No", "Unsure"),
    gold=(1, 2),
    gold_distribution=(0.2, 0.4, 0.4),
    category="trade",
    dont_know=(2,),
)
DISTRIBUTIONAL = DistributionalItem(
    id="d1",
    question="Is the well a common good?",
    attribute="Northland",
    options=("Yes", "No"),
    gold_distribution=(0.25, 0.75),
    stratum="clear",
    cluster="well",
    split="train",
    study="Northland Poll",
    ordinal=True,
    sample_size=80,
    standard_errors=(0.05, 0.05),
)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (
            OVERTON,
            {
                "id": "o1",
                "mode": "overton",
                "question": "lending a friend money",
                "attribute": "",
                "options": [],
                "labels": [],
                "cluster": sha("lending a friend money"),
                "split": "test",
                "study": "",
                "fault": "",
                "values": ["Trust", "Thrift"],
                "kinds": ["value", ""],
                "explanations": ["Friends rely.", "Money is short."],
            },
        ),
        (
            STEERABLE,
            {
                "id": "s1",
                "mode": "steerable",
                "question": "Should the bakery open on Sundays?",
                "attribute": "a baker",
                "options": ["Yes", "No", "Unsure"],
                "labels": ["A", "B", "C"],
                "gold": [1, 2],
                "gold_distribution": [0.2, 0.4, 0.4],
                "ordinal": False,
                "dont_know": [2],
                "sample_size": None,
                "standard_errors": [],
                "category": "trade",
                "target": 1,
                "cluster": sha("Should the bakery open on Sundays?"),
                "split": "test",
                "study": "",
                "fault": "",
            },
        ),
        (
            DISTRIBUTIONAL,
            {
                "id": "d1",
                "mode": "distributional",
                "question": "Is the well a common good?",
                "attribute": "Northland",
                "options": ["Yes", "No"],
                "labels": ["A", "B"],
                "gold_distribution": [0.25, 0.75],
                "ordinal": True,
                "dont_know": [],
                "sample_size": 80,
                "standard_errors": [0.05, 0.05],
                "stratum": "clear",
                "target": 1,
                "cluster": "well",
                "split": "train",
                "study": "Northland Poll",
                "fault": "",
            },
        ),
    ],
)
def test_to_doc(item: Item, expected: dict[str, Any]) -> None:
    assert to_doc(item) == expected


@pytest.mark.parametrize("item", [OVERTON, STEERABLE, DISTRIBUTIONAL])
def test_visible_fields_come_first_and_are_the_same_for_all_modes(item: Item) -> None:
    doc = to_doc(item)

    seen = [name for name in VISIBLE_FIELDS if name not in ("order", "asked")]  # only there where options are shuffled
    assert list(doc)[:6] == [*seen, "labels"]
    types = {name: type(doc[name]) for name in seen}
    assert types == {"id": str, "mode": str, "question": str, "attribute": str, "options": list}


GOLD = {
    "gold": (0,),
    "gold_distribution": (1.0, 0.0),
    "stratum": "open",
    "category": "another",
    "values": (Value(name="Envy", explanation="Neighbours look."),),
}


@pytest.mark.parametrize("item", [OVERTON, STEERABLE, DISTRIBUTIONAL])
def test_visible_fields_do_not_depend_on_gold(item: Item) -> None:
    changes = {name: value for name, value in GOLD.items() if name in type(item).model_fields}
    other, doc = to_doc(item.model_copy(update=changes)), to_doc(item)

    assert len(changes) >= 1
    assert other != doc
    seen = [name for name in VISIBLE_FIELDS if name not in ("order", "asked")]
    assert {name: other[name] for name in seen} == {name: doc[name] for name in seen}


def test_no_visible_field_holds_gold() -> None:
    assert set(GOLD).isdisjoint(VISIBLE_FIELDS)
    assert "target" not in VISIBLE_FIELDS


def test_absent_gold_distribution_is_an_empty_list() -> None:
    item = STEERABLE.model_copy(update={"gold_distribution": None})

    assert to_doc(item)["gold_distribution"] == []


def test_target_of_a_tied_distribution_is_its_first_option() -> None:
    item = DISTRIBUTIONAL.model_copy(update={"gold_distribution": (0.5, 0.5)})

    assert to_doc(item)["target"] == 0
