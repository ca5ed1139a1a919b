"""``modplural study``: from two runs to a report."""

from __future__ import annotations

import json
import re

import pytest
from typer.testing import CliRunner

from model_wrappers.cli.app import app
from plural_tasks.human_study import read_key
from tests.plural_tasks.pairwise.test_pairwise import record, samples

runner = CliRunner()


def invoke(*arguments: object, code: int = 0) -> str:
    result = runner.invoke(app, ["study", *map(str, arguments)], env={"COLUMNS": "200"})
    assert result.exit_code == code, result.output + repr(result.exception)
    return result.output + ("" if code == 0 else f"\n{result.exception}")


@pytest.fixture
def study(tmp_path):
    for name in ("modplural", "vanilla"):
        said = f"{name} thinks that there are many ways to see this bridge, and lists them"
        samples(tmp_path / name, *(record(number, f"{said} {number}") for number in range(8)))
    runs = (tmp_path / "modplural", tmp_path / "vanilla")
    common = ("--task", "t", "--raters", 3, "--limit", 5, "--checks", 2, "--seed", 3)
    shown = invoke("export", *runs, tmp_path / "study", *common)
    assert "5 pairs, 3 ratings each, 3 raters with 7 to 7 rows, of them 2 attention checks." in shown
    assert "key.json" in shown
    return tmp_path / "study"


def send_back(study, rater: str, choose) -> str:
    """Fill in a rater's form; ``choose`` sees whose answer is first ("" for a check) and what a check wants."""
    key = read_key(study / "key.json")
    answers = [{"item": row.item, "verdict": choose(row.first or "", row.check)} for row in key.rows_of(rater)]
    path = study.parent / f"{rater}-answers.json"
    head = {"format": "plural-study-answers", "version": 1, "study": key.study, "rater": rater}
    path.write_text(json.dumps({**head, "answers": answers}))
    return str(path)


def prefers_a(first: str, check: str | None) -> str:
    return check or ("1" if first == "a" else "2")


def test_a_study_from_export_to_report(study, tmp_path) -> None:
    files = [
        send_back(study, "rater-01", prefers_a),
        send_back(study, "rater-02", lambda first, check: check or "tie"),
        send_back(study, "rater-03", lambda first, check: {"1": "2", "2": "1"}[check] if check else "1"),
    ]
    assert "3 new; 3 of 3 raters have answered." in invoke("import", study, *files)
    assert "0 new; 3 of 3 raters have answered." in invoke("import", study, *files)
    out = tmp_path / "report.json"
    shown = invoke("report", study, "--output", out, "--situations")
    assert re.search(r"A wins, ties, B wins\W+5, 5, 0\W+of 10", shown)
    assert re.search(r"win rate of A\W+0\.750", shown)
    # Two raters of five verdicts each, five situations of two: 2 - 1
    assert "two-way clustered by situation and rater (Cameron, Gelbach and Miller 2011), t with 1.0 degrees" in shown
    assert "Excluded: rater-03 failed 2 of 2 attention checks (more than 1)." in shown
    assert "crossing bridge" in shown
    figures = json.loads(out.read_text())
    assert figures["rates"]["win_rate"] == 0.75
    assert figures["runs"]["a"].endswith("modplural")
    assert figures["seconds"] is None
    everyone = invoke("report", study, "--max_failed", 2)
    assert "of 15" in everyone
    assert "Excluded" not in everyone


def test_a_bad_file_is_named_and_the_good_ones_are_kept(study, tmp_path) -> None:
    good = send_back(study, "rater-01", prefers_a)
    bad = tmp_path / "bad.json"
    bad.write_text("{}")
    shown = invoke("import", study, good, bad, code=1)
    assert f"Refused: {bad}: is no file of answers" in shown
    assert "1 new; 1 of 3 raters have answered." in shown
    assert "1 of 2 files were not taken." in shown


def test_people_and_a_judge_are_compared(study, tmp_path) -> None:
    runs = (tmp_path / "modplural", tmp_path / "vanilla")
    judged = tmp_path / "j.jsonl"
    arguments = json.dumps({"base": "scripted", "replies": ["A", "B"] * 5})
    common = ("--task", "t", "--limit", 5, "--seed", 3, "--model_args", arguments, "--output", judged)
    result = runner.invoke(app, ["judge", *map(str, (*runs, *common))])
    assert result.exit_code == 0, result.output
    invoke("import", study, send_back(study, "rater-01", prefers_a))
    shown = invoke("report", study, "--judge", judged.with_suffix(".json"))
    assert "no interval, ties count half, 5 situations, 1 raters" in shown
    assert "rater (Cameron, Gelbach and Miller 2011), which needs two raters and two situations." in shown
    assert re.search(r"agreement with the judge\W+1\.000\W+kappa -, 5 pairs", shown)
    assert "holds no verdicts" in invoke("report", study, "--judge", study / "key.json", code=1)
    broken = tmp_path / "broken.json"
    broken.write_text('{"verdicts": [{"pair": "p"}]}')
    assert "verdict 1 is no object with pair and verdict" in invoke("report", study, "--judge", broken, code=1)


def test_the_wording_can_be_started_from(tmp_path, study) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(invoke("wording").replace("Which answer covers more views?", "Ours"))
    runs = (tmp_path / "modplural", tmp_path / "vanilla")
    common = ("--task", "t", "--raters", 3, "--limit", 5, "--checks", 0, "--wording", mine)
    invoke("export", *runs, tmp_path / "other", *common)
    assert "<title>Ours</title>" in (tmp_path / "other" / "for_raters" / "rater-01.html").read_text()


def test_errors_of_one_line(study, tmp_path) -> None:
    assert "no answers" in invoke("report", study, code=1)
    assert "key.json: cannot be read" in invoke("report", tmp_path, code=1)
    runs = (tmp_path / "modplural", tmp_path / "vanilla")
    assert "is there already" in invoke("export", *runs, study, "--task", "t", "--raters", 3, code=1)
