import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plural_tasks.docs import to_doc
from plural_tasks.errors import ModPluralError
from plural_tasks.schema import MODES, DistributionalItem, Item, OvertonItem, SteerableItem, Value
from plural_tasks.sources import SOURCES, Source, locate, read_items
from plural_tasks.sources.modular_pluralism import CATEGORIES, most_likely

Write = Callable[[object], Path]

# One record for each source, laid out as the authors' files are.
RECORDS: dict[str, dict[str, Any]] = {
    "overton_vk": {
        "situation": "painting the village hall pink",
        "vrd": ["Joy", "Duty to ask"],
        "explanation": ["Colour cheers people up.", "The hall belongs to all."],
        "input": "unused",
        "output": None,
        "id": 11,
    },
    "steerable_vk": {
        "situation": "Painting the village hall pink",
        "vrd": "Duty to ask",
        "label_text": "Oppose",
        "label": "B",
        "input": "unused",
        "output": None,
        "id": 12,
    },
    "steerable_opinionqa": {
        "question": "Question: How often do you bake bread?\nOptions: A. Often B. Seldom C. Never\nAnswer:",
        "options": ["Often", "Seldom", "Never"],
        "attribute": "CREGION_Midwest",
        "gold_distribution": [0.4, 0.4, 0.2],
        "pred_distribution": None,
        "id": 13,
    },
    "distributional_moralchoice": {
        "question": (
            "Below is a scenario.\nScenario: You find a purse.\nIt is full.\nA. I return it.\nB. I keep it.\nAnswer:"
        ),
        "options": ["I return it.", "I keep it."],
        "attribute": "low_ambiguity",
        "gold_distribution": [1.0, 0.0],
        "pred_distribution": None,
        "id": "G_14",
    },
    "distributional_globalopinionqa": {
        "question": "Question: Are wells\nwell kept?\n\nOptions: A. Yes B. No\nAnswer:",
        "options": ["Yes", "No"],
        "attribute": "Northland (Non-national sample)",
        "gold_distribution": [0.7, 0.3],
        "pred_distribution": None,
        "id": 15,
    },
}

ITEMS: dict[str, Item] = {
    "overton_vk": OvertonItem(
        id="11",
        question="painting the village hall pink",
        values=(
            Value(name="Joy", explanation="Colour cheers people up."),
            Value(name="Duty to ask", explanation="The hall belongs to all."),
        ),
    ),
    "steerable_vk": SteerableItem(
        id="12",
        question=(
            "Painting the village hall pink: does the value, right or duty “Duty to ask” "
            "support this or oppose it, or could it do either?"
        ),
        attribute="Duty to ask",
        options=("Support", "Oppose", "Either"),
        gold=(1,),
    ),
    "steerable_opinionqa": SteerableItem(
        id="13",
        question="How often do you bake bread?",
        attribute="region of the United States: Midwest",
        options=("Often", "Seldom", "Never"),
        gold=(0, 1),
        gold_distribution=(0.4, 0.4, 0.2),
        category="region of the United States",
    ),
    "distributional_moralchoice": DistributionalItem(
        id="G_14",
        question="You find a purse.\nIt is full. Which of these actions is the more moral one?",
        options=("I return it.", "I keep it."),
        gold_distribution=(1.0, 0.0),
        stratum="low_ambiguity",
    ),
    "distributional_globalopinionqa": DistributionalItem(
        id="15",
        question="Are wells\nwell kept?",
        attribute="Northland",
        options=("Yes", "No"),
        gold_distribution=(0.7, 0.3),
    ),
}

every_published = pytest.mark.parametrize("name", list(RECORDS))
CLASSES = {"overton": OvertonItem, "steerable": SteerableItem, "distributional": DistributionalItem}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(data: object) -> Path:
        path = tmp_path / "items.json"
        path.write_text(json.dumps(data), encoding="utf-8")
        return path

    return to_file


def refusal(name: str, path: Path) -> str:
    with pytest.raises(ModPluralError) as caught:
        read_items(SOURCES[name], path)
    return str(caught.value)


