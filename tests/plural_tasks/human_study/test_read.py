"""Key and import: what raters send back is checked."""

from __future__ import annotations

import csv
import io
import json

import pytest

from plural_tasks.human_study import Key, Returned, keep, read_kept, read_key, read_returned
from plural_tasks.utils.errors import ModPluralError
from tests.plural_tasks.human_study.study import filled, made


def test_the_key_round_trips_and_foreign_keys_are_refused(tmp_path) -> None:
    key = made(tmp_path / "study")
    path = tmp_path / "study" / "key.json"
    assert read_key(path) == key
    data = json.loads(path.read_text())
    for change, message in (
        ({"format": "x"}, "is no key of a study"),
        ({"version": 2}, "has version 2, this modplural reads 1"),
        ({"pairs": data["pairs"][1:]}, "is not among the pairs"),
        ({"sides": 1}, "unknown field 'sides'"),
    ):
        path.write_text(json.dumps({**data, **change}))
        with pytest.raises(ModPluralError, match=message):
            read_key(path)


def test_the_pages_json_is_read(tmp_path) -> None:
    key = made(tmp_path / "study")
    path = tmp_path / "rater-02-answers.json"
    path.write_text(json.dumps(filled(key, "rater-02")))
    returned = read_returned(path, key)
    assert returned.rater == "rater-02"
    assert dict(returned.choices) == {row.item: row.check or "1" for row in key.rows_of("rater-02")}
    assert set(returned.seconds.values()) == {2.5}


@pytest.mark.parametrize(
    ("separator", "encoding"), [(",", "utf-8"), (";", "utf-8-sig"), (";", "cp1252"), ("\t", "utf-16")]
)
def test_a_filled_table_is_read_however_a_spreadsheet_saved_it(tmp_path, separator, encoding) -> None:
    key = made(tmp_path / "study")
    text = (tmp_path / "study" / "for_raters" / "rater-03.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    for place, row in enumerate(rows[1:]):
        row[3] = str(int(row[3]))  # 01 becomes 1
        row[4] = "façade – 10 €"
        row[7] = ("1", "2 ", "Tie")[place % 3]
    rows.append([""] * 8)
    out = io.StringIO()
    csv.writer(out, delimiter=separator).writerows(rows)
    path = tmp_path / "back.csv"
    path.write_bytes(out.getvalue().encode(encoding))
    returned = read_returned(path, key)
    assert list(returned.choices.values())[:3] == ["1", "2", "tie"]
    assert len(returned.choices) == len(key.rows_of("rater-03"))


def changed(key: Key, **changes) -> dict:
    return {**filled(key, "rater-01"), **changes}


BROKEN = {
    "another study": (lambda key: changed(key, study="s0"), r"is of study s0, expected s"),
    "another version": (lambda key: changed(key, version=9), r"is of version 9, expected 1"),
    "another file": (lambda key: {"results": {}}, r"is no file of answers"),
    "no answers": (lambda key: changed(key, answers=[]), r"holds no answer"),
    "an unknown rater": (lambda key: changed(key, rater="rater-99"), r"unknown rater 'rater-99'"),
    "an unknown item": (
        lambda key: changed(key, answers=[*filled(key, "rater-01")["answers"], {"item": "77", "verdict": "1"}]),
        r"unknown item '77'",
    ),
    "an item twice": (
        lambda key: changed(key, answers=[*filled(key, "rater-01")["answers"], {"item": "01", "verdict": "1"}]),
        r"item 01 is there twice",
    ),
    "missing answers": (
        lambda key: changed(key, answers=filled(key, "rater-01")["answers"][2:]),
        r"2 of 13 items are not answered \(the first is 01\)",
    ),
    "an empty verdict": (lambda key: filled(key, "rater-01", lambda row: ""), r"13 of 13 items are not answered"),
    "another verdict": (
        lambda key: filled(key, "rater-01", lambda row: "3"),
        r"item 01 says '3', expected 1, 2 or tie",
    ),
    "an answer without an item": (lambda key: changed(key, answers=[{"verdict": "1"}]), r"answers\[0\] has no item"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_does_not_fit_the_study_is_one_clear_error(tmp_path, name) -> None:
    key = made(tmp_path / "study")
    change, message = BROKEN[name]
    path = tmp_path / "back.json"
    path.write_text(json.dumps(change(key)))
    with pytest.raises(ModPluralError, match=message) as caught:
        read_returned(path, key)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2\n", "has no column 'study'"),
        ("", "holds no answer"),
        ("study,version,rater,item,verdict\ns,1,rater-01,01,1\ns,1,rater-02,01,1\n", "is of study s, expected"),
    ],
)
def test_a_table_of_something_else_is_refused(tmp_path, content, message) -> None:
    key = made(tmp_path / "study")
    path = tmp_path / "back.csv"
    path.write_text(content)
    with pytest.raises(ModPluralError, match=message):
        read_returned(path, key)


def test_two_raters_in_one_file_are_refused(tmp_path) -> None:
    key = made(tmp_path / "study")
    path = tmp_path / "back.csv"
    lines = [f"{key.study},1,rater-0{number},01,1" for number in (1, 2)]
    path.write_text("\n".join(["study,version,rater,item,verdict", *lines]))
    with pytest.raises(ModPluralError, match="holds answers of rater-01, rater-02; expected one rater"):
        read_returned(path, key)


def test_answers_are_kept_once_and_not_replaced(tmp_path) -> None:
    key = made(tmp_path / "study")
    path = tmp_path / "back.json"
    path.write_text(json.dumps(filled(key, "rater-01")))
    returned = read_returned(path, key)
    kept = tmp_path / "study" / "answers"
    assert keep(kept, returned, key)
    assert not keep(kept, returned, key)
    assert read_kept(kept, key) == [returned]
    other = Returned("rater-01", {**returned.choices, "01": "tie"}, {})
    with pytest.raises(ModPluralError, match="rater-01 has answered already, and differently"):
        keep(kept, other, key)
    (kept / "copy.json").write_text(path.read_text())
    with pytest.raises(ModPluralError, match="holds two files of rater-01"):
        read_kept(kept, key)
    with pytest.raises(ModPluralError, match="holds no answers"):
        read_kept(tmp_path / "nowhere", key)
