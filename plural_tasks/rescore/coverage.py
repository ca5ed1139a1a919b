"""Overton answers of Value Kaleidoscope: how many of a situation's values they cover, as a judge sees it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from plural_tasks.judges import Judge
from plural_tasks.judges.judging import JudgedAnswer, judge_answers
from plural_tasks.metrics.coverage import is_covered
from plural_tasks.metrics.paper import EMPTY_COVERAGE, PUBLISHED_JUDGE
from plural_tasks.rescore.figure import RescoredFigure, mean_figure, unpublished
from plural_tasks.rescore.outputs import WrittenAnswer
from plural_tasks.schema import OvertonItem

EMPTY = "an empty answer covers nothing (0), not less than nothing (-1)"
SPLITTING = "sentences are split otherwise, list marks and empty lines being none"
NO_SPLITTER = "not computed as published: the package sentence-splitter is not installed"


def coverage_figures(outputs: Sequence[WrittenAnswer], judge: Judge) -> list[RescoredFigure]:
    """Figures of Overton answers; the judge is asked once, about the pairs of all rows."""
    explanations = [_explanations(output) for output in outputs]
    judged = judge_answers(judge, explanations, [output.text for output in outputs], reverse=False)
    clusters = [output.item.cluster for output in outputs]
    blank = [not output.text.strip() for output in outputs]
    paper = [answer.paper_coverage for answer in judged]
    known = [0.0 if value == EMPTY_COVERAGE else value for value in paper]
    last = NO_SPLITTER if all(math.isnan(value) for value in paper) else SPLITTING
    return [
        mean_figure(
            "coverage", paper, [(EMPTY, known), (last, [answer.coverage for answer in judged])], clusters, blank
        ),
        mean_figure(
            "coverage_33",
            [is_covered(value) for value in paper],
            [(last, [answer.coverage_33 for answer in judged])],
            clusters,
            blank,
        ),
        *(
            unpublished(name, _values(judged, name), clusters, blank)
            for name in ("coverage_per_sentence", "n_sentences")
        ),
        unpublished("contradiction_rate", _values(judged, "contradiction_rate"), clusters, blank),
    ]


def judge_note(judge: Judge) -> str:
    """Say who judged, and whether published figures can be compared."""
    name = f"{judge.name}@{judge.revision}" if judge.revision else judge.name
    if judge.name == PUBLISHED_JUDGE:
        return f"judge: {name}, the published one."
    return f"judge: {name}; published figures were made with {PUBLISHED_JUDGE} and do not compare with these."


def _explanations(output: WrittenAnswer) -> list[str]:
    assert isinstance(output.item, OvertonItem)
    return [value.explanation for value in output.item.values]


def _values(judged: Sequence[JudgedAnswer], name: str) -> list[float]:
    return [float(getattr(answer, name)) for answer in judged]
