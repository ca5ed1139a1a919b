"""Reading rows: every format, what is broken in them, and how far ahead is read."""

import gzip
import json
import tracemalloc
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from community_lms.training import rows as module
from community_lms.training.rows import rows
from plural_tasks.utils.errors import ModPluralError

RECORDS = [{"comment": 'one, "two"\nthree', "n": "1"}, {"comment": "नमस्ते ]", "n": "2"}]


def write(path: Path, kind: str) -> Path:
    lines = "".join(json.dumps(record) + "\n" for record in RECORDS)
    if kind == ".jsonl":
        path.write_text(lines.replace("\n", "\n\n", 1))  # an empty line between
    elif kind == ".jsonl.gz":
        path.write_bytes(gzip.compress(lines.encode()))
    elif kind == ".json":
        path.write_text(json.dumps(RECORDS, indent=1))
    elif kind == ".parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(RECORDS), path)
    elif kind == ".csv":
        path.write_text('\ufeffcomment,n\n"one, ""two""\nthree",1\nनमस्ते ],2\n', encoding="utf-8")
    elif kind == ".tsv":
        path.write_text('comment\tn\n"one, ""two""\nthree"\t1\nनमस्ते ]\t2\n', encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", [".jsonl", ".jsonl.gz", ".json", ".parquet", ".csv", ".tsv"])
def test_all_formats_hold_the_same(kind: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"a [1]{kind}", kind)  # brackets are no pattern
    assert [dict(row) for row in rows(str(path))] == RECORDS


def test_rows_know_their_place(tmp_path: Path) -> None:
    places = {kind: [row.where for row in rows(str(write(tmp_path / f"a{kind}", kind)))] for kind in (".jsonl", ".csv")}
    assert places == {
        ".jsonl": [f"{tmp_path}/a.jsonl:1", f"{tmp_path}/a.jsonl:3"],
        ".csv": [f"{tmp_path}/a.csv:3", f"{tmp_path}/a.csv:4"],  # the line on which the row ends
    }


def test_text_files_are_one_text_a_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n\ntwo\n")
    assert [(dict(row), row.where) for row in rows(str(tmp_path / "a.txt"))] == [
        ({"comment": "one"}, f"{tmp_path}/a.txt:1"),
        ({"comment": "two"}, f"{tmp_path}/a.txt:3"),
    ]


def test_a_folder_is_its_files_in_order(tmp_path: Path) -> None:
    for name in ("b/2.jsonl", "a/1.jsonl", ".cache/0.jsonl"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(json.dumps({"comment": name}))
    (tmp_path / "README.md").write_text("no rows")
    assert [row["comment"] for row in rows(str(tmp_path))] == ["a/1.jsonl", "b/2.jsonl"]


def test_a_list_longer_than_a_block_is_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 16)
    records = [{"comment": "x" * length, "list": [1, {"y": "],[{"}]} for length in (0, 3, 100, 14, 15, 16, 17)]
    (tmp_path / "a.json").write_text("\ufeff  " + json.dumps(records), encoding="utf-8")
    assert [dict(row) for row in rows(str(tmp_path / "a.json"))] == records


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.jsonl", b'{"a": 1}\n\n{"a": \n', ":3:6: malformed JSON (Expecting value)."),
        ("a.jsonl", b"[1]\n", ":1: found list, expected a record with named fields."),
        ("a.jsonl", b'{"a": "\xff"}\n', ": is not UTF-8 text."),
        ("a.jsonl", b"", ": holds no record, expected at least one."),
        ("a.jsonl", b"\n\n", ": holds no record, expected at least one."),
        ("a.json", b"", ": holds no record, expected at least one."),
        ("a.json", b"[]", ": holds no record, expected at least one."),
        ("a.json", b'[{"a": 1}, {"a": ]', ", record 2: malformed JSON (Expecting value)."),
        ("a.json", b'[{"a": 1}', ", record 2: malformed JSON (Expecting value)."),
        ("a.json", b"[1]", ", record 1: found int, expected a record with named fields."),
        ("a.csv", b"a,b\n1,2\n3\n", ":3: has another number of fields than the header, 2."),
        ("a.csv", b"a,b\n1,2,3\n", ":2: has another number of fields than the header, 2."),
        ("a.csv", b"a,b\n", ": holds no record, expected at least one."),
        ("a.csv", b'a,b\n"1,2\n', ":1: malformed table (unexpected end of data)."),
        ("a.txt", b"\n", ": holds no record, expected at least one."),
        ("a.docx", b"x", ": unknown kind of file."),
    ],
)
def test_what_is_broken_is_named_with_its_place(name: str, content: bytes, told: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ModPluralError) as caught:
        list(rows(str(path)))
    assert str(caught.value).startswith(f"{path}{told}")


def test_a_parquet_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 or not")
    with pytest.raises(ModPluralError, match=r"a\.parquet: cannot be read \("):
        list(rows(str(tmp_path / "a.parquet")))


@pytest.mark.parametrize("path", ["nowhere/at/all", "gone.jsonl", "folder/gone.jsonl", "just-a-name"])
def test_a_place_that_is_not_there(path: str) -> None:
    with pytest.raises(ModPluralError, match=f"{path}: no such file or folder, nor a name as the Hub has it"):
        list(rows(path))


def test_a_folder_without_data(tmp_path: Path) -> None:
    with pytest.raises(ModPluralError, match=r"holds no file that ends in \.jsonl"):
        list(rows(str(tmp_path)))


@pytest.mark.parametrize("kind", [".jsonl", ".json", ".csv"])
def test_memory_does_not_grow_with_the_file(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 1 << 15)

    def peak(count: int) -> int:
        path = tmp_path / f"{count}{kind}"
        text = "word " * 100
        lines = [json.dumps({"comment": text}) for _ in range(count)]
        whole = {
            ".jsonl": "\n".join(lines),
            ".json": "[" + ",".join(lines) + "]",
            ".csv": "comment\n" + f"{text}\n" * count,
        }
        path.write_text(whole[kind])
        del lines, whole
        tracemalloc.start()
        read = sum(1 for _ in rows(str(path)))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert read == count
        return most

    peak(10)  # imports
    small, large = peak(500), peak(4000)  # files of 0.25 and 2 MB
    assert large - small < 300_000
    assert large < 1_500_000
