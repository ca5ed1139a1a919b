"""Both scorings side by side, on a handful of rows with figures worked by hand."""

import csv
import io
import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from plural_tasks.judges.scripted import ScriptedJudge
from plural_tasks.rescore import Rescored, RescoredFigure, needs_judge, rescore
from plural_tasks.rescore import coverage as coverage_module
from plural_tasks.rescore.outputs import output_source, read_outputs
from plural_tasks.rescore.render import as_csv, as_json, as_markdown
from plural_tasks.utils.errors import ModPluralError
from tests.plural_tasks.rescore.authors_rows import (
    ADVERSARIAL,
    ANSWERS,
    OPTIONS,
    TEXTS,
    UNKNOWN,
    Rows,
    moral,
    overton,
    stance,
    survey,
    write,
)
from tests.published_data import published

# js_point_to_uniform of cases/divergence.json, in bits and in natural units
BITS, NATS = 0.557923, 0.464501


def score(tmp_path: Path, task: str, rows: Rows, judge: Any = None) -> Rescored:
    return rescore(read_outputs(write(tmp_path / "o.json", rows), output_source(task)), judge)


def figure(found: Rescored, name: str) -> RescoredFigure:
    (one,) = [figure for figure in found.figures if figure.name == name]
    return one


def test_distances(tmp_path) -> None:
    rows = [
        survey(1, "Ghana", ["Yes", "No"], [0.5, 0.5], [1, 0]),  # NATS; BITS
        survey(2, "Ghana", ["Yes", "No"], [1, 0], [0, 0]),  # the published scorer stops; uniform: BITS
        survey(3, "Ghana", ["Yes"], [1], [1]),  # 0; cannot be scored
        survey(4, "Ghana", ["Yes", "No", "Don't know"], [0.25, 0.25, 0.5], [0.25, 0.25, 0.5]),  # 0; 0
        survey(5, "Ghana", ["Yes", "No", "Don't know"], [0.5, 0.5, 0], [0, 0, 1]),  # sqrt(ln 2); uniform: 0
    ]
    found = score(tmp_path, "plural_distributional_globalopinionqa", rows)
    distance = figure(found, "js_distance")

    assert distance.paper == pytest.approx((NATS + 0 + 0 + 0.832555) / 4, abs=1e-6)
    assert distance.corrected == pytest.approx((BITS + BITS + 0 + 0) / 4, abs=1e-6)
    assert (distance.n_paper, distance.n, distance.excluded, distance.fallback) == (4, 4, 1, 2)
    # bits: (BITS + 1) / 4; with row 2: (2 BITS + 1) / 5; without row 3: (2 BITS + 1) / 4; row 5 is 0
    values = [distance.paper, (BITS + 1) / 4, (2 * BITS + 1) / 5, (2 * BITS + 1) / 4, 2 * BITS / 4]
    assert [reason.rows for reason in distance.reasons] == [2, 1, 1, 1]
    assert [reason.effect for reason in distance.reasons] == pytest.approx(
        [after - before for before, after in pairwise(values)], abs=1e-6
    )
    words = ("base 2", "without mass", "without two options", "no opinion")
    assert all(word in reason.text for word, reason in zip(words, distance.reasons, strict=True))


def test_other_distances_are_given_though_the_published_code_has_none(tmp_path) -> None:
    rows = [
        survey(1, "Ghana", ["More", "Same", "Less"], [0.5, 0.5, 0], [0, 0.5, 0.5]),
        survey(2, "Ghana", ["Red", "Green"], [0.5, 0.5], [1, 0]),
    ]
    found = score(tmp_path, "plural_distributional_globalopinionqa", rows)

    assert figure(found, "tv_distance").corrected == pytest.approx((0.5 + 0.5) / 2)
    assert figure(found, "entropy").corrected == pytest.approx((1 + 0) / 2)
    assert all(math.isnan(figure(found, name).paper) for name in ("tv_distance", "wasserstein", "entropy"))


