"""Score the outputs of one file under both scorings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from plural_tasks.judges import Judge
from plural_tasks.rescore.coverage import coverage_figures, judge_note
from plural_tasks.rescore.distributions import distribution_figures
from plural_tasks.rescore.figure import RescoredFigure
from plural_tasks.rescore.outputs import Output, Prediction, WrittenAnswer
from plural_tasks.rescore.stances import stance_figures
from plural_tasks.schema import OvertonItem
from plural_tasks.utils.errors import ModPluralError

SIZES = {
    "overton_vk": 626,
    "steerable_vk": 4368,
    "steerable_opinionqa": 4475,
    "distributional_moralchoice": 273,
    "distributional_globalopinionqa": 5752,
}
"""Source -> rows of the published task file."""

TOLERANCE = 0.01
"""By how much the sum of shares may miss 1 without a note."""


@dataclass(frozen=True)
class Rescored:
    """What a file of outputs scores.

    Attributes:
        rows: Number of rows in the file.
        figures: Each under both scorings.
        notes: What a reader of the figures should know.
    """

    rows: int
    figures: tuple[RescoredFigure, ...]
    notes: tuple[str, ...]


def needs_judge(outputs: Sequence[Output]) -> bool:
    """Whether these outputs are Overton answers."""
    return any(isinstance(output.item, OvertonItem) for output in outputs)


def rescore(outputs: Sequence[Output], judge: Judge | None = None) -> Rescored:
    """Score the outputs of one file.

    Args:
        outputs: What `plural_tasks.rescore.outputs.read_outputs` returns; at least one.
        judge: Says whether an explanation entails a sentence; needed for Overton answers alone.

    Raises:
        ModPluralError: If Overton answers come without a judge, or the judge cannot be used.
    """
    predictions = [output for output in outputs if isinstance(output, Prediction)]
    answers = [output for output in outputs if isinstance(output, WrittenAnswer)]
    if predictions:
        return Rescored(len(outputs), tuple(distribution_figures(predictions)), _notes(predictions))
    if not needs_judge(outputs):
        return Rescored(len(outputs), tuple(stance_figures(answers)), ())
    if judge is None:
        raise ModPluralError("Overton answers are scored by a judge, and none was given; name one with --judge.")
    return Rescored(len(outputs), tuple(coverage_figures(answers, judge)), (judge_note(judge),))


def size_note(source: str, rows: int) -> tuple[str, ...]:
    """Say that a file has fewer rows than the published task file; empty where it has not, or that is not known."""
    known = SIZES.get(source, 0)
    if rows >= known:
        return ()
    return (f"{rows} of the {known} rows of the task file were scored; the figures are of a part of the task.",)


def _notes(outputs: Sequence[Prediction]) -> tuple[str, ...]:
    return (*_uniform_note(outputs), *_sum_note(outputs))


def _sum_note(outputs: Sequence[Prediction]) -> tuple[str, ...]:
    off = sum(any(output.shares) and abs(math.fsum(output.shares) - 1.0) > TOLERANCE for output in outputs)
    if not off:
        return ()
    return (f"{off} predictions have shares that do not sum to 1 (by more than 1 %); they are scored rescaled to it.",)


def _uniform_note(outputs: Sequence[Prediction]) -> tuple[str, ...]:
    flat = sum(len(output.shares) > 1 and len(set(output.shares)) == 1 and any(output.shares) for output in outputs)
    if not flat:
        return ()
    return (
        f"{flat} predictions are exactly uniform, which is what the published code writes, uncounted, where it finds "
        "no option; they are scored as they stand.",
    )