@every_published
class TestRecords:
    def test_become_items(self, name: str, write: Write) -> None:
        second = RECORDS[name] | {"id": "second"}
        items = read_items(SOURCES[name], write([RECORDS[name], second]))

        assert items == [ITEMS[name], ITEMS[name].model_copy(update={"id": "second"})]

    def test_may_have_further_fields(self, name: str, write: Write) -> None:
        assert read_items(SOURCES[name], write([RECORDS[name] | {"remark": 1}])) == [ITEMS[name]]

    def test_with_the_same_id_are_refused(self, name: str, write: Write) -> None:
        path = write([RECORDS[name] | {"id": "5"}, RECORDS[name], RECORDS[name] | {"id": 5}])

        assert refusal(name, path) == f"{path}, record 3: the id '5' occurs twice."

    def test_without_an_id_are_refused(self, name: str, write: Write) -> None:
        row = {key: value for key, value in RECORDS[name].items() if key != "id"}
        path = write([row])

        assert refusal(name, path).startswith(f"{path}, record 1 (id None): field 'id' is missing; found ")

    @pytest.mark.parametrize("value", [None, [], 1.5])
    def test_with_an_odd_id_are_refused(self, name: str, write: Write, value: object) -> None:
        assert f"field 'id': found {value!r}, expected text or a whole number." in refusal(
            name, write([RECORDS[name] | {"id": value}])
        )


def needed(name: str) -> list[str]:
    unused = {"input", "output", "label_text", "pred_distribution", "id"}
    return [field for field in RECORDS[name] if field not in unused]


FAULTS = [(name, field) for name in RECORDS for field in needed(name)]


@pytest.mark.parametrize(("name", "field"), FAULTS)
class TestEveryNeededField:
    def test_missing(self, name: str, field: str, write: Write) -> None:
        row = {key: value for key, value in RECORDS[name].items() if key != field}
        path = write([RECORDS[name] | {"id": "first"}, row])

        assert refusal(name, path) == (
            f"{path}, record 2 (id {row['id']!r}): field {field!r} is missing; found {', '.join(row)}."
        )

    @pytest.mark.parametrize("wrong", [5, None, "", [], {}, [5, 5], [None, None, None], True])
    def test_of_the_wrong_kind(self, name: str, field: str, wrong: object, write: Write) -> None:
        path = write([RECORDS[name] | {"id": "first"}, RECORDS[name] | {field: wrong}])

        message = refusal(name, path)
        assert message.startswith(f"{path}, record 2 (id {RECORDS[name]['id']!r}): ")
        # A list of numbers in place of options or shares may be seen by its length or its sum first.
        assert f"field '{field}" in message or message.split(": ", 1)[1].startswith(f"{field} "), message


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("overton_vk", {"vrd": ["Joy"]}, "field 'vrd' has 1 values but 'explanation' has 2."),
        ("overton_vk", {"vrd": ["Joy", " "]}, "field 'vrd.1': found ' ', expected text."),
        ("overton_vk", {"vrd": "ab"}, "field 'vrd': found 'ab', expected a list of texts."),
        (
            "steerable_vk",
            {"label": "D"},
            "field 'label' is 'D', expected 'A' (support), 'B' (oppose) or 'C' (either).",
        ),
        (
            "steerable_opinionqa",
            {"attribute": "AGE_young"},
            f"field 'attribute' is 'AGE_young', expected CATEGORY_value with one of {', '.join(CATEGORIES)}.",
        ),
        (
            "steerable_opinionqa",
            {"question": "How often do you bake bread?"},
            "field 'question' is not laid out as the task files are, found 'How often do you bake bread?'.",
        ),
        (
            "steerable_opinionqa",
            {"gold_distribution": [0.5, 0.5]},
            "gold_distribution has 2 shares for 3 options.",
        ),
        (
            "distributional_globalopinionqa",
            {"gold_distribution": [0.7, 0.2]},
            "gold_distribution sums to 0.9, expected 1 (within 0.01).",
        ),
        (
            "distributional_globalopinionqa",
            {"gold_distribution": [1.5, -0.5]},
            "field 'gold_distribution.0': Input should be less than or equal to 1, found 1.5. (1 more problem.)",
        ),
        (
            "distributional_globalopinionqa",
            {"gold_distribution": [float("nan"), 0.5]},
            "gold_distribution holds a value that is not finite.",
        ),
        (
            "distributional_moralchoice",
            {"question": "Scenario: none"},
            "field 'question' is not laid out as the task files are, found 'Scenario: none'.",
        ),
    ],
)
def test_faults_name_file_record_id_and_field(name: str, changes: dict[str, Any], message: str, write: Write) -> None:
    path = write([RECORDS[name] | {"id": "first"}, RECORDS[name] | changes])

    assert refusal(name, path) == f"{path}, record 2 (id {RECORDS[name]['id']!r}): {message}"