def test_most_likely_answers(tmp_path) -> None:
    rows = [
        # paper, any tied gold, tied prediction, no mass, unscorable, without don't know
        survey(1, "Ghana", OPTIONS, [0.4, 0.1, 0.4, 0.1], [0, 0, 1, 0]),  # 0 1 1 1 1 1
        survey(2, "Ghana", OPTIONS, [0.1, 0.7, 0.1, 0.1], [0.4, 0.4, 0.1, 0.1]),  # 0 0 .5 .5 .5 .5
        survey(3, "Ghana", OPTIONS, [0.7, 0.1, 0.1, 0.1], [0, 0, 0, 0]),  # 1 1 1 0 0 0
        survey(4, "Ghana", ["Yes"], [1], [1]),  # 1 1 1 1 - -
        survey(5, "Ghana", UNKNOWN, [0.3, 0.2, 0.1, 0.4], [0.2, 0.1, 0.1, 0.6]),  # 1 1 1 1 1 1
        survey(6, "Ghana", UNKNOWN, [0.3, 0.2, 0.1, 0.4], [0.1, 0.2, 0.1, 0.6]),  # 1 1 1 1 1 0
    ]
    match = figure(score(tmp_path, "plural_distributional_globalopinionqa", rows), "argmax_match")
    values = [4 / 6, 5 / 6, 5.5 / 6, 4.5 / 6, 3.5 / 5, 2.5 / 5]

    assert match.paper == pytest.approx(values[0])
    assert match.corrected == pytest.approx(values[-1])
    assert (match.n_paper, match.n, match.excluded, match.fallback) == (6, 5, 1, 1)
    assert [reason.rows for reason in match.reasons] == [1, 1, 1, 1, 1]
    assert [reason.effect for reason in match.reasons] == pytest.approx(
        [after - before for before, after in pairwise(values)]
    )


def test_steerable_answers_may_be_dont_know(tmp_path) -> None:
    rows = [
        survey(1, "SEX_Male", UNKNOWN, [0.3, 0.2, 0.1, 0.4], [0.1, 0.1, 0.1, 0.7]),  # right in both
        survey(2, "SEX_Male", UNKNOWN, [0.1, 0.2, 0.3, 0.4], [0, 0, 1, 0]),  # wrong in both
        survey(3, "SEX_Male", ["Yes"], [1], [1]),  # right; left out
    ]
    accuracy = figure(score(tmp_path, "plural_steerable_opinionqa", rows), "accuracy")

    assert accuracy.paper == pytest.approx(2 / 3)
    assert accuracy.corrected == pytest.approx(1 / 2)
    assert (accuracy.n, accuracy.excluded, accuracy.fallback) == (2, 1, 0)
    assert [(reason.rows, round(reason.effect, 6)) for reason in accuracy.reasons] == [(1, round(1 / 2 - 2 / 3, 6))]


def test_errors_are_clustered_by_question(tmp_path) -> None:
    # Scores 0, 0, 1, 1 of two questions: sums of deviations -1 and 1, sqrt(2 * 2) / 4 = .5; unclustered .288675.
    gold, right, wrong = [1, 0], [1, 0], [0, 1]
    rows = [survey(number, "Ghana", ["Red", "Green"], gold, wrong) for number in (0, 7)]
    rows += [survey(number, "Ghana", ["Red", "Green"], gold, right) for number in (1, 8)]
    match = figure(score(tmp_path, "plural_distributional_globalopinionqa", rows), "argmax_match")

    assert match.se == pytest.approx(0.5)


def test_uniform_predictions_are_pointed_out(tmp_path) -> None:
    rows = [moral(1, [1, 0], [0.5, 0.5]), moral(2, [1, 0], [0.6, 0.4]), moral(3, [1, 0], [0, 0])]
    found = score(tmp_path, "plural_distributional_moralchoice", rows)

    assert len(found.notes) == 1
    assert found.notes[0].startswith("1 predictions are exactly uniform")
    assert score(tmp_path, "plural_distributional_moralchoice", rows[1:]).notes == ()
    assert score(tmp_path, "plural_steerable_opinionqa", [survey(1, "SEX_Male", ["Yes"], [1], [1])]).notes == ()


