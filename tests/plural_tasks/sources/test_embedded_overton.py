"""What holds for every Overton situation of the project's own."""

import difflib
import json
import re
from collections import Counter
from itertools import permutations

from plural_tasks.docs import to_doc
from plural_tasks.metrics import lexical_coverage, sentences
from plural_tasks.schema import OvertonItem, Value
from plural_tasks.sources import SOURCES, locate, read_items
from tests.every import every
from tests.published_data import published

SOURCE = SOURCES["embedded_overton"]
ITEMS = [item for item in read_items(SOURCE, locate(SOURCE)) if isinstance(item, OvertonItem)]
ALL_VALUES = [value for item in ITEMS for value in item.values]
PREFIXES = {"right": "Right to ", "duty": "Duty to "}

NEAR = 0.7

SITUATIONS = [(item.id, item) for item in ITEMS]
VALUES = [(f"{item.id}, {value.name}", value) for item in ITEMS for value in item.values]


def plain(text: str) -> str:
    return re.sub(r"[^a-z0-9 ]", "", text.lower()).strip()


def near(one: str, other: str) -> bool:
    """Whether two texts are alike; the two quick bounds only spare time."""
    match = difflib.SequenceMatcher(None, plain(one), plain(other), autojunk=False)
    return match.real_quick_ratio() > NEAR and match.quick_ratio() > NEAR and match.ratio() > NEAR


def test_a_hundred_situations_are_numbered_in_order() -> None:
    assert [item.id for item in ITEMS] == [f"ov-{number:02d}" for number in range(1, 101)]


def test_a_situation_is_one_short_phrase() -> None:
    def check(item: OvertonItem) -> None:
        assert 5 <= len(item.question.split()) <= 16
        assert item.question[-1].isalpha()
        assert "." not in item.question

    every(SITUATIONS, check)


def test_a_situation_has_four_to_seven_values_of_all_three_kinds() -> None:
    def check(item: OvertonItem) -> None:
        assert 4 <= len(item.values) <= 7
        assert {value.kind for value in item.values} == {"value", "right", "duty"}

    every(SITUATIONS, check)


def test_rights_and_duties_and_no_values_are_named_as_such() -> None:
    def check(value: Value) -> None:
        named = {kind for kind, prefix in PREFIXES.items() if value.name.startswith(prefix)}
        assert named == {value.kind} - {"value"}
        assert value.name[0].isupper()
        assert len(value.name.split()) <= 7

    every(VALUES, check)


def test_an_explanation_is_one_sentence_of_12_to_30_words() -> None:
    def check(value: Value) -> None:
        text = value.explanation
        assert 12 <= len(text.split()) <= 30, text
        assert sentences(text) == [text]
        assert text[0].isupper()
        assert text.endswith(".")
        assert "  " not in text

    every(VALUES, check)


def test_explanations_of_a_situation_share_few_words() -> None:
    def check(pair: tuple[Value, Value]) -> None:
        one, other = pair
        assert lexical_coverage(one.explanation, [other.explanation]) < 0.35, (one.explanation, other.explanation)

    pairs = [(item.id, pair) for item in ITEMS for pair in permutations(item.values, 2)]
    every([(f"{id_}, {one.name} and {other.name}", (one, other)) for id_, (one, other) in pairs], check)


def test_no_explanation_repeats_the_situation() -> None:
    def check(pair: tuple[str, str]) -> None:
        explanation, question = pair
        assert lexical_coverage(explanation, [question]) <= 0.4, explanation
        assert lexical_coverage(question, [explanation]) < 0.35, explanation

    pairs = [(item, value) for item in ITEMS for value in item.values]
    every([(f"{item.id}, {value.name}", (value.explanation, item.question)) for item, value in pairs], check)


def test_nothing_is_said_twice() -> None:
    for item in ITEMS:
        assert len({value.name for value in item.values}) == len(item.values), item.id
    assert max(Counter(value.explanation for value in ALL_VALUES).values()) == 1


def test_no_two_situations_are_alike() -> None:
    assert not [
        (one.id, other.id)
        for place, one in enumerate(ITEMS)
        for other in ITEMS[place + 1 :]
        if near(one.question, other.question)
    ]


def test_the_first_value_is_not_always_of_one_kind() -> None:
    first = Counter(item.values[0].kind for item in ITEMS)

    assert min(first.values()) >= 10
    assert set(first) == {"value", "right", "duty"}


def test_the_document_tells_each_values_kind() -> None:
    doc = to_doc(ITEMS[1])

    assert doc["values"][-2:] == ["Duty to protect the employer", "Right to a fair hearing"]
    assert doc["kinds"] == ["value", "value", "value", "value", "duty", "right"]


def test_no_situation_is_one_of_value_kaleidoscope() -> None:
    path = published("modular_pluralism/overton_test_valuekaleidoscope_small.json")
    theirs = [record["situation"] for record in json.loads(path.read_text(encoding="utf-8"))]

    assert near(theirs[0], f"{theirs[0].upper()}!")
    assert not [(item.id, text) for item in ITEMS for text in theirs if near(item.question, text)]
