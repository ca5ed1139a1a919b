"""A figure under both scorings, and the way from one to the other."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from plural_tasks.metrics import clustered_se

CHANGED = 1e-12
"""Row values closer than this are the same."""

NOT_PUBLISHED = "the published code has no such figure"


@dataclass(frozen=True)
class Reason:
    """One of the differences between the scorings.

    Attributes:
        text: What the corrected scoring does otherwise.
        rows: Number of rows that it touches.
        effect: What it adds to the figure, the differences before it already made; NaN where the figure has no value
            before or after it. ``paper`` plus all effects is ``corrected``.
    """

    text: str
    rows: int
    effect: float


@dataclass(frozen=True)
class RescoredFigure:
    """One figure of a file of outputs under both scorings; NaN marks what cannot be scored.

    Attributes:
        name: As in the tasks' results, without ``paper_``.
        paper: As the published code computes it.
        corrected: As the tasks compute it by default.
        se: Standard error of ``corrected``, clustered by question; NaN for figures that are no means.
        n_paper: Number of rows behind ``paper``.
        n: Number of rows behind ``corrected``.
        excluded: Number of rows that ``corrected`` leaves out.
        fallback: Number of rows behind ``corrected`` without a usable answer.
        reasons: Why the two differ, in the order in which the effects add up.
    """

    name: str
    paper: float
    corrected: float
    se: float
    n_paper: int
    n: int
    excluded: int
    fallback: int
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Stage:
    """A figure's value once a difference has been made; ``rows`` is the number of rows that it touches."""

    reason: str
    value: float
    rows: int


RowValues = Sequence[float]


def mean(values: RowValues) -> float:
    """Mean of the values that are not NaN; NaN without any."""
    scored = [value for value in values if not math.isnan(value)]
    return math.fsum(scored) / len(scored) if scored else math.nan


def count(values: RowValues) -> int:
    """How many values are not NaN."""
    return sum(not math.isnan(value) for value in values)


def reasons_of(start: float, stages: Sequence[Stage]) -> tuple[Reason, ...]:
    """The stages that touch a row, each with what it adds to the value before it."""
    values = [start, *(stage.value for stage in stages)]
    steps = zip(stages, values, values[1:], strict=False)
    return tuple(Reason(stage.reason, stage.rows, after - before) for stage, before, after in steps if stage.rows)


def mean_figure(
    name: str,
    paper: RowValues,
    steps: Sequence[tuple[str, RowValues]],
    clusters: Sequence[Hashable],
    is_fallback: Sequence[bool],
) -> RescoredFigure:
    """Build a figure that is a mean over rows.

    Args:
        name: Its name.
        paper: The value of each row as published.
        steps: Reason and row values once it is applied, on top of those before; the last are the corrected ones.
        clusters: The question of each row.
        is_fallback: Whether the row has no usable answer.
    """
    corrected = steps[-1][1] if steps else paper
    before = [paper, *(values for _, values in steps)]
    stages = [
        Stage(reason, mean(values), _touched(last, values))
        for last, (reason, values) in zip(before, steps, strict=False)
    ]
    return RescoredFigure(
        name=name,
        paper=mean(paper),
        corrected=mean(corrected),
        se=clustered_se(corrected, clusters),
        n_paper=count(paper),
        n=count(corrected),
        excluded=len(corrected) - count(corrected),
        fallback=sum(blank for blank, value in zip(is_fallback, corrected, strict=True) if not math.isnan(value)),
        reasons=reasons_of(mean(paper), stages),
    )


def unpublished(
    name: str, corrected: RowValues, clusters: Sequence[Hashable], is_fallback: Sequence[bool]
) -> RescoredFigure:
    """Build a figure that only the corrected scoring has."""
    nothing = [math.nan] * len(corrected)
    return mean_figure(name, nothing, [(NOT_PUBLISHED, corrected)], clusters, is_fallback)


def _touched(before: RowValues, after: RowValues) -> int:
    def same(one: float, other: float) -> bool:
        return abs(one - other) <= CHANGED or (math.isnan(one) and math.isnan(other))

    return sum(not same(one, other) for one, other in zip(before, after, strict=True))