# gold, answer -> read as published, read as corrected
STANCES = [
    ("A", "A. Support", "A", "A"),
    ("A", "Answer: B", "A", "B"),
    ("B", "Oppose", "B", "B"),
    ("B", "no idea", None, None),
    ("A", "Either", "C", "C"),
    ("C", "Either", "C", "C"),
]


def test_three_way_answers(tmp_path) -> None:
    rows = [stance(number, gold, answer) for number, (gold, answer, _, _) in enumerate(STANCES)]
    found = score(tmp_path, "plural_steerable_vk", rows)
    accuracy, macro = figure(found, "accuracy"), figure(found, "macro_f1")

    assert (accuracy.paper, accuracy.corrected) == pytest.approx((4 / 6, 3 / 6))
    assert (accuracy.n, accuracy.excluded, accuracy.fallback) == (6, 0, 1)
    assert [reason.rows for reason in accuracy.reasons] == [1]
    # published: A 4/(3+2) = .8, B 2/(2+1) = 2/3, C 2/(1+2) = 2/3, unreadable 0
    # other parser: A 2/(3+1) = .5, B 2/(2+2) = .5, C 2/3, unreadable 0; then without the fourth class
    values = [(0.8 + 4 / 3) / 4, (0.5 + 0.5 + 2 / 3) / 4, (0.5 + 0.5 + 2 / 3) / 3]
    assert (macro.paper, macro.corrected) == pytest.approx((values[0], values[2]))
    assert [reason.rows for reason in macro.reasons] == [1, 1]
    assert [reason.effect for reason in macro.reasons] == pytest.approx([values[1] - values[0], values[2] - values[1]])
    # recalls A 2/3, B 1/2, C 1 and A 1/3, B 1/2, C 1
    balanced = figure(found, "balanced_accuracy")
    assert (balanced.paper, balanced.corrected) == pytest.approx(((2 / 3 + 1.5) / 3, (1 / 3 + 1.5) / 3))
    assert [reason.rows for reason in balanced.reasons] == [1]


def test_binary_answers_are_scored_on_a_fixed_subset(tmp_path) -> None:
    rows = [stance(number, gold, answer) for number, (gold, answer, _, _) in enumerate(STANCES)]
    found = score(tmp_path, "plural_steerable_vk", rows)
    accuracy, macro = figure(found, "binary_accuracy"), figure(found, "binary_macro_f1")

    # published rows A-A, A-A, B-B, B-none: 3 of 4; reread A-A, A-B, B-B, B-none: 2 of 4; with the row A-C: 2 of 5
    assert (accuracy.paper, accuracy.corrected) == pytest.approx((3 / 4, 2 / 5))
    assert (accuracy.n_paper, accuracy.n, accuracy.excluded, accuracy.fallback) == (4, 5, 1, 1)
    assert [(reason.rows, round(reason.effect, 9)) for reason in accuracy.reasons] == [(1, -0.25), (1, -0.1)]
    # published: A 4/(2+2) = 1, B 2/(2+1) = 2/3, none 0
    # reread: A 2/(2+1) = 2/3, B 2/(2+2) = 1/2, none 0
    # fixed: A 2/(3+1) = 1/2, B 1/2, C 0, none 0; then A and B alone
    values = [(1 + 2 / 3) / 3, (2 / 3 + 1 / 2) / 3, 1 / 4, 1 / 2]
    assert (macro.paper, macro.corrected) == pytest.approx((values[0], values[3]))
    assert [reason.rows for reason in macro.reasons] == [1, 1, 2]
    # rows of the questions 0 to 4: hits 1, 0, 1, 0, 0; mean .4; squares .36 + .16 + .36 + .16 + .16 = 1.2
    assert accuracy.se == pytest.approx(math.sqrt(5 / 4 * 1.2) / 5)
    assert math.isnan(macro.se)


def test_binary_figures_of_either_alone(tmp_path) -> None:
    found = score(tmp_path, "plural_steerable_vk", [stance(1, "C", "A"), stance(2, "C", "C")])
    binary = figure(found, "binary_accuracy")

    assert (binary.n_paper, binary.n, binary.excluded) == (0, 0, 2)
    assert math.isnan(binary.paper)
    assert math.isnan(binary.corrected)


