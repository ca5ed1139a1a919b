from typing import Any

import pytest

from plural_tasks.docs import to_doc
from plural_tasks.schema import VISIBLE_FIELDS, DistributionalItem, Item, OvertonItem, SteerableItem, Value

OVERTON = OvertonItem(
    id="o1",
    question="lending a friend money",
    values=(
        Value(name="Trust", explanation="Friends rely."),
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
)
DISTRIBUTIONAL = DistributionalItem(
    id="d1",
    question="Is the well a common good?",
    attribute="Northland",
    options=("Yes", "No"),
    gold_distribution=(0.25, 0.75),
    stratum="clear",
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
                "values": ["Trust", "Thrift"],
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
                "category": "trade",
                "target": 1,
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
                "stratum": "clear",
                "target": 1,
            },
        ),
    ],
)
def test_to_doc(item: Item, expected: dict[str, Any]) -> None:
    assert to_doc(item) == expected


@pytest.mark.parametrize("item", [OVERTON, STEERABLE, DISTRIBUTIONAL])
def test_visible_fields_come_first_and_are_the_same_for_all_modes(item: Item) -> None:
    doc = to_doc(item)

    assert tuple(doc)[:6] == (*VISIBLE_FIELDS, "labels")
    types = {name: type(doc[name]) for name in VISIBLE_FIELDS}
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
    assert {name: other[name] for name in VISIBLE_FIELDS} == {name: doc[name] for name in VISIBLE_FIELDS}


def test_no_visible_field_holds_gold() -> None:
    assert set(GOLD).isdisjoint(VISIBLE_FIELDS)
    assert "target" not in VISIBLE_FIELDS


def test_absent_gold_distribution_is_an_empty_list() -> None:
    item = STEERABLE.model_copy(update={"gold_distribution": None})

    assert to_doc(item)["gold_distribution"] == []


def test_target_of_a_tied_distribution_is_its_first_option() -> None:
    item = DISTRIBUTIONAL.model_copy(update={"gold_distribution": (0.5, 0.5)})

    assert to_doc(item)["target"] == 0
