"""The `corrected` scoring of one row, where it differs from the published code; used by the tasks and by rescoring.

It differs from the `paper` scoring (`plural_tasks.metrics.paper`) in this:

- options that state no opinion ("Don't know") are left out on both sides, which are then renormalised;
- a row with fewer than two substantive options cannot be answered wrongly, so it is not scored (NaN);
- where the gold is tied, any of its options is right; where the prediction is tied, it is right only in the share of
  its tied options that are, instead of by which of them comes first.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from plural_tasks.metrics import entropy, js_distance, tv_distance, wasserstein

DISTANCES = ("js_distance", "js_distance_nat", "tv_distance", "wasserstein", "entropy")

TIE_TOLERANCE = 1e-9
"""Shares whose ratio is closer to 1 than this are tied: what separates them is rounding."""


def substantive(shares: Sequence[float], dont_know: Collection[int] = ()) -> list[float]:
    """Shares of the options that state an opinion, renormalised.

    Args:
        shares: Shares over all options, non-negative and finite, on any scale.
        dont_know: Indices of the options to leave out.

    Returns:
        One share for each option left, in order; they sum to 1, or are all 0 where these options hold no mass.

    Raises:
        ValueError: If a share is negative or not finite, or an index is not one of the options.
    """
    if any(not 0.0 <= share < math.inf for share in shares):
        raise ValueError(f"{list(shares)} holds a share that is negative or not finite")
    if any(not 0 <= index < len(shares) for index in dont_know):
        raise ValueError(f"{list(dont_know)} names an option that is not among the {len(shares)}")
    kept = [share for index, share in enumerate(shares) if index not in dont_know]
    if not any(kept):
        return [0.0] * len(kept)
    scaled = [share / max(kept) for share in kept]  # the total of tiny shares would be too small for a float
    total = math.fsum(scaled)
    return [share / total for share in scaled]


def is_scorable(gold: Sequence[float], dont_know: Collection[int] = ()) -> bool:
    """Whether there is a choice to make: two substantive options at least, and gold mass on them."""
    shares = substantive(gold, dont_know)
    return len(shares) >= 2 and any(shares)


def has_answer(prediction: Sequence[float], dont_know: Collection[int] = ()) -> bool:
    """Whether a prediction puts mass on any substantive option; a row where it does not is a fallback."""
    return any(substantive(prediction, dont_know))


def corrected_distances(
    prediction: Sequence[float], gold: Sequence[float], *, dont_know: Collection[int] = (), ordinal: bool = False
) -> dict[str, float]:
    """How far the predicted distribution is from the gold one, over the substantive options.

    A prediction without mass on any of them says nothing: the uniform distribution is compared in its place, and the
    caller counts it (`has_answer` tells).

    Args:
        prediction: Shares over all options, non-negative and finite, on any scale.
        gold: Shares of the population, likewise.
        dont_know: Indices of options that state no opinion.
        ordinal: The substantive options stand in an order of degree.

    Returns:
        ``js_distance`` (base 2, 0..1), ``js_distance_nat`` (natural logarithm, 0..0.8326), ``tv_distance`` (0..1),
        ``wasserstein`` (0..1, NaN unless ``ordinal``), ``entropy`` (of the prediction, bits). All NaN where the row
        cannot be scored (`is_scorable`).

    Raises:
        ValueError: If the lengths differ, or a side holds a negative or infinite share.
    """
    if len(prediction) != len(gold):
        raise ValueError(f"distributions of {len(prediction)} and {len(gold)} options cannot be compared")
    target, found = substantive(gold, dont_know), substantive(prediction, dont_know)
    if not is_scorable(gold, dont_know):
        return dict.fromkeys(DISTANCES, math.nan)
    if not any(found):
        found = [1.0 / len(found)] * len(found)
    return {
        "js_distance": js_distance(found, target),
        "js_distance_nat": js_distance(found, target, base=math.e),
        "tv_distance": tv_distance(found, target),
        "wasserstein": wasserstein(found, target) if ordinal else math.nan,
        "entropy": entropy(found),
    }


def most_likely(shares: Sequence[float]) -> list[int]:
    """Indices of the option, or the tied options, with the largest share; none where no option has mass.

    The one rule for the gold of a question, for what a model picks, and for how far two runs agree.

    Args:
        shares: Shares over the options, non-negative, on any scale; closer than `TIE_TOLERANCE` is a tie.
    """
    top = max(shares, default=0.0)
    return [index for index, share in enumerate(shares) if share >= top * (1.0 - TIE_TOLERANCE)] if top > 0.0 else []


def corrected_match(prediction: Sequence[float], gold: Collection[int]) -> float:
    """Score whether the most likely option of a prediction is one of the right ones.

    Args:
        prediction: Shares over all options, non-negative, on any scale.
        gold: Indices of the right options: all that are tied for the population's most frequent answer.

    Returns:
        The share of the tied most likely options that are right: 0 or 1 without a tie, 0 without any mass (no answer
        is a wrong one). NaN with fewer than two options, where no answer could be wrong.
    """
    if len(prediction) < 2:
        return math.nan
    chosen = most_likely(prediction)
    return sum(index in gold for index in chosen) / len(chosen) if chosen else 0.0
