"""``modplural corpus``: what it prints, what it writes, and how it refuses."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from community_lms.training.builders import BUILDERS
from model_wrappers.cli.app import app
from plural_tasks.utils.errors import ModPluralError
from tests.community_lms.training.layouts import LAYOUTS, write_jsonl

runner = CliRunner()


def invoke(*arguments: object) -> str:
    result = runner.invoke(app, ["corpus", *map(str, arguments)], env={"COLUMNS": "200"}, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def cells(output: str) -> list[list[str]]:
    return [line.split() for line in output.splitlines()]


def test_list_names_every_builder() -> None:
    output = invoke("list")
    for builder in BUILDERS.values():
        assert any(line[:1] == [builder.name] for line in cells(output))
    assert "SALT-NLP/CultureBank" in output


def test_build_writes_and_counts(tmp_path: Path) -> None:
    out = tmp_path / "culture.jsonl"
    output = invoke("build", "culturebank", LAYOUTS["culturebank"](tmp_path / "in"), "--out", out, "--by", "continent")
    assert f"{out}: 2 records of 6 rows." in output
    assert ["africa", "1"] in cells(output)
    assert "dropped: no continent known 3, no behaviour 1" in output
    assert "no continent known: Latin American 2, Moon people 1" in output
    assert len(out.read_text().splitlines()) == 2


def test_build_with_columns_and_limits(tmp_path: Path) -> None:
    rows = [{"q": f"why {number}?", "a": f"because {number}"} for number in range(9)]
    path = write_jsonl(tmp_path / "in" / "a.jsonl", rows)
    columns = ["--column", "prompt=q", "--column", "comment=a", "--community", "us", "--licence", "CC0"]
    invoke("build", "files", path, "--out", tmp_path / "x.jsonl", *columns, "--limit", "3")
    written = [json.loads(line) for line in (tmp_path / "x.jsonl").read_text().splitlines()]
    assert [record["prompt"] for record in written] == ["why 0?", "why 1?", "why 2?"]
    assert {(record["community"], record["licence"]) for record in written} == {("us", "CC0")}


def test_check_says_what_training_would_read(tmp_path: Path) -> None:
    rows = [{"community": "a", "prompt": f"why {number}?", "comment": "x" * (number + 3)} for number in range(20)]
    path = write_jsonl(
        tmp_path / "c.jsonl", [*rows, rows[0], {"community": "b", "comment": "plain text", "prompt": ""}]
    )
    output = invoke("check", path, "--holdout", "0.3")
    assert f"{path}: 21 records of 22 rows; 20 with a prompt, 1 plain texts." in output
    # lengths 3 to 22 and 10: in order, the 11th of 21 is 12; mean (250 + 10) / 21 = 12.4
    assert "characters in a comment: 3 to 22 (median 12, mean 12)." in output
    assert "dropped: duplicate 1" in output
    assert ["a", "20"] in cells(output)
    assert output.count("example ") == 3
    held_out = int(output.split(" held out.")[0].split()[-1])
    assert f"{21 - held_out} to train on" in output
    assert 0 < held_out < 21


def test_check_of_one_community(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "c.jsonl", [{"community": name, "comment": f"text {name}"} for name in "ab"])
    assert "dropped: other community 1" in invoke("check", path, "--community", "b")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["build", "culturbank", "x", "--out", "y.jsonl"], "unknown builder 'culturbank'. Did you mean 'culturebank'?"),
        (["build", "files", "--out", "y.jsonl"], "builder files: needs a SOURCE"),
        (["build", "files", "x", "--out", "y.jsonl", "--column", "a=b"], "--column: found 'a=b', expected OURS=THEIRS"),
        (["build", "survey", "x", "--out", "y.jsonl", "--answers", "25"], "field 'answers': Input should be less than"),
        (["build", "prism", "x", "--out", "y.jsonl", "--texts", "all"], "field 'texts': Input should be 'preferred'"),
        (
            ["build", "files", "x", "--out", "y.txt"],
            "y.txt: unknown kind of file, expected an ending of .jsonl or .parquet",
        ),
        (["build", "files", "gone.jsonl", "--out", "y.jsonl"], "gone.jsonl: no such file or folder"),
        (["check", "gone.jsonl"], "gone.jsonl: no such file or folder"),
        (["check", "gone.jsonl", "--holdout", "2"], "holdout: found 2.0"),
        (["check", "x", "--min-chars", "0"], "--min-chars, --max-chars: field 'min_chars'"),
    ],
)
def test_refusals(arguments: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModPluralError) as caught:
        invoke(*arguments)
    assert told in str(caught.value)
    assert list(tmp_path.iterdir()) == []
