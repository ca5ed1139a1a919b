"""Checks of items in sources, folders and files: what is found, and where it is said to be."""

from __future__ import annotations

import json

import pyarrow
import pyarrow.parquet
import pytest

from plural_tasks.publishing import ItemCount, build, check_file, check_folder, check_source, read_manifest
from plural_tasks.sources import SOURCES
from plural_tasks.utils.errors import ModPluralError
from tests.made_sources import SHARED, SITUATION, STEERED, add_sources

MADE = ["made_overton", "made_steerable", "made_distributional"]


@pytest.fixture(autouse=True)
def _sources(tmp_path, monkeypatch) -> None:
    add_sources(monkeypatch, tmp_path)


def problems(report, *, fatal: bool = True) -> list[str]:
    return [str(problem) for problem in report.problems if problem.fatal == fatal]


@pytest.mark.parametrize("name", ["embedded_overton", "embedded_steerable", "embedded_distributional"])
def test_the_shipped_sources_have_no_problem(name) -> None:
    assert check_source(name).problems == []
    assert sum(count.rows for count in check_source(name).counts.values()) > 30


def test_a_source_is_counted_by_mode_and_split() -> None:
    assert check_source("made_steerable").counts == {
        ("made_steerable", "steerable", "train"): ItemCount(rows=2, questions=1, groups=2),
        ("made_steerable", "steerable", "test"): ItemCount(rows=2, questions=1, groups=2),
    }


def test_a_source_is_compared_with_published_digests(tmp_path, monkeypatch) -> None:
    build(["made_steerable"], tmp_path / "out")
    manifest = read_manifest(tmp_path / "out")
    assert check_source("made_steerable", against=manifest).problems == []
    add_sources(monkeypatch, tmp_path, made_steerable=[*STEERED[:3], {**STEERED[3], "gold": [1]}])
    (found,) = problems(check_source("made_steerable", against=manifest))
    assert found.startswith("made_steerable, test: digest ")
    assert manifest.sources["made_steerable"].splits["test"].sha256[:12] in found
    add_sources(monkeypatch, tmp_path, made_steerable=STEERED[:2])
    (found,) = problems(check_source("made_steerable", against=manifest))
    assert found.startswith("made_steerable, test: digest no rows")
    (found,) = problems(check_source("made_overton", against=manifest))
    assert found == "made_overton: is not in the manifest, which has made_steerable."


def test_a_question_in_both_splits_is_found_by_cluster_and_by_wording(tmp_path, monkeypatch) -> None:
    moved = {**STEERED[1], "split": "test"}  # the cluster t is otherwise in train
    add_sources(monkeypatch, tmp_path, made_steerable=[STEERED[0], moved])
    assert problems(check_source("made_steerable")) == [
        "made_steerable, id 't-1': field 'question': 'should the bus be free?' is in the split train too, at "
        "made_steerable, id 't-0'."
    ]
    reworded = {**moved, "question": "And the tram?"}
    add_sources(monkeypatch, tmp_path, made_steerable=[STEERED[0], reworded])
    (found,) = problems(check_source("made_steerable"))
    assert "field 'cluster': 't' is in the split train too" in found
    elsewhere = {**moved, "cluster": "another", "question": "Should the BUS  be free?"}
    add_sources(monkeypatch, tmp_path, made_steerable=[STEERED[0], elsewhere])
    (found,) = problems(check_source("made_steerable"))
    assert "field 'question': 'should the bus be free?'" in found


def test_a_question_in_both_splits_is_found_across_sources_but_clusters_are_each_sources_own(
    tmp_path, monkeypatch
) -> None:
    asked = [{**SHARED[0], "question": "Should the bus be free?"}]  # made_steerable has it in train
    add_sources(monkeypatch, tmp_path, made_distributional=asked)
    build(MADE, tmp_path / "out")
    (found,) = problems(check_folder(tmp_path / "out"))
    assert "made_distributional/test" in found
    assert "made_steerable/train" in found
    add_sources(monkeypatch, tmp_path, made_distributional=[{**SHARED[0], "cluster": "t"}])
    build(MADE, tmp_path / "out")
    assert check_folder(tmp_path / "out").problems == []


def test_what_is_odd_but_allowed_is_noted(tmp_path, monkeypatch) -> None:
    twice = [
        SHARED[0],
        {**SHARED[0], "id": "d9"},
        {**SHARED[0], "id": "one", "options": ["A"], "gold_distribution": [1]},
    ]
    add_sources(monkeypatch, tmp_path, made_distributional=twice)
    report = check_source("made_distributional")
    assert report.fatal == []
    assert problems(report, fatal=False) == [
        "made_distributional, id 'd9': asks the same as the item 'd1', of the same group.",
        "made_distributional, id 'one': field 'options': there is one option, so that every answer is right.",
    ]


# Somebody's own file


