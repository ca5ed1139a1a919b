"""Markdown, CSV, JSON and the terminal show the same figures."""

import csv
import io
import json
import re

import pytest
from rich.console import Console
from typer.testing import CliRunner

from model_wrappers.cli.app import app
from plural_tasks.report.comparing.compare import compare
from plural_tasks.report.reading.runs import read_runs
from plural_tasks.report.tables.cells import interval, number, signed
from plural_tasks.report.tables.fit import fold, widths
from plural_tasks.report.tables.render import CSV_COLUMNS, print_comparison, to_csv, to_json, to_markdown
from plural_tasks.utils.errors import ModPluralError
from plural_tasks.utils.files import write_text
from tests.plural_tasks.report.report_runs import MODPLURAL, TASK, doc, sample, steerable, task, write_run

CONSTANTS = {"baseline_uniform": [0.5] * 4}


def runs(tmp_path, **others):
    """a: .75 [−2.427, 3.927] (see test_report_compare); b: .25; a - b: .5 [−5.853, 6.853], p .5; uniform: .5."""
    a = write_run(tmp_path / "a", {TASK: task(steerable([1.0, 1.0, 1.0, 0.0], **CONSTANTS), **others)})
    config = {"model": "modplural", "modplural": MODPLURAL}
    b = write_run(tmp_path / "b", {TASK: task(steerable([0.0, 0.0, 1.0, 0.0], **CONSTANTS), **others)}, config=config)
    return [f"plain={a}", f"mod|plural={b}"]


def comparison(tmp_path, **others):
    return compare(read_runs(runs(tmp_path, **others)), baseline="mod|plural", by="category", resamples=0)


