"""Standard errors and intervals of means whose rows come in clusters (several groups asked one question, say).

Rows of a cluster are alike, so that treating them as independent understates the error. The clustered standard error
of a mean is the cluster-robust one (CR1; Liang and Zeger, 1986), as Miller (2024, arXiv 2411.00640) proposes for
evaluations of language models.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

Interval = tuple[float, float]


@dataclass(frozen=True)
class Difference:
    """Mean of ``a - b`` over the rows that both have.

    Attributes:
        estimate: The mean difference; NaN when no row is left.
        se: Its clustered standard error; NaN for fewer than two clusters.
        interval: ``(low, high)`` at the level that was asked for.
        n: Number of rows.
        n_clusters: Number of clusters that these rows belong to.
        n_effective: `effective_clusters` of these rows.
    """

    estimate: float
    se: float
    interval: Interval
    n: int
    n_clusters: int
    n_effective: float


def clustered_se(values: Sequence[float], clusters: Sequence[Hashable]) -> float:
    """Standard error of the mean of ``values``, robust to correlation within clusters.

    SE = sqrt(G / (G - 1) * sum over clusters g of (sum over i in g of (x_i - mean))^2) / n. With one row in each
    cluster this is the ordinary standard error, sd / sqrt(n).

    Args:
        values: One figure for each row; NaN rows are left out.
        clusters: The cluster of each row.

    Returns:
        The standard error; NaN for fewer than two clusters.

    Raises:
        ValueError: If the lengths differ.
    """
    rows, groups = _scored(values, clusters)
    count = len(set(groups))
    if count < 2:
        return math.nan
    mean = math.fsum(rows) / len(rows)
    sums: dict[Hashable, float] = {}
    for value, group in zip(rows, groups, strict=True):
        sums[group] = sums.get(group, 0.0) + value - mean
    return math.sqrt(count / (count - 1) * math.fsum(total**2 for total in sums.values())) / len(rows)


def effective_clusters(clusters: Sequence[Hashable]) -> float:
    """Number of clusters of equal size that would say as much: (sum of n_g)^2 / sum of n_g^2.

    Returns:
        Between 1 and the number of clusters, which it is when all have the same size; NaN without rows.
    """
    sizes = Counter(clusters).values()
    return sum(sizes) ** 2 / sum(size**2 for size in sizes) if sizes else math.nan


def clustered_interval(values: Sequence[float], clusters: Sequence[Hashable], level: float = 0.95) -> Interval:
    """Confidence interval of the mean: mean ± t * `clustered_se`.

    t is the quantile of `effective_clusters` - 1 degrees of freedom. With G - 1 the interval is far too short where
    clusters differ in size: a nominal 95 % covers 68 % when one of 34 clusters holds half of the rows (Carter, Schnepel
    and Steigerwald, 2017, on the effective number of clusters).

    Args:
        values: One figure for each row; NaN rows are left out.
        clusters: The cluster of each row.
        level: Confidence, between 0 and 1.

    Returns:
        ``(low, high)``; both NaN for fewer than two clusters.

    Raises:
        ValueError: If the lengths differ or ``level`` is not between 0 and 1.
    """
    from scipy.stats import t

    _check_level(level)
    rows, groups = _scored(values, clusters)
    if len(set(groups)) < 2:
        return math.nan, math.nan
    mean = math.fsum(rows) / len(rows)
    reach = float(t.ppf(0.5 + level / 2.0, effective_clusters(groups) - 1.0)) * clustered_se(rows, groups)
    return mean - reach, mean + reach


def paired_difference(
    a: Sequence[float], b: Sequence[float], clusters: Sequence[Hashable], level: float = 0.95
) -> Difference:
    """Mean difference of two runs over the same rows, with its clustered error.

    Args:
        a: One figure for each row; a row that is NaN in either run is left out.
        b: Figures of the other run for the same rows, in the same order.
        clusters: The cluster of each row.
        level: Confidence of the interval, between 0 and 1.

    Raises:
        ValueError: If the lengths differ or ``level`` is not between 0 and 1.
    """
    if len(a) != len(b):
        raise ValueError(f"runs of {len(a)} and {len(b)} rows do not pair")
    rows, groups = _scored([x - y for x, y in zip(a, b, strict=True)], clusters)
    return Difference(
        estimate=math.fsum(rows) / len(rows) if rows else math.nan,
        se=clustered_se(rows, groups),
        interval=clustered_interval(rows, groups, level),
        n=len(rows),
        n_clusters=len(set(groups)),
        n_effective=effective_clusters(groups),
    )


def clustered_bootstrap(
    statistic: Callable[[Sequence[float]], float],
    clusters: Sequence[Hashable],
    *,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Interval:
    """Percentile interval of a figure of the whole table (macro-F1, say), whole clusters drawn with replacement.

    Args:
        statistic: The figure as a function of row weights: how often each row's cluster was drawn, 0 included. A NaN
            result (a draw without any scorable row) is left out.
        clusters: The cluster of each row.
        level: Confidence, between 0 and 1.
        resamples: Number of draws.
        seed: The same seed gives the same interval.

    Returns:
        ``(low, high)``; both NaN for fewer than two clusters.

    Raises:
        ValueError: If ``level`` is not between 0 and 1 or ``resamples`` is below 1.
    """
    import numpy as np

    _check_level(level)
    if resamples < 1:
        raise ValueError(f"{resamples} resamples, expected at least 1")
    place = {name: index for index, name in enumerate(dict.fromkeys(clusters))}
    if len(place) < 2:
        return math.nan, math.nan
    codes = np.array([place[name] for name in clusters])
    rng = np.random.default_rng(seed)
    drawn = (np.bincount(rng.integers(len(place), size=len(place)), minlength=len(place)) for _ in range(resamples))
    found = [statistic(counts[codes].astype(float).tolist()) for counts in drawn]
    scored = [value for value in found if not math.isnan(value)]
    if not scored:
        return math.nan, math.nan
    low, high = np.quantile(scored, [0.5 - level / 2.0, 0.5 + level / 2.0])
    return float(low), float(high)


def _scored(values: Sequence[float], clusters: Sequence[Hashable]) -> tuple[list[float], list[Hashable]]:
    if len(values) != len(clusters):
        raise ValueError(f"{len(values)} values and {len(clusters)} clusters do not pair")
    kept = [(value, name) for value, name in zip(values, clusters, strict=True) if not math.isnan(value)]
    return [value for value, _ in kept], [name for _, name in kept]


def _check_level(level: float) -> None:
    if not 0.0 < level < 1.0:
        raise ValueError(f"a confidence of {level} is not between 0 and 1")
