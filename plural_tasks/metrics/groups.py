"""Figures by subgroup, and the group that fares worst: a mean over all hides who is left out."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

from plural_tasks.metrics.uncertainty import clustered_se

GROUP_FIELDS = ("category", "stratum", "study", "attribute")
"""Fields of a document that subgroups are made of: the first that says something."""

MINIMUM_N = 30
"""Groups with fewer scored rows are not named the worst: their mean is mostly chance."""


class GroupFigure(NamedTuple):
    """A group's number of scored rows, their mean, and the standard error of the mean."""

    n: int
    mean: float
    se: float


def group_of(doc: Mapping[str, Any]) -> str:
    """The subgroup of a document: its first field of `GROUP_FIELDS` that is not empty; "" for none."""
    return next((str(doc[field]) for field in GROUP_FIELDS if doc.get(field)), "")


def by_group(
    values: Sequence[float], groups: Sequence[str], clusters: Sequence[Hashable] | None = None
) -> dict[str, GroupFigure]:
    """Mean of ``values`` in each group.

    Args:
        values: One figure for each row; NaN rows are left out.
        groups: The group of each row; rows of the group "" belong to none.
        clusters: The cluster of each row, for the standard errors; each row stands alone by default.

    Returns:
        Group -> ``(n, mean, se)``, in alphabetical order. A group whose rows are all NaN has n = 0 and a NaN mean;
        the standard error is NaN for fewer than two clusters.

    Raises:
        ValueError: If the lengths differ.
    """
    names: Sequence[Hashable] = range(len(values)) if clusters is None else clusters
    if not len(values) == len(groups) == len(names):
        raise ValueError(f"{len(values)} values, {len(groups)} groups and {len(names)} clusters do not pair")
    rows: dict[str, list[tuple[float, Hashable]]] = {name: [] for name in sorted(set(groups)) if name}
    for value, group, cluster in zip(values, groups, names, strict=True):
        if group and not math.isnan(value):
            rows[group].append((value, cluster))
    return {name: _figure(members) for name, members in rows.items()}


def worst_group(
    figures: Mapping[str, GroupFigure], *, higher_is_better: bool, minimum_n: int = MINIMUM_N
) -> str | None:
    """The group with the worst mean among those with at least ``minimum_n`` rows; the first by name on ties.

    Args:
        figures: What `by_group` returns.
        higher_is_better: The direction: the worst mean is then the lowest, else the highest.
        minimum_n: Smaller groups are passed over.

    Returns:
        Its name, or None when no group is large enough.
    """
    large = {name: figure.mean for name, figure in figures.items() if figure.n >= max(minimum_n, 1)}
    sign = 1.0 if higher_is_better else -1.0
    return min(large, key=lambda name: (sign * large[name], name), default=None)


def _figure(members: Sequence[tuple[float, Hashable]]) -> GroupFigure:
    values = [value for value, _ in members]
    mean = math.fsum(values) / len(values) if values else math.nan
    return GroupFigure(len(values), mean, clustered_se(values, [cluster for _, cluster in members]))
