from typing import Any

import pytest
from pydantic import ValidationError

from plural_tasks.schema import (
    LABELS,
    MODES,
    VISIBLE_FIELDS,
    DistributionalItem,
    OvertonItem,
    SteerableItem,
    Value,
    check_distribution,
)
from plural_tasks.utils.checked import parse
from plural_tasks.utils.errors import ModPluralError

OVERTON: dict[str, Any] = {
    "id": "o1",
    "question": "lending a friend money",
    "values": [{"name": "Trust", "explanation": "Friends may rely on each other."}],
}
STEERABLE: dict[str, Any] = {
    "id": "s1",
    "question": "Should the bakery open on Sundays?",
    "attribute": "a baker",
    "options": ["Yes", "No", "Unsure"],
    "gold": [1],
}
DISTRIBUTIONAL: dict[str, Any] = {
    "id": "d1",
    "question": "Is the well a common good?",
    "options": ["Yes", "No"],
    "gold_distribution": [0.75, 0.25],
}


def refusal(model: Any, record: dict[str, Any], **changes: Any) -> str:
    with pytest.raises(ModPluralError) as caught:
        parse(model, record | changes, where="x")
    return str(caught.value)


def test_constants() -> None:
    assert MODES == ("overton", "steerable", "distributional")
    assert VISIBLE_FIELDS == ("id", "mode", "question", "attribute", "options", "order", "asked")
    assert "".join(LABELS) == "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@pytest.mark.parametrize(
    ("model", "record"),
    [(OvertonItem, OVERTON), (SteerableItem, STEERABLE), (DistributionalItem, DISTRIBUTIONAL)],
)
class TestEveryItem:
    def test_is_accepted_and_hashable_and_survives_a_round_trip(self, model: Any, record: dict[str, Any]) -> None:
        item = model.model_validate(record)

        assert model.model_validate_json(item.model_dump_json()) == item
        assert len({item, model.model_validate(record)}) == 1

    def test_is_frozen(self, model: Any, record: dict[str, Any]) -> None:
        item = model.model_validate(record)
        with pytest.raises(ValidationError, match="frozen"):
            item.question = "another"

    @pytest.mark.parametrize("text", ["", "   ", "\n"])
    def test_needs_a_question(self, model: Any, record: dict[str, Any], text: str) -> None:
        assert "field 'question': String should have at least 1 character" in refusal(model, record, question=text)

    def test_needs_an_id(self, model: Any, record: dict[str, Any]) -> None:
        assert refusal(model, {key: record[key] for key in record if key != "id"}) == ("x: field 'id' is missing.")

    def test_refuses_an_unknown_field(self, model: Any, record: dict[str, Any]) -> None:
        assert refusal(model, record, qestion="?") == "x: unknown field 'qestion'. Did you mean 'question'?"

    def test_is_stripped_of_outer_spaces(self, model: Any, record: dict[str, Any]) -> None:
        assert model.model_validate(record | {"question": "  why? \n"}).question == "why?"


def test_overton_needs_a_value() -> None:
    assert "field 'values': Tuple should have at least 1 item" in refusal(OvertonItem, OVERTON, values=[])


def test_a_value_needs_name_and_explanation() -> None:
    assert "field 'values.0.name': String should have at least 1" in refusal(
        OvertonItem, OVERTON, values=[{"name": " ", "explanation": "e"}]
    )
    assert refusal(Value, {"name": "Trust"}) == "x: field 'explanation' is missing."


@pytest.mark.parametrize("gold", [[3], [-1], [0, 3]])
def test_gold_must_be_an_index_of_the_options(gold: list[int]) -> None:
    wrong = next(index for index in gold if index not in (0, 1, 2))

    assert refusal(SteerableItem, STEERABLE, gold=gold) == f"x: gold {wrong} is not an index of the 3 options."


def test_gold_must_not_be_empty() -> None:
    assert "field 'gold': Tuple should have at least 1 item" in refusal(SteerableItem, STEERABLE, gold=[])