def rows(markdown: str) -> list[list[str]]:
    """Cells of all table rows, with pipes in cells restored."""
    lines = [line for line in markdown.splitlines() if line.startswith("| ")]
    return [[cell.replace("\\|", "|").strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_markdown_says_it_at_a_glance(tmp_path) -> None:
    text = to_markdown(comparison(tmp_path))
    assert text.startswith("# Comparison of 2 runs\n\n## Main figures\n")
    table = rows(text)
    assert table[0] == ["", "steerable_x: accuracy ↑", "most fallbacks"]
    assert table[1] == ["plain", "**0.750** [0.000, 1.000] †", "25.0 %"]
    assert table[2] == ["mod|plural (baseline)", "0.250 [0.000, 1.000] †", "25.0 % / 2 own steps"]
    assert table[3] == ["always uniform", "0.500", "–"]
    assert table[4] == ["documents (questions)", "4 (2)", ""]
    assert ["plain", "**0.750**", "[0.000, 1.000]", "4", "25.0 %", "+0.500", "[−5.853, +6.853]", "0.500"] in table
    assert table[5] == ["run", "backend", "method", "pool", "own-step fallbacks", "seed"]
    assert table[7][:5] == ["mod|plural", "modplural/hf", "modplural", "village (2)", "selection 2"]
    assert "All runs: model org/tiny, " in text
    # age: d1 and d3 of two questions, both right for a; sex: d2 right, d4 wrong.
    assert ["sex", "2", "0.500", "0.000"] in table
    assert ["age", "2", "1.000", "0.500"] in table
    assert "No group has 30 documents" in text


def test_every_row_of_a_table_has_its_columns(tmp_path) -> None:
    for block in re.split(r"\n\n", to_markdown(comparison(tmp_path))):
        if block.startswith("|"):
            assert len({len(row) for row in rows(block)}) == 1


def test_json_csv_and_markdown_agree(tmp_path) -> None:
    found = comparison(tmp_path)
    data = json.loads(to_json(found), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    lines = list(csv.DictReader(io.StringIO(to_csv(found))))
    assert data["baseline"] == "mod|plural"
    (made,) = data["tasks"]
    assert (made["n"], made["original"], made["clusters"], made["complete"]) == (4, 4, 2, True)
    text = to_markdown(found)
    for figure in made["figures"]:
        kind = "constant" if figure["constant"] else "run"
        (line,) = [
            line
            for line in lines
            if (line["row"], line["metric"], line["kind"]) == (figure["row"], figure["metric"], kind)
        ]
        for name in ("value", "se", "low", "high", "n", "clusters"):
            assert line[name] == ("" if figure[name] is None else str(figure[name]))
        assert (line["difference"] == "") == (figure["baseline"] is None)
        if figure["baseline"]:
            assert float(line["difference"]) == figure["baseline"]["value"]
            assert line["baseline"] == "mod|plural"
        if figure["metric"] == "accuracy":
            assert f"{figure['value']:.3f}" in text
    groups = [line for line in lines if line["kind"] == "group"]
    assert [(line["row"], line["group"], float(line["value"])) for line in groups] == [
        (group["row"], group["group"], group["value"]) for group in made["groups"]
    ]
    assert {line["group_field"] for line in groups} == {"category"}
    assert list(lines[0]) == list(CSV_COLUMNS)
    assert data["runs"][1]["facts"]["fallbacks"] == {"selection": 2}


def test_what_is_partial_or_reported_is_marked(tmp_path) -> None:
    text = to_markdown(comparison(tmp_path, original=40, reported={"paper_macro_f1,none": 0.5}))
    assert "4 (2) ‡" in text
    assert "‡ a part of the task's documents" in text
    assert "4 of 40 documents ‡" in text
    plain = to_markdown(comparison(tmp_path))
    assert "‡" not in plain
    assert "§" not in plain
    samples = steerable([1.0] * 4, paper_macro_f1=[["A", "B"]] * 4)
    path = write_run(tmp_path / "c", {TASK: task(samples, reported={"paper_macro_f1,none": 0.5})})
    marked = to_markdown(compare(read_runs([str(path)])))
    assert "0.500 §" in marked
    assert "§ the harness's own figure" in marked


def marked(tmp_path, fallbacks=(0.0, 0.0), a=(1.0,) * 9 + (0.0,), b=(0.0,) * 10) -> str:
    """Ten questions of one document; runs of which a share gave no usable answer. b is the baseline."""
    paths = []
    for name, row, share in zip("ab", (a, b), fallbacks, strict=True):
        samples = [
            sample(n, doc(f"d{n}", f"q{n}"), {"accuracy": value, "fallback_rate": float(n < share * 10)})
            for n, value in enumerate(row)
        ]
        paths.append(f"{name}={write_run(tmp_path / name, {TASK: task(samples)})}")
    return to_markdown(compare(read_runs(paths), baseline="b", resamples=0))


def cells(text: str, name: str) -> tuple[str, str]:
    """A run's cell in the overview, and its difference in the task's table."""
    found = [row for row in rows(text) if row[0].startswith(name)]
    return next(row[1] for row in found if len(row) == 3), next(row[5] for row in found if len(row) > 7)


def test_a_difference_that_is_shown_is_marked_and_only_its_mark_explained(tmp_path) -> None:
    # a - b: .9, SE .1, t(9) = 2.262: [.674, 1.126].
    text = marked(tmp_path)
    assert cells(text, "a") == ("**0.900** [0.674, 1.000] ▲", "+0.900 ▲")
    assert "▲ better than b on the same documents" in text
    for mark in ("▼", "‼", "†", "‡", "§"):
        assert mark not in text


def test_a_difference_without_an_interval_has_no_mark(tmp_path) -> None:
    # Every document differs by 1: nothing varies, and no interval can be had.
    text = marked(tmp_path, a=(1.0,) * 10)
    assert cells(text, "a") == ("**1.000**", "+1.000")
    assert "▲" not in text
    assert "No run is shown to be better or worse than b" in text


@pytest.mark.parametrize(
    ("fallbacks", "of_a", "of_b"),
    [((0.5, 0.5), " ▲", ""), ((0.6, 0.0), " ‼", ""), ((0.0, 0.6), " ‼", " ‼"), ((1.0, 1.0), " ‼", " ‼")],
)
def test_runs_that_hardly_answered_are_marked_loudly(tmp_path, fallbacks, of_a, of_b) -> None:
    text = marked(tmp_path, fallbacks)
    assert cells(text, "a") == (f"**0.900** [0.674, 1.000]{of_a}", f"+0.900{of_a}")
    assert cells(text, "b (baseline)") == (f"0.000{of_b}", f"baseline{of_b}")
    loud = "‼" in of_a
    assert ("‼ **more than half of the answers could not be used**" in text) == loud
    assert ("▲ better" in text) != loud


def test_a_single_run_that_hardly_answered_is_marked_too(tmp_path) -> None:
    path = write_run(tmp_path, {TASK: task(steerable([0.0] * 4, fallback_rate=[1.0, 1.0, 1.0, 0.0]))})
    text = to_markdown(compare(read_runs([f"a={path}"])))
    assert ["a", "0.000 ‼", "75.0 %"] in rows(text)
    assert "could not be used**: the figure tells of what stood in for them." in text


def test_settings_that_differ_are_noted(tmp_path) -> None:
    both = {"t1": task(steerable([1.0] * 4)), "t2": task(steerable([1.0] * 4))}
    one = write_run(tmp_path / "a", both, **{"n-shot": {"t1": 5, "t2": 0}}, chat_template="{{ messages }}")
    other = write_run(tmp_path / "b", {"t1": both["t1"]})
    text = to_markdown(compare(read_runs([f"a={one}", f"b={other}"]), resamples=0))
    assert "Different numbers of few-shot examples: t1." in text
    assert "Some runs use a chat template, others none." in text
    assert "Not evaluated: b: t2." in text
    assert "few-shot examples:" not in to_markdown(comparison(tmp_path / "c"))


def test_many_groups_are_cut_in_tables_alone(tmp_path) -> None:
    samples = [
        sample(n, doc(f"d{n:03}", f"q{n}", attribute=f"country {n % 20:02}"), {"accuracy": float(n % 20 >= n // 20)})
        for n in range(100)
    ]
    found = compare(read_runs([str(write_run(tmp_path, {TASK: task(samples)}))]), by="attribute")
    text = to_markdown(found)
    assert "The 12 worst of 20" in text
    assert "country 00" in text  # right once of five times: the worst
    assert "country 19" not in text
    assert "country 19" in to_csv(found)
    assert "country 19" in to_json(found)


def test_groups_that_may_be_named_the_worst_come_first(tmp_path) -> None:
    """One large group is right half the time; thirteen groups of 2 documents of one question are always wrong."""
    large = [
        sample(n, doc(f"l{n:03}", f"q{n}", attribute=("large", "good")[n % 2]), {"accuracy": float(n % 4 > 0)})
        for n in range(80)
    ]
    small = [
        sample(80 + n, doc(f"s{n:03}", f"p{n // 2}", attribute=f"small {n // 2}"), {"accuracy": float(n % 2)})
        for n in range(26)
    ]
    path = write_run(tmp_path, {TASK: task(large + small)})
    text = to_markdown(compare(read_runs([str(path)]), by="attribute"))
    lines = [row for row in rows(text) if row[0].startswith(("large", "good", "small"))]
    assert [row[0] for row in lines][:2] == ["large", "good"]
    assert lines[0][2].startswith("**0.500 [")
    assert {row[2] for row in lines[2:]} == {"0.500"}  # no interval
    assert "The 12 worst of 15 (groups of at least 30 documents first)" in text
    assert "No interval is given for fewer than 10 documents or 2 questions." in text


@pytest.mark.parametrize("width", [80, 100, 120])
def test_a_terminal_breaks_no_word_and_no_interval(tmp_path, width) -> None:
    console = Console(file=io.StringIO(), width=width)
    print_comparison(comparison(tmp_path), console)
    shown = console.file.getvalue()
    assert max(map(len, shown.splitlines())) <= width
    for whole in ("mod|plural", "steerable_x: accuracy ↑", "[−5.853, +6.853]", "modplural/hf", "selection"):
        assert whole in shown


def test_columns_are_narrowed_between_words_or_not_at_all() -> None:
    rows_ = [("name", "figure ↑"), ("a b", "**0.5 [0.1, 0.9]**")]
    assert widths(rows_, 30) == [4, 14]
    assert widths(rows_, 16) == [4, 12]
    assert widths(rows_, 13) is None  # 4 for "name" and 10 for the interval
    assert fold("**0.5 [0.1, 0.9]**", 12) == "0.5\n[0.1, 0.9]"


def test_signs_are_alike() -> None:
    assert (number(-0.5), signed(-0.5), interval(-1.0, 1.0)) == ("−0.500", "−0.500", "[−1.000, 1.000]")


def test_many_tasks_become_rows(tmp_path) -> None:
    tasks = {f"t{n}": task(steerable([1.0, 1.0, 1.0, 0.0])) for n in range(5)}
    table = rows(to_markdown(compare(read_runs([f"a={write_run(tmp_path, tasks)}"]), resamples=0)))
    assert table[0] == ["", "a", "documents (questions)"]
    assert [row[0] for row in table[1:7]] == [*(f"t{n}: accuracy ↑" for n in range(5)), "most fallbacks"]


def test_the_terminal_shows_the_same_tables(tmp_path) -> None:
    found = comparison(tmp_path)
    console = Console(file=io.StringIO(), width=200)
    print_comparison(found, console)
    shown = console.file.getvalue()
    for title, cell in (("Main figures", "0.750 [0.000, 1.000] †"), ("Runs", "mod|plural"), (TASK, "+0.500")):
        assert title in shown
        assert cell in shown
    assert "**" not in shown


def test_a_file_is_replaced_whole_or_stays(tmp_path, monkeypatch) -> None:
    path = tmp_path / "new" / "r.md"
    write_text(path, "old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(ModPluralError, match=r"r\.md: cannot be written \(No space left on device\)"):
        write_text(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert [place.name for place in path.parent.iterdir()] == ["r.md"]


# The command

runner = CliRunner()


def invoke(*arguments: str):
    return runner.invoke(app, ["compare", *arguments], env={"COLUMNS": "200"}, catch_exceptions=True)


def test_the_command_prints_a_table_or_any_format(tmp_path) -> None:
    arguments = runs(tmp_path)
    assert "Main figures" in invoke(*arguments).stdout
    assert invoke(*arguments, "--format", "markdown").stdout.startswith("# Comparison of 2 runs")
    assert json.loads(invoke(*arguments, "--format", "json").stdout)["baseline"] == "plain"
    assert invoke(*arguments, "--format", "csv", "--baseline", "mod|plural").stdout.startswith("task,version,mode")


@pytest.mark.parametrize(("name", "begins"), [("r.md", "# Compar"), ("r.csv", "task,"), ("r.JSON", "{\n")])
def test_the_command_writes_a_file(tmp_path, name, begins) -> None:
    done = invoke(*runs(tmp_path), "--output", str(tmp_path / "out" / name))
    assert done.exit_code == 0, done.output
    assert done.stdout == f"2 runs, 1 tasks: {tmp_path / 'out' / name}\n"
    assert (tmp_path / "out" / name).read_text(encoding="utf-8").startswith(begins)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--format", "mardown"], "--format: unknown format 'mardown'. Did you mean 'markdown'"),
        (["--output", "r.txt"], "its ending names no format"),
        (["--output", "r.md", "--format", "table"], "the table is for the terminal"),
        (["--task", "nothing"], "--task: unknown task 'nothing'"),
        (["--baseline", "c"], "--baseline: unknown run 'c'"),
    ],
)
def test_mistakes_are_one_sentence(tmp_path, arguments, told) -> None:
    done = invoke(*runs(tmp_path), *arguments)
    assert isinstance(done.exception, ModPluralError)
    assert told in str(done.exception)
