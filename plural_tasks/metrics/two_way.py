"""Standard errors and intervals of means whose rows belong to two kinds of cluster at once (a situation and a rater).

Rows of one rater are alike whatever the situation, and rows of one situation whoever the rater; clustering by one of
the two alone leaves out the likeness of the other and understates the error.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

from plural_tasks.metrics.uncertainty import Interval, clustered_se, effective_clusters


def two_way_se(values: Sequence[float], one: Sequence[Hashable], other: Sequence[Hashable]) -> float:
    """Standard error of the mean of ``values``, robust to correlation within clusters of two kinds.

    SE^2 = V_one + V_other - V_both (Cameron, Gelbach and Miller, 2011, Robust inference with multiway clustering), each
    V the square of `clustered_se`, V_both by the combinations of both kinds. That sum may come out too small or below 0
    in small samples; it is never taken below the larger of V_one and V_other.

    Args:
        values: One figure for each row; NaN rows are left out.
        one: The cluster of each row, of the first kind.
        other: The cluster of each row, of the second kind; not nested in the first.

    Returns:
        The standard error; NaN for fewer than two clusters of either kind.

    Raises:
        ValueError: If the lengths differ.
    """
    both = list(zip(one, other, strict=True))
    first, second, joint = (clustered_se(values, names) ** 2 for names in (one, other, both))
    if math.isnan(first) or math.isnan(second):
        return math.nan
    return math.sqrt(max(first, second, first + second - joint))


def fewest_effective(one: Sequence[Hashable], other: Sequence[Hashable]) -> float:
    """`effective_clusters` of the kind that has fewer; the scarcer kind limits what is known of the variance.

    Returns:
        At least 1; NaN without rows.
    """
    return min(effective_clusters(one), effective_clusters(other))


def two_way_interval(
    values: Sequence[float], one: Sequence[Hashable], other: Sequence[Hashable], level: float = 0.95
) -> Interval:
    """Confidence interval of the mean: mean ± t * `two_way_se`, t with `fewest_effective` - 1 degrees of freedom.

    Args:
        values: One figure for each row; NaN rows are left out.
        one: The cluster of each row, of the first kind.
        other: The cluster of each row, of the second kind.
        level: Confidence, between 0 and 1.

    Returns:
        ``(low, high)``; both NaN for fewer than two clusters of either kind.

    Raises:
        ValueError: If the lengths differ or ``level`` is not between 0 and 1.
    """
    from scipy.stats import t

    if not 0.0 < level < 1.0:
        raise ValueError(f"a confidence of {level} is not between 0 and 1")
    kept = [row for row in zip(values, one, other, strict=True) if not math.isnan(row[0])]
    rows, left, right = [row[0] for row in kept], [row[1] for row in kept], [row[2] for row in kept]
    se = two_way_se(rows, left, right)
    if math.isnan(se):
        return math.nan, math.nan
    mean = math.fsum(rows) / len(rows)
    reach = float(t.ppf(0.5 + level / 2.0, fewest_effective(left, right) - 1.0)) * se
    return mean - reach, mean + reach