def test_gold_must_be_whole_numbers() -> None:
    assert "field 'gold.0': Input should be a valid integer" in refusal(SteerableItem, STEERABLE, gold=["B"])
    assert "field 'gold.0': Input should be a valid integer" in refusal(SteerableItem, STEERABLE, gold=[0.5])


def test_a_tied_gold_is_kept() -> None:
    assert SteerableItem.model_validate(STEERABLE | {"gold": [0, 2]}).gold == (0, 2)


def test_steerable_needs_an_attribute() -> None:
    assert "field 'attribute': String should have" in refusal(SteerableItem, STEERABLE, attribute=" ")


def test_steerable_checks_its_gold_distribution() -> None:
    assert refusal(SteerableItem, STEERABLE, gold_distribution=[0.5, 0.5]) == (
        "x: gold_distribution has 2 shares for 3 options."
    )
    item = SteerableItem.model_validate(STEERABLE | {"gold_distribution": [0.2, 0.5, 0.3]})
    assert item.gold_distribution == (0.2, 0.5, 0.3)


@pytest.mark.parametrize(("model", "record"), [(SteerableItem, STEERABLE), (DistributionalItem, DISTRIBUTIONAL)])
class TestOptions:
    def test_at_least_one(self, model: Any, record: dict[str, Any]) -> None:
        assert "field 'options': Tuple should have at least 1 item" in refusal(model, record, options=[])

    def test_at_most_one_for_each_letter(self, model: Any, record: dict[str, Any]) -> None:
        message = refusal(model, record, options=[f"option {number}" for number in range(27)])
        assert "field 'options': Tuple should have at most 26 items" in message

    def test_none_empty(self, model: Any, record: dict[str, Any]) -> None:
        message = refusal(model, record, options=["Yes", " ", "No"])
        assert "field 'options.1': String should have at least 1 character" in message

    def test_twenty_six_are_accepted(self, model: Any, record: dict[str, Any]) -> None:
        options = [f"option {number}" for number in range(26)]
        shares = [1.0] + [0.0] * 25
        item = model.model_validate(record | {"options": options, "gold_distribution": shares})
        assert len(item.options) == len(LABELS)


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ([0.5, 0.25, 0.25], "x: gold_distribution has 3 shares for 2 options."),
        ([], "x: gold_distribution has 0 shares for 2 options."),
        ([0.5, 0.4], "x: gold_distribution sums to 0.9, expected 1 (within 0.01)."),
        ([0.6, 0.5], "x: gold_distribution sums to 1.1, expected 1 (within 0.01)."),
        ([0.0, 0.0], "x: gold_distribution sums to 0, expected 1 (within 0.01)."),
        ([-0.5, 1.0], "field 'gold_distribution.0': Input should be greater than or equal to 0, found -0.5."),
        ([1.5, 0.0], "field 'gold_distribution.0': Input should be less than or equal to 1, found 1.5."),
        ([float("nan"), 1.0], "field 'gold_distribution.0': Input should be"),
        ([0.5, "half"], "field 'gold_distribution.1': Input should be a valid number"),
    ],
)
def test_shares_that_are_no_distribution(shares: list[Any], message: str) -> None:
    assert message in refusal(DistributionalItem, DISTRIBUTIONAL, gold_distribution=shares)


@pytest.mark.parametrize("shares", [[0.995, 0.0], [0.33, 0.33, 0.33], [0.505, 0.505], [1.0]])
def test_shares_may_miss_1_by_a_rounding(shares: list[float]) -> None:
    check_distribution(shares, len(shares))


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_shares_must_be_finite(value: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        check_distribution([value, 0.0], 2)


def test_optional_fields_of_a_distributional_item() -> None:
    item = DistributionalItem.model_validate(DISTRIBUTIONAL)

    assert (item.attribute, item.stratum) == ("", "")
