"""Figures with their uncertainty: of one run on one task, against another run, and by subgroup."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from plural_tasks.metrics import by_group, clustered_bootstrap, clustered_interval, clustered_se, paired_difference
from plural_tasks.metrics import worst_group as name_of_worst
from plural_tasks.metrics.groups import MINIMUM_N
from plural_tasks.report.reading.aggregates import Statistic, recompute
from plural_tasks.report.reading.runs import TaskRun
from plural_tasks.report.reading.values import ORACLES, clipped, constant_name, is_constant, is_figure, series
from plural_tasks.utils.errors import ModPluralError

LEVEL = 0.95
RESAMPLES = 1000
_MEANS = ("mean", "nanmean", "def mean(")  # of a function the harness writes the source down
SMALL = 10
FEW = 2
"""Groups of fewer documents (`SMALL`) or questions (`FEW`) get no interval."""

_AGREE = 1e-6
"""Relative; the harness adds up in another order."""


@dataclass(frozen=True)
class Versus:
    """A paired difference: ``value - other's`` over the same documents.

    Attributes:
        other: Name of the row that it is measured against.
        value: Mean difference.
        low: Lower end of its interval.
        high: Upper end.
        p: Two-sided p value of a t test over clusters; NaN where the interval is bootstrapped or nothing varies.
        verdict: Whether the interval leaves 0 out, and on which side; "" where neither direction is better.
        n: Number of documents that are scored in both.
    """

    other: str
    value: float
    low: float
    high: float
    p: float
    verdict: Literal["better", "worse", "same", ""]
    n: int


@dataclass(frozen=True)
class RunFigure:
    """One metric of one row (a run, or a constant answer) on one task.

    Attributes:
        metric: Name of the metric.
        row: Label of the run, or name of the constant answer.
        constant: The row is a constant answer.
        higher_is_better: The direction; None where there is none.
        n: Number of documents that were scored.
        clusters: Number of questions that these belong to.
        value: The figure.
        se: Clustered standard error; NaN where ``source`` is not ``documents``.
        low: Lower end of the 95 % interval, clipped to what the metric can be; NaN where it is not known.
        high: Upper end.
        source: ``documents``: the mean over documents; ``bootstrap``: an aggregate made anew, with an interval from
            resampled questions; ``reported``: the harness's figure, without an interval.
        baseline: Difference from the baseline run.
        best_constant: Difference from the constant answer that does best; main figures only.
    """

    metric: str
    row: str
    constant: bool
    higher_is_better: bool | None
    n: int
    clusters: int
    value: float
    se: float
    low: float
    high: float
    source: Literal["documents", "bootstrap", "reported"]
    baseline: Versus | None = None
    best_constant: Versus | None = None


@dataclass(frozen=True)
class SubgroupFigure:
    """The main figure in one subgroup. ``worst``: the lowest-faring group with at least `MINIMUM_N` documents."""

    row: str
    group: str
    n: int
    clusters: int
    value: float
    se: float
    low: float
    high: float
    worst: bool


@dataclass(frozen=True)
class Column:
    """A metric of one row, document by document (``values``) or as a function of weights (``statistic``)."""

    metric: str
    row: str
    direction: bool | None
    clusters: tuple[str, ...]
    values: list[float] | None = None
    statistic: Statistic | None = None
    reported: float = math.nan
    scored: Sequence[bool] = field(default=())


def columns(task: TaskRun, row: str, *, where: str) -> dict[str, Column]:
    """The figures of a run on a task, metric by metric; constant answers are left out.

    Raises:
        ModPluralError: If there is none, or the samples give another mean than the results state; ``where`` names the
            run.
    """
    names = list(dict.fromkeys(name for document in task.documents for name in document.values if is_figure(name)))
    found = (column(task, name, row, where=where) for name in names)
    made = {one.metric: one for one in found if one is not None}
    if not made:
        raise ModPluralError(f"{where}: task {task.name!r} has no figure in {task.samples.name}.")
    return made


def column(task: TaskRun, metric: str, row: str, *, where: str) -> Column | None:
    """One metric of a run, or None where it has no number at all (a text, a breakdown)."""
    clusters = tuple(document.cluster for document in task.documents)
    direction = task.directions.get(metric.split(",")[0])
    stated = task.reported.get(metric)
    reported = float(stated) if isinstance(stated, (int, float)) and not isinstance(stated, bool) else math.nan
    values = series(task.documents, metric)
    if values is not None:
        if _agree(mean(values), reported):
            return Column(metric, row, direction, clusters, values, reported=reported)
        if _aggregation(task, metric).startswith(_MEANS):
            raise ModPluralError(
                f"{where}: task {task.name!r}: {metric} is {mean(values):.6g} over {task.samples.name}, but the "
                f"results state {reported:.6g}; the files do not belong together."
            )
    else:
        made = recompute(metric, [document.values.get(metric) for document in task.documents])
        if made is not None and _agree(made.whole(), reported):
            return Column(metric, row, direction, clusters, None, made.weighted, reported, made.scored)
    return None if math.isnan(reported) else Column(metric, row, direction, clusters, reported=reported)


def _agree(ours: float, reported: float) -> bool:
    return math.isnan(reported) or math.isclose(ours, reported, rel_tol=_AGREE, abs_tol=_AGREE)


def _aggregation(task: TaskRun, metric: str) -> str:
    listed = {
        str(entry.get("metric")): entry for entry in task.config.get("metric_list") or () if isinstance(entry, dict)
    }
    return str(listed.get(metric.split(",")[0], {}).get("aggregation", ""))


def mean(values: Sequence[float]) -> float:
    """Mean of the scored values; NaN when there is none."""
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else math.nan


def figure(column: Column, *, constant: bool = False, resamples: int = RESAMPLES) -> RunFigure:
    """The figure of a column; ``resamples`` of 0 leaves bootstrapped intervals out."""
    common: dict[str, Any] = {
        "metric": column.metric,
        "row": column.row,
        "constant": constant,
        "higher_is_better": column.direction,
    }
    if column.values is not None:
        low, high = clipped(column.metric, *clustered_interval(column.values, column.clusters, LEVEL))
        return RunFigure(
            **common,
            n=sum(not math.isnan(value) for value in column.values),
            clusters=_count(column.clusters, [not math.isnan(value) for value in column.values]),
            value=mean(column.values),
            se=clustered_se(column.values, column.clusters),
            low=low,
            high=high,
            source="documents",
        )
    low, high = _bootstrap(column.statistic, column.clusters, resamples)
    scored = column.scored or [True] * len(column.clusters)
    value = column.statistic([1.0] * len(column.clusters)) if column.statistic else column.reported
    counts: dict[str, Any] = {"n": sum(scored), "clusters": _count(column.clusters, scored)}
    source: Any = "bootstrap" if column.statistic and not math.isnan(low) else "reported"
    return RunFigure(**common, **counts, value=value, se=math.nan, low=low, high=high, source=source)


def _count(clusters: Sequence[str], kept: Sequence[bool]) -> int:
    return len({name for name, keep in zip(clusters, kept, strict=True) if keep})


def _bootstrap(statistic: Statistic | None, clusters: Sequence[str], resamples: int) -> tuple[float, float]:
    if statistic is None or resamples < 1:
        return math.nan, math.nan
    return clustered_bootstrap(statistic, clusters, level=LEVEL, resamples=resamples)


def versus(ours: Column, other: Column, *, resamples: int = RESAMPLES) -> Versus | None:
    """Paired difference of two columns over the same documents; None where one of them has no interval of its own."""
    if ours.values is not None and other.values is not None:
        found = paired_difference(ours.values, other.values, ours.clusters, LEVEL)
        low, high = found.interval
        return Versus(
            other.row,
            found.estimate,
            low,
            high,
            _p(found.estimate, found.se, found.n_effective),
            verdict(low, high, ours.direction),
            found.n,
        )
    mine, theirs = ours.statistic, other.statistic
    if mine is None or theirs is None:
        return None
    import numpy as np

    def difference(weights: Sequence[float]) -> float:
        shared: Any = np.asarray(weights)  # turned into an array once, not twice
        return mine(shared) - theirs(shared)

    low, high = _bootstrap(difference, ours.clusters, resamples)
    value = difference([1.0] * len(ours.clusters))
    shared_documents = sum(a and b for a, b in zip(ours.scored, other.scored, strict=True))
    return Versus(other.row, value, low, high, math.nan, verdict(low, high, ours.direction), shared_documents)


def _p(estimate: float, se: float, clusters: float) -> float:
    """Two-sided p value of estimate / se under a t distribution with one degree less than effective clusters."""
    from scipy.stats import t

    if math.isnan(se) or se <= 0.0:
        return math.nan
    return float(2.0 * t.sf(abs(estimate) / se, clusters - 1))


def verdict(low: float, high: float, higher_is_better: bool | None) -> Literal["better", "worse", "same", ""]:
    """What an interval of a difference says of the row: ``same`` stands for "no difference was shown"."""
    if higher_is_better is None or math.isnan(low):
        return ""
    if low > 0.0:
        return "better" if higher_is_better else "worse"
    if high < 0.0:
        return "worse" if higher_is_better else "better"
    return "same"


def constants(task: TaskRun, main: Column) -> list[Column]:
    """The constant answers of a task, in units of its main figure."""
    names = dict.fromkeys(name for document in task.documents for name in document.values if is_constant(name))
    found = ((name, series(task.documents, name)) for name in names)
    return [
        Column(main.metric, constant_name(name), main.direction, main.clusters, values)
        for name, values in found
        if values is not None
    ]


def best(columns: Sequence[Column]) -> Column | None:
    """The constant answer that does best: it takes no model to reach it. Those that know the gold do not count."""
    rows = [column for column in columns if column.row not in ORACLES]
    if not rows:
        return None
    sign = -1.0 if rows[0].direction is False else 1.0
    means = {place: sign * mean(column.values or ()) for place, column in enumerate(rows)}
    known = {place: value for place, value in means.items() if not math.isnan(value)}
    return rows[max(known, key=known.__getitem__, default=0)]


def groups(task: TaskRun, column: Column, field: str) -> list[SubgroupFigure]:
    """The column's figure in the subgroups that a document field makes; none where documents lack the field."""
    if not field or column.values is None:
        return []
    names = [document.fields.get(field, "") for document in task.documents]
    found = by_group(column.values, names, column.clusters)
    lowest = name_of_worst(found, higher_is_better=column.direction is not False, minimum_n=MINIMUM_N)
    members: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        members.setdefault(name, []).append(place)
    made = []
    for name, (n, value, se) in found.items():
        values = [column.values[place] for place in members[name]]
        clusters = [column.clusters[place] for place in members[name]]
        low, high = clipped(column.metric, *clustered_interval(values, clusters, LEVEL))
        count = _count(clusters, [not math.isnan(value) for value in values])
        if n < SMALL or count < FEW:
            low = high = math.nan
        made.append(SubgroupFigure(column.row, name, n, count, value, se, low, high, worst=name == lowest))
    return made