def test_all_faults_of_a_file_are_found_with_row_and_field(tmp_path) -> None:
    path = tmp_path / "mine.json"
    rows = [
        SITUATION,
        STEERED[0],
        {**SHARED[0], "gold_distribution": [0.5, 0.6]},
        {**SHARED[1], "optoins": ["Yes"]},
        "text",
        {"id": "x", "question": "?"},
        {**STEERED[1], "gold": [7]},
        {**SHARED[1], "mode": "distributonal"},
        {**SITUATION, "split": "dev"},
        STEERED[0],
    ]
    path.write_text(json.dumps(rows))
    report = check_file(path)
    assert problems(report) == [
        f"{path}, row 3: gold_distribution sums to 1.1, expected 1 (within 0.01).",
        f"{path}, row 4: unknown field 'optoins'. Did you mean 'options'?",
        f"{path}, row 5: found str, expected an item with named fields.",
        f"{path}, row 6: states no mode: overton, steerable or distributional.",
        f"{path}, row 7: gold 7 is not an index of the 3 options.",
        f"{path}, row 8: unknown mode 'distributonal'. Did you mean 'distributional'? "
        "Valid: distributional, overton, steerable.",
        f"{path}, row 9: field 'split': Input should be 'train' or 'test', found 'dev'.",
        f"{path}, row 10: field 'id': 't-0' stands at {path}, row 2 too.",
    ]
    assert report.counts["mine.json", "steerable", "train"].rows == 2
    assert report.counts["mine.json", "overton", "test"].rows == 1


def test_json_lines_are_read_and_broken_ones_named(tmp_path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join([json.dumps({**SHARED[0], "question": "A\u2028B?"}, ensure_ascii=False), "", "{", "3"]))
    report = check_file(path)
    assert report.counts == {("mine.jsonl", "distributional", "test"): ItemCount(1, 1, 0)}
    assert [found.split(":")[0] for found in problems(report)] == [f"{path}, row 3", f"{path}, row 4"]
    assert "malformed JSON" in problems(report)[0]


def test_a_file_that_is_no_list_is_refused(tmp_path) -> None:
    (tmp_path / "mine.json").write_text('{"items": []}')
    with pytest.raises(ModPluralError, match=r"mine\.json: found dict, expected a JSON list of items"):
        check_file(tmp_path / "mine.json")


# Folders


@pytest.fixture
def out(tmp_path):
    build(MADE, tmp_path / "out")
    return tmp_path / "out"


def test_a_built_folder_is_fit(out) -> None:
    report = check_folder(out)
    assert report.problems == []
    assert sum(count.rows for count in report.counts.values()) == 7


def test_changed_rows_types_and_files_are_found(out) -> None:
    steered = out / "data/made_steerable/test-00000-of-00001.parquet"
    shared = out / "data/made_distributional/test-00000-of-00001.parquet"
    table = pyarrow.parquet.read_table(steered)
    golds = pyarrow.array([[0], [9]], type=table.schema.field("gold").type)
    pyarrow.parquet.write_table(table.set_column(table.schema.get_field_index("gold"), "gold", golds), steered)
    texts = pyarrow.parquet.read_table(shared)
    pyarrow.parquet.write_table(texts.drop_columns(["stratum"]).append_column("note", texts["id"]), shared)
    (out / "data/made_overton/test-00000-of-00001.parquet").unlink()
    pyarrow.parquet.write_table(table, out / "data/stray.parquet")
    report = check_folder(out)
    assert [found.replace(f"{out}/", "") for found in problems(report)][1:] == [
        "data/made_steerable/test-00000-of-00001.parquet: its 2 rows are not those of manifest.json; build it anew.",
        "data/made_steerable/test-00000-of-00001.parquet, row 2: gold 9 is not an index of the 3 options.",
        "data/made_distributional/test-00000-of-00001.parquet: not the columns and types of the mode distributional: "
        "stratum, note.",
    ]
    assert "made_overton/test-00000-of-00001.parquet: cannot be read as Parquet" in problems(report)[0]
    assert problems(report, fatal=False) == [
        f"{out}/data/stray.parquet: is not in manifest.json and will not be pushed."
    ]


def test_a_manifest_that_names_other_files_is_found(out) -> None:
    path = out / "manifest.json"
    data = json.loads(path.read_text())
    data["sources"]["made_overton"]["splits"]["test"]["file"] = "../secret.parquet"
    path.write_text(json.dumps(data))
    assert (
        "../secret.parquet: manifest.json names this file, expected data/made_overton/test-00000-of-00001.parquet."
        in problems(check_folder(out))
    )


def test_sources_that_are_read_amiss_raise_with_their_place(tmp_path, monkeypatch) -> None:
    add_sources(monkeypatch, tmp_path, made_overton=[{"id": "o1", "question": "?"}])
    with pytest.raises(ModPluralError, match=r"made_overton\.json, record 1 \(id 'o1'\).*'values'"):
        check_source("made_overton")
    assert "made_overton" in SOURCES


@pytest.mark.parametrize(("name", "text"), [("a.json", "[]"), ("a.json", ""), ("a.jsonl", ""), ("a.jsonl", "\n\n")])
def test_a_file_without_items_is_refused(tmp_path, name, text) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ModPluralError, match=rf"{name}: holds no item, expected at least one\."):
        check_file(tmp_path / name)
