"""A run's answers against their explanations, with judgements worked out by hand."""

import math
from typing import Any

import pytest

from plural_tasks.judges import Entailment, judging, load_judge
from plural_tasks.judges.judging import judge_answers
from plural_tasks.metrics import lexical_coverage

NAN = math.nan
EXPLANATIONS = [["care", "rest"], ["law"]]
ANSWERS = ["Help them. Let them be.", "Obey."]
FORWARD = {
    ("care", "Help them."): Entailment(0.8, 0.1, 0.1),
    ("care", "Let them be."): Entailment(0.1, 0.2, 0.7),
    ("rest", "Help them."): Entailment(0.1, 0.6, 0.3),
    ("rest", "Let them be."): Entailment(0.4, 0.5, 0.1),
    ("law", "Obey."): Entailment(0.3, 0.6, 0.1),
}
BACKWARD = {
    ("Help them.", "care"): 0.6,
    ("Let them be.", "care"): 0.0,
    ("Help them.", "rest"): 0.1,
    ("Let them be.", "rest"): 0.2,
    ("Obey.", "law"): 0.9,
}


@pytest.fixture(autouse=True)
def _published_splitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """The published splitter, replaced by one that cuts at full stops: these tests are not about it."""
    monkeypatch.setattr(judging, "find_spec", lambda name: object())
    monkeypatch.setattr(
        judging, "paper_sentences", lambda text: [f"{part.strip()}." for part in text.split(".") if part.strip()]
    )


def test_figures_of_two_answers() -> None:
    judge = load_judge("scripted", script={**FORWARD, **BACKWARD})
    first, second = judge_answers(judge, EXPLANATIONS, ANSWERS)

    assert first.sentences == ("Help them.", "Let them be.")
    assert first.n_sentences == 2
    assert first.value_coverage == (0.8, 0.4)
    # (.8 + .4) / 2; / 2 sentences; above .33
    assert first.coverage == pytest.approx(0.6)
    assert first.coverage_per_sentence == pytest.approx(0.3)
    assert first.coverage_33 == 1.0
    # (max(.6, 0) + max(.1, .2)) / 2
    assert first.coverage_reverse == pytest.approx(0.4)
    # "Let them be." contradicts care (.7 is the largest), "Help them." nothing
    assert first.contradiction_rate == pytest.approx(0.5)
    assert (first.paper_coverage, first.paper_coverage_33) == (pytest.approx(0.6), 1.0)

    assert second.coverage == second.coverage_per_sentence == 0.3
    assert (second.coverage_33, second.paper_coverage_33) == (0.0, 0.0)
    assert second.coverage_reverse == 0.9
    assert second.contradiction_rate == 0.0


def test_matrices_have_a_row_for_each_value_and_a_column_for_each_sentence() -> None:
    first, second = judge_answers(load_judge("scripted", script={**FORWARD, **BACKWARD}), EXPLANATIONS, ANSWERS)

    assert [[score.entailment for score in row] for row in first.scores] == [[0.8, 0.1], [0.1, 0.4]]
    assert first.reverse_scores is not None
    assert [[score.entailment for score in row] for row in first.reverse_scores] == [[0.6, 0.0], [0.1, 0.2]]
    assert [len(row) for row in second.scores] == [1]


def test_the_judge_is_asked_once_for_the_whole_run() -> None:
    judge = load_judge("scripted", script={**FORWARD, **BACKWARD})
    judge_answers(judge, EXPLANATIONS, ANSWERS)

    assert len(judge.calls) == 1
    assert sorted(judge.judged) == sorted([*FORWARD, *BACKWARD])


def test_equal_answers_cost_nothing_more() -> None:
    judge = load_judge("scripted", script={**FORWARD, **BACKWARD})
    found = judge_answers(judge, [EXPLANATIONS[0]] * 3, [ANSWERS[0]] * 3)

    assert found[0] == found[1] == found[2]
    assert len(judge.judged) == 8


def test_the_reverse_is_left_out_on_request() -> None:
    judge = load_judge("scripted", script=FORWARD)
    first, _ = judge_answers(judge, EXPLANATIONS, ANSWERS, reverse=False)

    assert first.coverage == pytest.approx(0.6)
    assert math.isnan(first.coverage_reverse)
    assert first.reverse_scores is None


