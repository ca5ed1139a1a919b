import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plural_tasks.docs import to_doc
from plural_tasks.schema import MODES, DistributionalItem, Item, OvertonItem, SteerableItem, Value
from plural_tasks.sources import SOURCES, Source, locate, read_items
from plural_tasks.sources.fields import cluster_of
from plural_tasks.sources.wording import CATEGORIES
from plural_tasks.utils.errors import ModPluralError
from tests.plural_tasks.sources import samples
from tests.plural_tasks.sources.samples import SAMPLES

Write = Callable[[object], Path]

# One record for each of Modular Pluralism's files.
RECORDS: dict[str, dict[str, Any]] = {
    "overton_vk": samples.OVERTON,
    "steerable_vk": samples.STANCE,
    "steerable_opinionqa": samples.OPINION,
    "distributional_moralchoice": samples.MORAL_CHOICE,
    "distributional_globalopinionqa": samples.GLOBAL_OPINION,
}

ITEMS: dict[str, Item] = {
    "overton_vk": OvertonItem(
        id="11",
        question="painting the village hall pink",
        cluster=cluster_of("painting the village hall pink"),
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
        cluster=cluster_of("painting the village hall pink"),
        attribute="Duty to ask",
        options=("Support", "Oppose", "Either"),
        gold=(1,),
    ),
    "steerable_opinionqa": SteerableItem(
        id="13",
        question="How often do you bake bread?",
        cluster=cluster_of("How often do you bake bread?\nOften\nRarely\nNever\nNot sure"),
        attribute="region of the United States: Midwest",
        options=("Often", "Rarely", "Never", "Not sure"),
        gold=(0, 1),
        gold_distribution=(0.4, 0.4, 0.1, 0.1),
        category="region of the United States",
        ordinal=True,
        dont_know=(3,),
    ),
    "distributional_moralchoice": DistributionalItem(
        id="G_14",
        question="You find a purse.\nIt is full. Which of these actions is the more moral one?",
        cluster=cluster_of("You find a purse. It is full."),
        options=("I return it.", "I keep it."),
        gold_distribution=(1.0, 0.0),
        stratum="low_ambiguity",
    ),
    "distributional_globalopinionqa": DistributionalItem(
        id="15",
        question="Are wells\nwell kept?",
        cluster=cluster_of("Are wells well kept?"),
        attribute="South Africa",
        options=("Very well", "Not well at all", "DK/Refused"),
        gold_distribution=(0.6, 0.3, 0.1),
        stratum="Africa",
        ordinal=True,
        dont_know=(2,),
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
            "gold_distribution has 2 shares for 4 options.",
        ),
        (
            "distributional_globalopinionqa",
            {"gold_distribution": [0.7, 0.2, 0.0]},
            "gold_distribution sums to 0.9, expected 1 (within 0.01).",
        ),
        (
            "distributional_globalopinionqa",
            {"gold_distribution": [1.5, -0.5, 0.0]},
            "field 'gold_distribution.0': Input should be less than or equal to 1, found 1.5. (1 more problem.)",
        ),
        (
            "distributional_globalopinionqa",
            {"gold_distribution": [float("nan"), 0.5, 0.0]},
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
    ("country", "expected"),
    [
        ("Northland (Non-national sample)", "Northland"),
        ("India (Current national sample)", "India"),
        ("Northland", "Northland"),
        ("Northland (North)", "Northland (North)"),
        ("Britain", "Great Britain"),
    ],
)
def test_countries_have_one_spelling_and_no_note_on_the_sample(country: str, expected: str, write: Write) -> None:
    row = RECORDS["distributional_globalopinionqa"] | {"attribute": country}

    (item,) = read_items(SOURCES["distributional_globalopinionqa"], write([row]))
    assert item.attribute == expected  # type: ignore[union-attr]


def test_items_of_one_question_share_their_cluster(write: Write) -> None:
    rows = [
        samples.STANCE,
        samples.STANCE | {"id": 2, "vrd": "Joy"},
        samples.STANCE | {"id": 3, "situation": "painting  the village hall PINK"},
        samples.STANCE | {"id": 4, "situation": "Painting the village hall blue"},
    ]

    pink, joy, shouted, blue = (to_doc(item)["cluster"] for item in read_items(SOURCES["steerable_vk"], write(rows)))
    assert pink == joy == shouted != blue


def test_a_single_option_is_kept(write: Write) -> None:
    row = samples.OPINION | {"options": ["Not selected"], "gold_distribution": [1.0]}

    (item,) = read_items(SOURCES["steerable_opinionqa"], write([row]))
    assert item.options == ("Not selected",)  # type: ignore[union-attr]


@pytest.mark.parametrize(("key", "source"), SOURCES.items())
class TestEverySource:
    def test_is_found_by_its_name(self, key: str, source: Source) -> None:
        assert source.name == key
        assert re.fullmatch(r"[a-z][a-z0-9_]*", key)
        assert key.startswith((f"{source.mode}_", "embedded_", "surveys_"))

    def test_has_a_mode_and_a_file(self, key: str, source: Source) -> None:
        assert source.mode in MODES
        assert re.fullmatch(r"([a-z_]+/)*[a-z_]+(\.(json|csv|parquet))?", source.filename)
        assert source.rows or source.filename.endswith(".json")

    def test_states_licence_and_known_issues(self, key: str, source: Source) -> None:
        assert source.licence
        assert source.known_issues
        assert all(issue.endswith(".") for issue in source.known_issues)

    def test_has_one_public_place_pinned_where_its_commit_is_known(self, key: str, source: Source) -> None:
        if source.embedded:
            assert source.sha256 is None
            return
        assert sum(map(bool, (source.url, source.hub_dataset, source.by_hand))) == 1
        pinned = re.fullmatch(r"[0-9a-f]{40}", source.revision) is not None
        excused = any(word in " ".join(source.known_issues) for word in ("Not pinned", "No revision can be pinned"))
        assert pinned != excused
        assert source.url is None or f"/{source.revision}" in source.url
        assert source.title
        assert source.homepage.startswith("https://")
        assert re.search(r"\b(19|20)\d\d\b", source.citation)

    def test_is_never_published_against_its_licence(self, key: str, source: Source) -> None:
        if source.redistribute and not source.embedded:
            assert "CC-BY-4.0" in source.licence
            assert not source.gated

    def test_loads_into_documents_of_its_mode(self, key: str, source: Source, tmp_path: Path) -> None:
        items = read_items(source, locate(source) if source.embedded else SAMPLES[key](tmp_path))

        assert {type(item) for item in items} == {CLASSES[source.mode]}
        docs = [to_doc(item) for item in items]
        assert {doc["mode"] for doc in docs} == {source.mode}
        assert len({doc["id"] for doc in docs}) == len(docs)
        assert all(doc["question"] and doc["cluster"] for doc in docs)

    def test_is_found_in_a_folder_of_ones_own(self, key: str, source: Source, tmp_path: Path) -> None:
        if source.embedded:
            return
        written = SAMPLES[key](tmp_path)
        if written.suffix == ".json":  # under its own name, side by side with other files
            written = written.rename(tmp_path / Path(source.filename).name)

        assert locate(source, tmp_path) == written
        assert locate(source, {key: str(written)}) == written


def test_there_is_a_sample_of_every_source() -> None:
    assert {name for name, source in SOURCES.items() if not source.embedded} == set(SAMPLES)


def test_the_methods_own_files_are_pinned_by_digest() -> None:
    assert all(re.fullmatch(r"[0-9a-f]{64}", SOURCES[name].sha256 or "") for name in RECORDS)
