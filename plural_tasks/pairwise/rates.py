"""Win, tie and loss rates with intervals, and agreement between verdicts; for judges and for people alike."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from plural_tasks.metrics.two_way import fewest_effective, two_way_se
from plural_tasks.metrics.uncertainty import clustered_se, effective_clusters
from plural_tasks.pairwise.verdicts import Verdict

Interval = tuple[float, float]
SCORES: dict[Verdict, float] = {"a": 1.0, "tie": 0.5, "b": 0.0, "unreadable": math.nan}
_CLASSES: tuple[Verdict, ...] = ("a", "tie", "b")


@dataclass(frozen=True)
class Rates:
    """How run A fares against run B. Figures are 0..1, and NaN where nothing could be read.

    Attributes:
        n: Verdicts that could be read; the others are left out of all rates.
        n_clusters: Clusters (situations) that they belong to.
        n_raters: Raters that they come from; 1 for a judge.
        n_effective: Effective number of clusters, of situations or raters, whichever has fewer; t's degrees of freedom
            are one less.
        unreadable: Verdicts that could not be read.
        wins: Verdicts for run A.
        ties: Ties.
        losses: Verdicts for run B.
        win_share: ``wins / n``.
        tie_share: ``ties / n``.
        loss_share: ``losses / n``.
        win_rate: ``(wins + ties / 2) / n``; 0.5 where the runs are equal.
        se: Standard error of the win rate, clustered: by situation for a judge, by situation and rater for people.
        interval: Its 95 % interval, see `score_interval`.
    """

    n: int
    n_clusters: int
    n_raters: int
    n_effective: float
    unreadable: int
    wins: int
    ties: int
    losses: int
    win_share: float
    tie_share: float
    loss_share: float
    win_rate: float
    se: float
    interval: Interval


def rates(
    verdicts: Sequence[Verdict],
    clusters: Sequence[Hashable],
    raters: Sequence[Hashable] | None = None,
    *,
    level: float = 0.95,
) -> Rates:
    """Work out the rates of verdicts.

    Args:
        verdicts: One for each judgement.
        clusters: The situation of each; judgements of one situation are not independent.
        raters: The rater of each; None for one judge. With several people the errors are two-way clustered, because
            those of one person are not independent either (see `plural_tasks.metrics.two_way.two_way_se`); there is no
            interval where all come from one of them.
        level: Confidence of the interval, between 0 and 1.

    Raises:
        ValueError: If the lengths differ.
    """
    people = [None] * len(clusters) if raters is None else raters
    rows = [(SCORES[said], cluster, who) for said, cluster, who in zip(verdicts, clusters, people, strict=True)]
    kept = [row for row in rows if not math.isnan(row[0])]
    scores, groups, names = [row[0] for row in kept], [row[1] for row in kept], [row[2] for row in kept]
    counts = {verdict: sum(verdict == other for other in verdicts) for verdict in SCORES}
    n = len(scores)
    win_rate = math.fsum(scores) / n if n else math.nan
    se = clustered_se(scores, groups) if raters is None else two_way_se(scores, groups, names)
    n_effective = effective_clusters(groups) if raters is None else fewest_effective(groups, names)
    return Rates(
        n=n,
        n_clusters=len(set(groups)),
        n_raters=len(set(names)),
        n_effective=n_effective,
        unreadable=counts["unreadable"],
        wins=counts["a"],
        ties=counts["tie"],
        losses=counts["b"],
        win_share=counts["a"] / n if n else math.nan,
        tie_share=counts["tie"] / n if n else math.nan,
        loss_share=counts["b"] / n if n else math.nan,
        win_rate=win_rate,
        se=se,
        interval=score_interval(win_rate, se, n_effective, level),
    )


def score_interval(rate: float, se: float, n_clusters: float, level: float = 0.95) -> Interval:
    """Wilson's score interval of a rate whose standard error is known (Korn and Graubard 1998 for the sample size).

    Wilson's formula with the effective sample size n = rate (1 - rate) / se^2, which clusters make smaller and ties
    larger, and t's quantile with n_clusters - 1 degrees of freedom in place of the normal one. Unlike rate ± t se it
    stays within 0..1 and has a width even where all verdicts are the same: there n is the number of clusters.

    Args:
        rate: The rate, 0..1.
        se: Its standard error.
        n_clusters: Number of clusters behind the error; the effective one where they differ in size.
        level: Confidence, between 0 and 1.

    Returns:
        ``(low, high)``; both NaN for one cluster or an unknown error.
    """
    from scipy.stats import t

    if math.isnan(rate) or math.isnan(se) or not n_clusters > 1.0:
        return math.nan, math.nan
    spread = rate * (1.0 - rate)
    n = spread / se**2 if se > 0.0 else float(n_clusters)
    square = float(t.ppf(0.5 + level / 2.0, n_clusters - 1)) ** 2
    centre = (rate + square / (2.0 * n)) / (1.0 + square / n)
    reach = math.sqrt(square) / (1.0 + square / n) * math.sqrt(spread / n + square / (4.0 * n**2))
    return max(0.0, centre - reach), min(1.0, centre + reach)


@dataclass(frozen=True)
class VerdictAgreement:
    """How far two series of verdicts on the same pairs agree.

    Attributes:
        n: Pairs that both could be read for.
        raw: Share of these with the same verdict; NaN for none.
        kappa: Cohen's kappa over a, tie and b: 1 for full agreement, 0 for what chance gives. NaN where it is not
            defined, as when both series always say the same one thing.
    """

    n: int
    raw: float
    kappa: float


def agreement(one: Sequence[Verdict], other: Sequence[Verdict]) -> VerdictAgreement:
    """Agreement of two series of verdicts; pairs with an unreadable verdict are left out.

    Raises:
        ValueError: If the lengths differ.
    """
    read = [pair for pair in zip(one, other, strict=True) if "unreadable" not in pair]
    if not read:
        return VerdictAgreement(0, math.nan, math.nan)
    left, right = zip(*read, strict=True)
    raw = sum(first == second for first, second in read) / len(read)
    if len({*left, *right}) == 1:  # scikit-learn warns there
        return VerdictAgreement(len(read), raw, math.nan)
    from sklearn.metrics import cohen_kappa_score

    return VerdictAgreement(len(read), raw, float(cohen_kappa_score(left, right, labels=list(_CLASSES))))
