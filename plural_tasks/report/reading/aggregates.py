"""Figures over classes (balanced accuracy, macro-F1), made anew from what the harness logged, fit for resampling.

`plural_tasks.aggregate` defines them; here they are functions of document weights, in a few array operations, so that a
thousand resamples of a large task take a second. What they give on the whole task is compared with what the results
state before it is used (`plural_tasks.report.comparing.figures.column`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from plural_tasks.aggregate import STANCES

Statistic = Callable[[Sequence[float]], float]
"""A figure as a function of the weights of the documents."""

EITHER = STANCES[2]
"""The answer whose documents the binary figures leave out."""

_FIGURES = ("balanced_accuracy", "macro_f1")
_BINARY = "binary_"


@dataclass(frozen=True)
class Aggregate:
    """A figure of a whole task.

    Attributes:
        weighted: The figure under document weights.
        scored: For each document whether the figure is about it.
    """

    weighted: Statistic
    scored: tuple[bool, ...]

    def whole(self) -> float:
        """The figure with every document counted once."""
        return self.weighted([1.0] * len(self.scored))


def recompute(metric: str, logged: Sequence[Any]) -> Aggregate | None:
    """Make an aggregate from its records, each ``[right, [picked under each order, null: not readable]]``.

    Returns:
        None for a metric that is not known here, or records of another shape.
    """
    name = metric.split(",")[0]
    kind = name.removeprefix(_BINARY)
    if kind not in _FIGURES or not all(is_record(record) for record in logged):
        return None
    binary = name.startswith(_BINARY)
    scored = tuple(not (binary and right == EITHER) for right, _ in logged)
    labels = STANCES[:2] if binary else STANCES
    return Aggregate(_statistic(kind, logged, scored, labels), scored) if any(scored) else None


def is_record(record: Any) -> bool:
    """Tell whether this is a right answer and a list of picked ones."""
    return isinstance(record, list) and len(record) == 2 and isinstance(record[1], list) and bool(record[1])


def _statistic(kind: str, logged: Sequence[Any], scored: Sequence[bool], labels: Sequence[str]) -> Statistic:
    import numpy as np
    from scipy.sparse import csr_matrix

    kept = [(document, *record) for document, (record, keep) in enumerate(zip(logged, scored, strict=True)) if keep]
    place = {label: index for index, label in enumerate(dict.fromkeys([*labels, *(right for _, right, _ in kept)]))}
    other = len(place)  # unreadable: wrong, and no class of its own
    rows = [
        (document, (place[right], place.get(choice, other)), 1.0 / len(picked))
        for document, right, picked in kept
        for choice in picked
    ]
    cells = {pair: index for index, pair in enumerate(dict.fromkeys(pair for _, pair, _ in rows))}
    where = [document for document, _, _ in rows], [cells[pair] for _, pair, _ in rows]
    table = csr_matrix(([share for _, _, share in rows], where), shape=(len(logged), len(cells)))
    gold, picks = np.array(list(cells)).T
    hit = gold == picks

    def counts(weights: Sequence[float]) -> Any:
        mass = np.asarray(weights) @ table  # of every pair of a right and a picked answer
        true = np.bincount(gold, mass, minlength=other)
        said = np.bincount(picks, mass, minlength=other + 1)[:other]
        return true, said, np.bincount(gold[hit], mass[hit], minlength=other)

    def balanced_accuracy(weights: Sequence[float]) -> float:
        true, _, right = counts(weights)
        return _mean_ratio(right, true)  # recall, over the classes that occur

    def macro_f1(weights: Sequence[float]) -> float:
        true, said, right = counts(weights)
        return _mean_ratio(2.0 * right, true + said)  # 2 TP / (2 TP + FN + FP), over the classes that occur or are said

    return balanced_accuracy if kind == "balanced_accuracy" else macro_f1


def _mean_ratio(above: Any, below: Any) -> float:
    there = below > 0.0
    return float((above[there] / below[there]).mean()) if there.any() else float("nan")
