"""Distances between distributions over the same options."""

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

    if len(p) != len(q):
        raise ValueError(f"distributions of {len(p)} and {len(q)} options cannot be compared")
    for shares in (p, q):
        if not 0.0 < math.fsum(shares) < math.inf or min(shares) < 0.0:
            raise ValueError(f"{list(shares)} is no distribution, expected non-negative shares with a positive sum")
    # Rounding can push the divergence of equal distributions a hair below zero, whose root is NaN.
    with np.errstate(invalid="ignore"):
        distance = float(jensenshannon(p, q, base=base))
    return 0.0 if math.isnan(distance) else distance


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