WORK, QUIET = "Shops give work.", "Streets should be quiet."
COVERAGE = {
    (WORK, "Work counts."): 0.8,
    (QUIET, "Work counts."): 0.1,
    (WORK, "Quiet too."): 0.2,
    (QUIET, "Quiet too."): 0.4,
    (WORK, "- Quiet too."): 0.3,
    (QUIET, "- Quiet too."): 0.6,
    (WORK, ""): 0.0,
    (QUIET, ""): 0.7,
}


@pytest.fixture
def line_splitter(monkeypatch) -> None:
    """As the published splitter, but simpler: lines as they stand, an empty one between paragraphs."""
    judging = "plural_tasks.judges.judging"
    monkeypatch.setattr(f"{judging}.find_spec", lambda _: object())
    monkeypatch.setattr(f"{judging}.paper_sentences", lambda text: text.split("\n") if text else [])


def test_coverage(tmp_path, line_splitter) -> None:
    rows = [
        overton(1, [WORK, QUIET], "Work counts.\n\n- Quiet too."),  # (.8 + .7) / 2; (.8 + .4) / 2
        overton(2, [WORK], "Quiet too."),  # .2; .2
        overton(3, [WORK, QUIET], ""),  # -1; 0
    ]
    found = score(tmp_path, "plural_overton_vk", rows, ScriptedJudge(script=COVERAGE))
    coverage, share = figure(found, "coverage"), figure(found, "coverage_33")

    assert (coverage.paper, coverage.corrected) == pytest.approx(((0.75 + 0.2 - 1) / 3, (0.6 + 0.2) / 3))
    assert (coverage.n, coverage.excluded, coverage.fallback) == (3, 0, 1)
    assert [(reason.rows, round(reason.effect, 6)) for reason in coverage.reasons] == [
        (1, round(1 / 3, 6)),
        (1, round(-0.15 / 3, 6)),
    ]
    assert (share.paper, share.corrected, share.reasons) == (pytest.approx(1 / 3), pytest.approx(1 / 3), ())
    assert figure(found, "n_sentences").corrected == pytest.approx((2 + 1 + 0) / 3)
    assert found.notes == (
        "judge: scripted; published figures were made with microsoft/deberta-v2-xlarge-mnli and do not compare with "
        "these.",
    )


def test_the_judge_is_asked_once(tmp_path, line_splitter) -> None:
    judge = ScriptedJudge()
    score(tmp_path, "plural_overton_vk", [overton(number, [WORK], text) for number, text in enumerate(TEXTS)], judge)

    assert len(judge.calls) == 1