def test_what_is_no_list_of_records_is_refused(write: Write) -> None:
    assert refusal("overton_vk", path := write({"id": 1})) == f"{path}: found dict, expected a JSON list of records."
    assert refusal("overton_vk", write([])) == f"{path}: the list is empty, expected at least one record."
    assert refusal("overton_vk", write([RECORDS["overton_vk"], "text"])) == (
        f"{path}, record 2: found str, expected a record with named fields."
    )


def test_malformed_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "items.json"
    path.write_text("[\n{]")

    assert refusal("overton_vk", path).startswith(f"{path}:2:2: malformed JSON (")


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ((0.2, 0.5, 0.3), (1,)),
        ((0.4, 0.4, 0.2), (0, 1)),
        ((0.25, 0.25, 0.25, 0.25), (0, 1, 2, 3)),
        ((1.0,), (0,)),
        # 0.1 + 0.2 differs from 0.3 in the last bit
        ((0.1 + 0.2, 0.3, 0.4 - 0.4), (0, 1)),
        ((0.5, 0.49999, 0.00001), (0,)),
    ],
)
def test_most_likely(shares: tuple[float, ...], expected: tuple[int, ...]) -> None:
    assert most_likely(shares) == expected


@pytest.mark.parametrize(
    ("country", "expected"),
    [
        ("Northland (Non-national sample)", "Northland"),
        ("Northland (Current National Sample)", "Northland"),
        ("Northland", "Northland"),
        ("Northland (North)", "Northland (North)"),
    ],
)
def test_sample_notes_after_a_country_are_removed(country: str, expected: str, write: Write) -> None:
    row = RECORDS["distributional_globalopinionqa"] | {"attribute": country}

    (item,) = read_items(SOURCES["distributional_globalopinionqa"], write([row]))
    assert item.attribute == expected  # type: ignore[union-attr]


@pytest.mark.parametrize(("key", "source"), SOURCES.items())
class TestEverySource:
    def test_is_found_by_its_name(self, key: str, source: Source) -> None:
        assert source.name == key
        assert re.fullmatch(r"[a-z][a-z0-9_]*", key)

    def test_has_a_mode_and_a_json_file(self, key: str, source: Source) -> None:
        assert source.mode in MODES
        assert re.fullmatch(r"[a-z_]+\.json", source.filename)
        assert sum(other.filename == source.filename for other in SOURCES.values()) == 1

    def test_states_licence_and_known_issues(self, key: str, source: Source) -> None:
        assert source.licence
        assert source.known_issues
        assert all(issue.endswith(".") for issue in source.known_issues)

    def test_is_shipped_or_pinned_with_digest_and_citation(self, key: str, source: Source) -> None:
        if source.url is None:
            assert source.sha256 is None
            return
        assert re.match(r"https://.*/[0-9a-f]{40}/", source.url)
        assert source.sha256 is not None
        assert re.fullmatch(r"[0-9a-f]{64}", source.sha256)
        assert re.search(r"\b(19|20)\d\d\b", source.citation)

    def test_loads_into_documents_of_its_mode(self, key: str, source: Source, write: Write) -> None:
        path = write([RECORDS[key]]) if source.url else locate(source)
        items = read_items(source, path)

        assert {type(item) for item in items} == {CLASSES[source.mode]}
        docs = [to_doc(item) for item in items]
        assert {doc["mode"] for doc in docs} == {source.mode}
        assert len({doc["id"] for doc in docs}) == len(docs)
        assert all(doc["question"] for doc in docs)


def test_the_records_above_cover_all_published_sources() -> None:
    assert {name for name, source in SOURCES.items() if source.url} == set(RECORDS) == set(ITEMS)