def test_a_judge_without_direction_is_not_asked_for_the_reverse() -> None:
    judge = load_judge("scripted", script=FORWARD, directional=False)
    first, _ = judge_answers(judge, EXPLANATIONS, ANSWERS)

    assert first.coverage == pytest.approx(0.6)
    assert math.isnan(first.coverage_reverse)


@pytest.mark.parametrize("answer", ["", "  \n", "...", "1."])
def test_an_answer_without_sentences_covers_nothing(answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "paper_sentences", lambda text: [])
    judge = load_judge("scripted", script=[])
    [found] = judge_answers(judge, [["care", "rest"]], [answer])

    assert (found.coverage, found.coverage_reverse, found.coverage_33, found.coverage_per_sentence) == (0, 0, 0, 0)
    assert found.n_sentences == 0
    assert found.value_coverage == (0.0, 0.0)
    assert math.isnan(found.contradiction_rate)
    # the published score of an answer without sentences
    assert (found.paper_coverage, found.paper_coverage_33) == (-1.0, 0.0)


def test_published_sentences_are_judged_beside_the_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "paper_sentences", lambda text: ["1.", "Help them.", ""])
    script = {
        ("care", "Help them."): 0.5,
        ("care", "1."): 0.2,
        ("care", ""): 0.7,
        ("Help them.", "care"): 0.1,
    }
    [found] = judge_answers(load_judge("scripted", script=script), [["care"]], ["1. Help them.\n\n"])

    assert found.sentences == ("Help them.",)
    assert found.coverage == 0.5
    # the empty line scores highest: a quirk
    assert found.paper_coverage == 0.7


def test_without_the_published_splitter_its_figure_is_unknown(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(judging, "find_spec", lambda name: None)
    first, _ = judge_answers(load_judge("scripted", script={**FORWARD, **BACKWARD}), EXPLANATIONS, ANSWERS)

    assert first.coverage == pytest.approx(0.6)
    assert math.isnan(first.paper_coverage)
    assert math.isnan(first.paper_coverage_33)
    assert "pip install sentence-splitter" in caplog.text


def test_the_published_splitter_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sentence_splitter")
    from plural_tasks.metrics.paper import paper_sentences

    monkeypatch.setattr(judging, "paper_sentences", paper_sentences)
    answers = ["1. Help Dr. Who.\n\nLet them be. now.", "", "\n"]
    judge = load_judge("scripted", directional=False)
    found = judge_answers(judge, [["care"]] * 3, answers)

    published = ["1.", "Help Dr. Who.", "", "Let them be. now."]
    assert [one.n_sentences for one in found] == [3, 0, 0]
    scores = [one.entailment for one in load_judge("scripted").entail([("care", line) for line in published])]
    assert found[0].paper_coverage == max(scores)
    # no text: no sentence; a blank line: one empty sentence
    assert found[1].paper_coverage == -1.0
    assert found[2].paper_coverage == scores[2]


def test_a_judge_of_similarity_knows_no_contradiction() -> None:
    [found] = judge_answers(load_judge("lexical"), [["Children learn.", "Roads need repair."]], ["Children do learn."])

    assert found.coverage == pytest.approx(0.5)
    assert math.isnan(found.contradiction_rate)


@pytest.mark.parametrize(
    "answer",
    ["Patient teachers matter. Children learn.", "Teachers.", "", "1. Children deserve care. 2. Repair roads!"],
)
def test_the_reverse_of_the_lexical_judge_is_lexical_coverage(answer: str) -> None:
    explanations = ["Children deserve patient teachers", "Roads need repair"]
    [found] = judge_answers(load_judge("lexical"), [explanations], [answer])

    assert found.coverage_reverse == pytest.approx(lexical_coverage(answer, explanations), abs=1e-12)


def test_no_answers() -> None:
    assert judge_answers(load_judge("scripted", script=[]), [], []) == []


@pytest.mark.parametrize(
    ("explanations", "answers", "message"),
    [
        ([["care"], []], ["a", "b"], "at least one explanation for every answer"),
        ([["care"]], ["a", "b"], "argument 2 is longer|is longer than"),
        ([["care"], ["rest"]], ["a"], "is shorter than"),
    ],
)
def test_lists_that_do_not_match(explanations: Any, answers: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        judge_answers(load_judge("scripted"), explanations, answers)
