"""Score finished outputs in the authors' file format under both scorings, side by side, with the reasons.

The corrected figures come from the functions that the tasks use (`plural_tasks.corrected`, `plural_tasks.metrics`,
`plural_tasks.judging`), the paper's from `plural_tasks.paper`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from plural_tasks.errors import ModPluralError
from plural_tasks.judges import Judge
from plural_tasks.outputs import Answer, Output, Prediction
from plural_tasks.rescore.coverage import coverage_figures, judge_note
from plural_tasks.rescore.distributions import distribution_figures
from plural_tasks.rescore.figure import Figure, Reason
from plural_tasks.rescore.stances import stance_figures
from plural_tasks.schema import OvertonItem


@dataclass(frozen=True)
class Rescored:
    """What a file of outputs scores.

    Attributes:
        rows: Number of rows in the file.
        figures: Each under both scorings.
        notes: What a reader of the figures should know.
    """

    rows: int
    figures: tuple[Figure, ...]
    notes: tuple[str, ...]


def needs_judge(outputs: Sequence[Output]) -> bool:
    """Whether these outputs are Overton answers."""
    return any(isinstance(output.item, OvertonItem) for output in outputs)


def rescore(outputs: Sequence[Output], judge: Judge | None = None) -> Rescored:
    """Score the outputs of one file.

    Args:
        outputs: What `plural_tasks.outputs.read_outputs` returns; at least one.
        judge: Says whether an explanation entails a sentence; needed for Overton answers alone.

    Raises:
        ModPluralError: If Overton answers come without a judge, or the judge cannot be used.
    """
    predictions = [output for output in outputs if isinstance(output, Prediction)]
    answers = [output for output in outputs if isinstance(output, Answer)]
    if predictions:
        return Rescored(len(outputs), tuple(distribution_figures(predictions)), _uniform_note(predictions))
    if not needs_judge(outputs):
        return Rescored(len(outputs), tuple(stance_figures(answers)), ())
    if judge is None:
        raise ModPluralError("Overton answers are scored by a judge, and none was given; name one with --judge.")
    return Rescored(len(outputs), tuple(coverage_figures(answers, judge)), (judge_note(judge),))


def _uniform_note(outputs: Sequence[Prediction]) -> tuple[str, ...]:
    flat = sum(len(output.shares) > 1 and len(set(output.shares)) == 1 and any(output.shares) for output in outputs)
    if not flat:
        return ()
    return (
        f"{flat} predictions are exactly uniform, which is what the published code writes, uncounted, where it finds "
        "no option; they are scored as they stand.",
    )


__all__ = ["Figure", "Reason", "Rescored", "needs_judge", "rescore"]
