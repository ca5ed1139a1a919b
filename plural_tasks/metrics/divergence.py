"""Distances between distributions over the same options, and what a single one looks like."""

from __future__ import annotations

import math
from collections.abc import Sequence


def js_distance(p: Sequence[float], q: Sequence[float], *, base: float = 2.0) -> float:
    """Jensen-Shannon distance: the square root of the mean KL divergence of ``p`` and ``q`` from their midpoint.

    Args:
        p: Shares over n options, non-negative, summing to more than 0; normalised here.
        q: Likewise, of the same length.
        base: Base of the logarithm. 2 gives a range of 0..1; ``math.e`` gives 0..0.8326, the published scale of
            Modular Pluralism.

    Raises:
        ValueError: If the lengths differ, or one of them is no distribution.
    """
    import numpy as np
    from scipy.spatial.distance import jensenshannon

    _check_pair(p, q)
    # Rounding can push the divergence of equal distributions a hair below zero, whose root is NaN.
    with np.errstate(invalid="ignore"):
        distance = float(jensenshannon(p, q, base=base))
    return 0.0 if math.isnan(distance) else distance


def tv_distance(p: Sequence[float], q: Sequence[float]) -> float:
    """Total variation distance: half the sum of ``|p_i - q_i|``, 0..1.

    It is the share of people who would have to change their answer to turn ``q`` into ``p``.

    Args:
        p: Shares over n options, non-negative, summing to more than 0; normalised here.
        q: Likewise, of the same length.

    Raises:
        ValueError: If the lengths differ, or one of them is no distribution.
    """
    _check_pair(p, q)
    total_p, total_q = math.fsum(p), math.fsum(q)
    return 0.5 * math.fsum(abs(a / total_p - b / total_q) for a, b in zip(p, q, strict=True))


def wasserstein(p: Sequence[float], q: Sequence[float]) -> float:
    """First Wasserstein distance of ``p`` and ``q`` over options that stand in an order of degree.

    The n options stand at equally spaced positions 0, 1/(n-1), …, 1, so the range is 0..1: 1 is the distance between
    everyone at one end and everyone at the other. Options without an order have no such distance.

    Args:
        p: Shares over n options, in their order, non-negative, summing to more than 0; normalised here.
        q: Likewise, of the same length.

    Raises:
        ValueError: If the lengths differ, or one of them is no distribution.
    """
    from scipy.stats import wasserstein_distance

    _check_pair(p, q)
    positions = [place / max(len(p) - 1, 1) for place in range(len(p))]
    return float(wasserstein_distance(positions, positions, p, q))


def entropy(p: Sequence[float], base: float = 2.0) -> float:
    """Shannon entropy of ``p``: 0 when one option has it all, log(n) when all n options have the same share.

    Args:
        p: Shares over n options, non-negative, summing to more than 0; normalised here.
        base: Base of the logarithm; 2 gives bits.

    Raises:
        ValueError: If ``p`` is no distribution.
    """
    from scipy.stats import entropy as scipy_entropy

    _check(p)
    return float(scipy_entropy(p, base=base))


def normalise(log_likelihoods: Sequence[float]) -> tuple[list[float], float]:
    """Turn log-likelihoods of the options into a distribution.

    Args:
        log_likelihoods: Natural logarithms, one for each option; ``-inf`` and NaN count as no mass.

    Returns:
        ``(shares, mass)``: shares sum to 1, or are all 0 when no option has mass; ``mass`` is the total probability
        that the model put on the options.
    """
    finite = [value if not math.isnan(value) else -math.inf for value in log_likelihoods]
    top = max(finite, default=-math.inf)
    if top == -math.inf:
        return [0.0] * len(finite), 0.0
    weights = [math.exp(value - top) for value in finite]
    total = math.fsum(weights)
    return [weight / total for weight in weights], math.exp(min(top + math.log(total), 700.0))


def _check_pair(p: Sequence[float], q: Sequence[float]) -> None:
    if len(p) != len(q):
        raise ValueError(f"distributions of {len(p)} and {len(q)} options cannot be compared")
    _check(p)
    _check(q)


def _check(shares: Sequence[float]) -> None:
    if not 0.0 < math.fsum(shares) < math.inf or min(shares) < 0.0:
        raise ValueError(f"{list(shares)} is no distribution, expected non-negative shares with a positive sum")