def test_without_the_published_splitter_the_papers_figure_is_unknown_and_says_why(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("plural_tasks.judges.judging.find_spec", lambda _: None)
    found = score(tmp_path, "plural_overton_vk", [overton(1, [WORK], "Quiet too.")], ScriptedJudge(script=COVERAGE))
    coverage = figure(found, "coverage")

    assert math.isnan(coverage.paper)
    assert coverage.corrected == pytest.approx(0.2)
    assert [reason.text for reason in coverage.reasons] == [coverage_module.NO_SPLITTER]


def test_the_published_judge_is_told_apart() -> None:
    judge = ScriptedJudge()
    judge.name, judge.revision = "microsoft/deberta-v2-xlarge-mnli", "abc"

    assert coverage_module.judge_note(judge) == "judge: microsoft/deberta-v2-xlarge-mnli@abc, the published one."


def test_overton_answers_need_a_judge(tmp_path) -> None:
    outputs = read_outputs(write(tmp_path / "o.json", [overton(1, [WORK], "Work.")]), output_source("overton_vk"))

    assert needs_judge(outputs)
    with pytest.raises(ModPluralError, match="--judge"):
        rescore(outputs)


@pytest.mark.parametrize(
    ("task", "rows"),
    [
        ("plural_distributional_globalopinionqa", [survey(n, "Ghana", *row) for n, row in enumerate(ADVERSARIAL)]),
        ("plural_steerable_opinionqa", [survey(n, "SEX_Male", *row) for n, row in enumerate(ADVERSARIAL)]),
        ("plural_steerable_vk", [stance(n, "ABC"[n % 3], answer) for n, answer in enumerate(ANSWERS)]),
        ("plural_overton_vk", [overton(n, [WORK, QUIET], text) for n, text in enumerate(TEXTS)]),
    ],
)
def test_effects_add_up_to_the_difference(tmp_path, task, rows, line_splitter) -> None:
    found = score(tmp_path, task, rows, ScriptedJudge())

    both = [one for one in found.figures if not math.isnan(one.paper)]
    for one in both:
        total = math.fsum(reason.effect for reason in one.reasons)
        assert one.paper + total == pytest.approx(one.corrected, abs=1e-12), one.name
        assert one.n + one.excluded == found.rows
    assert any(one.reasons for one in both)


def example(tmp_path: Path) -> dict[str, Rescored]:
    rows = [moral(1, [0.5, 0.5], [1, 0]), moral(2, [1, 0], [0, 0])]
    return {"a.json": score(tmp_path, "plural_distributional_moralchoice", rows)}


def test_json_holds_all_and_null_for_what_cannot_be_scored(tmp_path) -> None:
    (record,) = json.loads(as_json(example(tmp_path)))
    distance = record["figures"]["js_distance"]

    assert (record["file"], record["rows"]) == ("a.json", 2)
    assert distance["paper"] == pytest.approx(NATS, abs=1e-6)
    assert distance["corrected"] == pytest.approx(BITS, abs=1e-6)
    assert (distance["n_paper"], distance["n"], distance["fallback"]) == (1, 2, 1)
    assert [reason["rows"] for reason in distance["reasons"]] == [1, 1]
    assert record["figures"]["wasserstein"]["corrected"] is None


@pytest.mark.parametrize(
    ("scoring", "columns"),
    [
        ("both", {"paper", "corrected", "se", "n_paper", "n", "excluded", "fallback", "reasons"}),
        ("paper", {"paper", "n_paper"}),
        ("corrected", {"corrected", "se", "n", "excluded", "fallback"}),
    ],
)
def test_a_scoring_can_be_shown_alone(tmp_path, scoring, columns) -> None:
    (record,) = json.loads(as_json(example(tmp_path), scoring))
    rows = list(csv.DictReader(io.StringIO(as_csv(example(tmp_path), scoring))))

    assert all(set(one) == columns for one in record["figures"].values())
    assert set(rows[0]) == columns | {"file", "figure"}
    assert [row["figure"] for row in rows] == list(record["figures"])
    assert ("tv_distance" in record["figures"]) is (scoring != "paper")


def test_csv_leaves_empty_what_cannot_be_scored(tmp_path) -> None:
    rows = {row["figure"]: row for row in csv.DictReader(io.StringIO(as_csv(example(tmp_path))))}

    assert float(rows["js_distance"]["paper"]) == pytest.approx(NATS, abs=1e-6)
    assert rows["tv_distance"]["paper"] == ""
    assert "base 2" in rows["js_distance"]["reasons"]


def test_markdown_has_a_table_for_every_file(tmp_path) -> None:
    files = {**example(tmp_path), "b.json": example(tmp_path)["a.json"]}
    text = as_markdown(files)

    assert text.count("| figure | paper | corrected |") == 2
    assert "**b.json**, 2 rows" in text
    assert "| js_distance | 0.4645 | 0.5579 |" in text
    assert {line.count("|") for line in text.splitlines() if line.startswith("|")} == {10}


def test_constant_answers_on_the_authors_file(tmp_path) -> None:
    path = published("modular_pluralism/distributional_test_moralchoice_small.json")
    rows = json.loads(path.read_text(encoding="utf-8"))
    # 143 golds are [1, 0], 130 are [.5, .5]: always A misses the latter, uniform the former, each by NATS.
    for shares, missed in (([1, 0], 130), ([0.5, 0.5], 143)):
        filled = [{**row, "pred_distribution": shares} for row in rows]
        distance = figure(score(tmp_path, "plural_distributional_moralchoice", filled), "js_distance")
        assert distance.paper == pytest.approx(NATS * missed / 273, abs=1e-6)
        assert distance.corrected == pytest.approx(BITS * missed / 273, abs=1e-6)
