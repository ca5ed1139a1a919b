"""Building data sets: rows, digests, files, manifests, and reading them back."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from plural_tasks.docs import to_doc
from plural_tasks.publishing import (
    FIELDS,
    build,
    digest,
    features,
    from_row,
    load_items,
    load_manifest,
    match_sources,
    read_manifest,
    to_row,
)
from plural_tasks.publishing.rows import MODELS, fields_of
from plural_tasks.schema import MODES
from plural_tasks.sources import SOURCES, locate, read_items
from plural_tasks.utils.errors import ModPluralError
from tests.made_sources import SHARED, STEERED, add_sources

MADE = ["made_overton", "made_steerable", "made_distributional"]


@pytest.fixture(autouse=True)
def _sources(tmp_path, monkeypatch) -> None:
    add_sources(monkeypatch, tmp_path)


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def items_of(name: str):
    return read_items(SOURCES[name], locate(SOURCES[name]))


# Rows


@pytest.mark.parametrize("name", [*MADE, "embedded_overton", "embedded_steerable", "embedded_distributional"])
def test_a_row_is_its_item_again(name) -> None:
    for item in items_of(name):
        again = from_row(json.loads(json.dumps(to_row(item))), item.split, where="here")
        assert to_doc(again) == to_doc(item)


@pytest.mark.parametrize("mode", MODES)
def test_every_field_of_the_schema_is_a_column(mode) -> None:
    assert {field.name for field in fields_of(mode)} == {*MODELS[mode].model_fields, "mode"} - {"split"}
    assert list(features(mode)) == [field.name for field in fields_of(mode)]


def test_columns_have_the_types_that_the_card_prints() -> None:
    columns = {mode: features(mode) for mode in MODES}
    assert columns["steerable"]["gold"].feature.dtype == "int32"
    assert columns["distributional"]["gold_distribution"].feature.dtype == "float64"
    assert columns["overton"]["values"].feature.keys() == {"name", "explanation", "kind"}
    assert columns["distributional"]["ordinal"].dtype == "bool"
    assert len({field.name for field in FIELDS}) == len(FIELDS)


def test_the_digest_is_that_of_the_lines_of_json() -> None:
    assert (
        digest([{"b": "é", "a": 1}, {"a": None}])
        == hashlib.sha256('{"a":1,"b":"é"}\n{"a":null}\n'.encode()).hexdigest()
    )
    assert digest([{"a": None}, {"b": "é", "a": 1}]) != digest([{"b": "é", "a": 1}, {"a": None}])
    assert digest([]) == hashlib.sha256(b"").hexdigest()


def test_a_row_of_no_mode_is_refused() -> None:
    with pytest.raises(ModPluralError, match=r"here: unknown mode 'steerabel'. Did you mean 'steerable'\?"):
        from_row({"mode": "steerabel"}, "test", where="here")


# Building


def test_a_build_has_files_counts_and_digests(tmp_path) -> None:
    manifest = build(MADE, tmp_path / "out")
    assert files_of(tmp_path / "out").keys() == {
        "README.md",
        "manifest.json",
        "data/made_overton/test-00000-of-00001.parquet",
        "data/made_steerable/test-00000-of-00001.parquet",
        "data/made_steerable/train-00000-of-00001.parquet",
        "data/made_distributional/test-00000-of-00001.parquet",
    }
    assert read_manifest(tmp_path / "out") == manifest
    assert manifest.rows == 1 + 4 + 2
    steered = manifest.sources["made_steerable"]
    for split in ("train", "test"):  # one question each, asked of reds and blues
        entry = steered.splits[split]
        assert (entry.rows, entry.questions, entry.groups) == (2, 1, 2)
        assert (entry.by_study, entry.by_group) == ({"Town poll 1999": 2}, {"party": 2})
        rows = [to_row(item) for item in items_of("made_steerable") if item.split == split]
        assert entry.sha256 == digest(rows)
    assert list(manifest.sources["made_distributional"].splits) == ["test"]  # no empty files


def test_datasets_reads_the_types_and_the_values(tmp_path) -> None:
    from datasets import load_dataset

    build(MADE, tmp_path / "out")
    loaded = load_dataset(str(tmp_path / "out"), "made_steerable", cache_dir=str(tmp_path / "cache"))
    assert loaded["test"].features == features("steerable")
    assert loaded["train"][0]["gold_distribution"] == [0.6, 0.3, 0.1]
    assert loaded["train"].unique("cluster") == ["t"]
    assert loaded["test"][1] == to_row(items_of("made_steerable")[3])
    assert load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))["test"]["id"][:] == ["o1"]  # default


def test_equal_input_gives_equal_bytes(tmp_path) -> None:
    build(MADE, tmp_path / "one")
    build(MADE, tmp_path / "two")
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


@pytest.mark.slow
def test_another_process_gives_the_same_bytes(tmp_path) -> None:
    build(["embedded_*"], tmp_path / "here")
    code = (
        "from plural_tasks.publishing import build; "
        "import pathlib, sys; build(['embedded_*'], pathlib.Path(sys.argv[1]))"
    )
    environment = os.environ | {"PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "there")], check=True, env=environment, capture_output=True
    )
    assert files_of(tmp_path / "here") == files_of(tmp_path / "there")


def test_building_again_replaces_and_leaves_nothing_behind(tmp_path) -> None:
    out = tmp_path / "sub" / "out"
    build(["made_overton"], out)
    (out / "data" / "notes.txt").write_text("…")
    build(MADE, out, title="All")
    assert not (out / "data" / "notes.txt").exists()
    assert load_manifest(out).title == "All"
    assert list(load_manifest(out).sources) == MADE
    assert [path.name for path in out.parent.iterdir()] == ["out"]
    assert out.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("kind", ["fault", "interrupt"])
def test_a_build_that_fails_leaves_the_old_one(tmp_path, monkeypatch, kind) -> None:
    out = tmp_path / "sub" / "out"
    build(["made_overton"], out)
    before = files_of(out)

    def interrupt(name, entry) -> None:
        if kind == "interrupt" and name == "made_steerable":
            raise KeyboardInterrupt

    if kind == "fault":
        add_sources(monkeypatch, tmp_path, made_distributional=[{**SHARED[0], "gold_distribution": [0.5, 0.6]}])
    with pytest.raises(KeyboardInterrupt if kind == "interrupt" else ModPluralError):
        build(MADE, out, report=interrupt)
    assert files_of(out) == before
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_the_old_one_comes_back_when_the_new_one_cannot_be_moved(tmp_path, monkeypatch) -> None:
    out = tmp_path / "sub" / "out"
    build(["made_overton"], out)
    before, move = files_of(out), os.replace

    def broken(source, target) -> None:
        if Path(target) == out and "-old-" not in str(source):
            raise OSError("disk full")
        move(source, target)

    monkeypatch.setattr("plural_tasks.publishing.write.os.replace", broken)
    with pytest.raises(ModPluralError, match=r"out: cannot be written \(disk full\)"):
        build(MADE, out)
    assert files_of(out) == before
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_a_data_set_of_other_sources_is_not_deleted(tmp_path) -> None:
    out = tmp_path / "out"
    build(MADE, out)
    before = files_of(out)
    with pytest.raises(ModPluralError) as caught:
        build(["made_overton", "made_closed"], out)
    assert str(caught.value) == (
        f"{out}: holds a data set of other sources (made_steerable, made_distributional), which this build would "
        "delete; name another folder, or build these sources too."
    )
    assert files_of(out) == before


@pytest.mark.parametrize("what", ["datasets.Dataset.to_parquet", "pathlib.Path.write_text"])
def test_a_full_disk_is_told_in_one_line_and_leaves_nothing(tmp_path, monkeypatch, what) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "Error writing bytes to file. Detail: [errno 28] No space left on device")

    out = tmp_path / "sub" / "out"
    with monkeypatch.context() as patch:
        patch.setattr(what, full)
        with pytest.raises(ModPluralError) as caught:
            build(MADE, out)
    assert (
        str(caught.value) == f"{out}: cannot be written (No space left on device); what was there before is as it was."
    )
    assert [*out.parent.iterdir()] == []


def test_other_peoples_folders_are_not_replaced(tmp_path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("…")
    with pytest.raises(ModPluralError, match="mine: holds other files; give a new folder"):
        build(MADE, tmp_path / "mine")
    with pytest.raises(ModPluralError, match="is a file; give a folder"):
        build(MADE, tmp_path / "mine" / "thesis.tex")
    assert files_of(tmp_path / "mine").keys() == {"thesis.tex"}


def test_sources_are_named_or_matched() -> None:
    assert match_sources(["made_o*", "made_overton", "embedded_steerable"]) == ["made_overton", "embedded_steerable"]
    with pytest.raises(ModPluralError, match=r"unknown source 'made_overtone'. Did you mean 'made_overton'\?"):
        match_sources(["made_overtone"])
    with pytest.raises(ModPluralError, match=r"unknown source 'nothing_\*'"):
        match_sources(["nothing_*"])


def test_groups_of_sources_that_may_not_be_published_are_not_named(tmp_path) -> None:
    manifest = build(["made_closed"], tmp_path / "out")
    entry = manifest.sources["made_closed"].splits["test"]
    assert (entry.groups, entry.by_group) == (1, {})
    text = (tmp_path / "out" / "manifest.json").read_text() + (tmp_path / "out" / "README.md").read_text()
    assert "France" not in text
    assert "theft" not in text


# Reading back


def test_items_come_back_from_a_folder(tmp_path) -> None:
    build(MADE, tmp_path / "out")
    for name in MADE:
        for split in read_manifest(tmp_path / "out").sources[name].splits:
            again = load_items(tmp_path / "out", name, split)
            assert [to_doc(item) for item in again] == [to_doc(item) for item in items_of(name) if item.split == split]


def test_loading_says_what_is_missing_or_changed(tmp_path) -> None:
    import pyarrow.parquet

    out = tmp_path / "out"
    build(MADE, out)
    with pytest.raises(ModPluralError, match=r"unknown source 'made_overtn'. Did you mean 'made_overton'"):
        load_items(out, "made_overtn")
    with pytest.raises(ModPluralError, match=r"unknown split 'train'. Valid: test"):
        load_items(out, "made_overton", "train")
    with pytest.raises(ModPluralError, match=r"holds no manifest.json"):
        load_items(tmp_path, "made_overton")
    path = out / "data/made_steerable/test-00000-of-00001.parquet"
    pyarrow.parquet.write_table(pyarrow.parquet.read_table(path).slice(0, 1), path)
    with pytest.raises(ModPluralError, match=r"the rows do not fit the digest in manifest\.json"):
        load_items(out, "made_steerable")
    assert len(load_items(out, "made_steerable", verify=False)) == 1
    path.write_bytes(b"PAR1")
    with pytest.raises(ModPluralError, match=r"test-00000-of-00001\.parquet: cannot be read as Parquet"):
        load_items(out, "made_steerable")


def test_a_manifest_of_another_format_is_refused(tmp_path) -> None:
    build(["made_overton"], tmp_path / "out")
    path = tmp_path / "out" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 2}))
    with pytest.raises(ModPluralError, match=r"manifest\.json: field 'format': Input should be 1, found 2"):
        load_manifest(path)


def test_made_sources_are_what_these_tests_count_on() -> None:
    assert len(STEERED) == 4
    assert {row["split"] for row in STEERED} == {"train", "test"}
