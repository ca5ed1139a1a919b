"""Which groups make steerable items: those whose answer is certain, in sets whose groups do not answer alike."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

from .model import Cell, Question
from .shares import Shares

LEAD = 1.645
"""The most frequent option leads the second by this many standard errors of the difference (one-sided test at 5 %)."""

DISSENT = 0.25
"""Share of a set's groups that do not give the set's most frequent answer. In most sets all groups answer alike, so
that a model which ignores the group would be right; such sets measure knowledge of the question, not steering."""


def steerable(question: Question) -> set[str]:
    """Return the ids of the groups that make steerable items."""
    sets: dict[tuple[str, str], list[Cell]] = {}
    for cell in question.groups:
        if lead(cell.shares) >= LEAD:
            sets.setdefault((cell.category, cell.where), []).append(cell)
    return {cell.id for cells in sets.values() if dissent(cells) >= DISSENT for cell in cells}


def kept(question: Question) -> list[Cell]:
    """Return the groups that go into the data file: crossed ones only where they make steerable items."""
    chosen = steerable(question)
    return [cell for cell in question.groups if cell.id in chosen or not cell.crossed]


def lead(shares: Shares) -> float:
    """How many standard errors the most frequent option is ahead of the second, for multinomial counts."""
    first, second = sorted(shares.shares, reverse=True)[:2]
    variance = (first + second - (first - second) ** 2) / shares.n_eff
    return (first - second) / math.sqrt(variance) if variance else math.inf


def dissent(cells: Iterable[Cell]) -> float:
    """Share of the groups whose most frequent option is not that of most groups."""
    modes = Counter(max(range(len(cell.shares.shares)), key=cell.shares.shares.__getitem__) for cell in cells)
    return 1 - max(modes.values()) / modes.total()
