import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from model_wrappers.cli.app import app
from plural_tasks.utils.errors import ModPluralError
from tests.plural_tasks.rescore.authors_rows import moral, overton, stance, survey, write

ROOT = Path(__file__).resolve().parents[3]
MORAL = ("--task", "plural_distributional_moralchoice")
runner = CliRunner()


def invoke(*arguments: object) -> str:
    result = runner.invoke(app, ["score", *map(str, arguments)], env={"COLUMNS": "220"}, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def outputs(tmp_path) -> Path:
    return write(tmp_path / "mine.json", [moral(1, [0.5, 0.5], [1, 0]), moral(2, [1, 0], [0.5, 0.5])])


def test_the_table_shows_both_scorings_with_reasons(outputs) -> None:
    shown = invoke(outputs, *MORAL)

    # .464501 and .557923 for both rows, worked in tests/plural_tasks/metrics/cases/divergence.json
    assert "mine.json, 2 rows" in shown
    assert "0.4645" in shown
    assert "0.5579" in shown
    assert "+0.0934: logarithm to base 2 instead of the natural one (x 1.2011) (2 rows)" in shown
    assert "1 predictions are exactly uniform" in shown


@pytest.mark.parametrize("width", [80, 100])
def test_figures_and_reasons_fit(outputs, width, monkeypatch) -> None:
    monkeypatch.setattr("model_wrappers.cli.score.console", Console(width=width))
    shown = invoke(outputs, *MORAL)
    start = shown.index("┏")
    inner = shown[start : shown.index("predictions are exactly")].splitlines()[:-1]
    assert max(map(len, inner)) <= width
    assert "js_distance_nat" in shown
    assert "    +0.0934: logarithm to base 2 instead of the natural one" in shown


def test_what_a_file_lacks_is_noted(tmp_path) -> None:
    # The second sums to 1.02; the third, at 0.995, is within 1 %.
    path = write(
        tmp_path / "o.json", [moral(1, [1, 0], [1, 0]), moral(2, [1, 0], [1, 0.02]), moral(3, [1, 0], [0.995, 0])]
    )
    shown = invoke(path, *MORAL)
    assert "3 of the 273 rows of the task file were scored" in shown
    assert "1 predictions have shares that do not sum to 1" in shown


def test_one_scoring_alone(outputs) -> None:
    paper, corrected = (invoke(outputs, *MORAL, "--scoring", name) for name in ("paper", "corrected"))

    assert "0.4645" in paper
    assert "0.5579" not in paper
    assert "tv_distance" not in paper
    assert "tv_distance" in corrected
    assert "reasons" not in corrected


def test_json_and_csv_and_several_files(tmp_path, outputs) -> None:
    other = write(tmp_path / "other.json", [moral(1, [1, 0], [1, 0])])
    records = json.loads(invoke(outputs, other, *MORAL, "--format", "json"))
    rows = list(csv.DictReader(io.StringIO(invoke(outputs, other, *MORAL, "--format", "csv"))))

    assert [record["file"] for record in records] == [str(outputs), str(other)]
    assert [record["figures"]["js_distance"]["n"] for record in records] == [2, 1]
    assert {row["file"] for row in rows} == {str(outputs), str(other)}


def test_an_attribute_filters_rows(tmp_path) -> None:
    rows = [survey(n, group, ["Yes", "No"], [1, 0], [1, 0]) for n, group in enumerate(["SEX_Male", "RACE_White"])]
    path = write(tmp_path / "o.json", rows)
    (record,) = json.loads(
        invoke(path, "--task", "plural_steerable_opinionqa", "--attribute", "SEX", "--format", "json")
    )

    assert record["rows"] == 1


def test_stances_and_overton_answers(tmp_path) -> None:
    stances = write(tmp_path / "s.json", [stance(1, "B", "Answer: B")])
    answers = write(tmp_path / "o.json", [overton(1, ["Shops give work."], "They give work.")])

    assert "read as the option that they pick" in invoke(stances, "--task", "plural_steerable_vk")
    assert "judge: lexical" in invoke(answers, "--task", "plural_overton_vk", "--judge", "lexical")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--scoring", "papr"), "--scoring: unknown scoring 'papr'. Did you mean 'paper'"),
        (("--format", "jsn"), "--format: unknown format 'jsn'. Did you mean 'json'"),
        (("--attribute", "Mars"), "--attribute: unknown attribute 'Mars'"),
    ],
)
def test_a_misspelt_choice_names_the_valid_ones(outputs, arguments, message) -> None:
    with pytest.raises(ModPluralError) as error:
        invoke(outputs, *MORAL, *arguments)
    assert message in str(error.value)


def test_an_unknown_task_and_a_repeated_file_are_refused(outputs) -> None:
    with pytest.raises(ModPluralError, match="--task: unknown task 'plural_moralchoice'"):
        invoke(outputs, "--task", "plural_moralchoice")
    with pytest.raises(ModPluralError, match="named twice"):
        invoke(outputs, outputs, *MORAL)


def test_a_fault_is_one_line_and_exit_code_1(tmp_path) -> None:
    path = write(tmp_path / "o.json", [{**moral(1, [1, 0], [1, 0]), "pred_distribution": None}])
    done = subprocess.run(
        [sys.executable, "-m", "model_wrappers", "score", str(path), *MORAL], cwd=ROOT, capture_output=True, text=True
    )

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"modplural: error: {path}, record 1 (id 'M_1'): field 'pred_distribution'")
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_the_script_prints_one_table_for_each_file(tmp_path, outputs) -> None:
    stances = write(tmp_path / "s.json", [stance(1, "B", "Answer: B")])
    script = [sys.executable, str(ROOT / "benchmarks" / "paper_vs_corrected.py")]
    done = subprocess.run(
        [*script, f"{MORAL[1]}={outputs}", f"plural_steerable_vk={stances}"],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "**plural_distributional_moralchoice, mine.json**, 2 rows" in done.stdout
    assert "| js_distance | 0.4645 | 0.5579 |" in done.stdout
    assert "**plural_steerable_vk, s.json**, 1 rows" in done.stdout
