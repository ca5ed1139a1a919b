"""A distribution from counted answers, and how far it may be from what endlessly many would give."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

REPLICATES = 400
"""Distributions that are drawn to measure the error."""

Shares = NDArray[np.float64]


def smoothed(counts: Sequence[int], alpha: float) -> list[float]:
    """Return (n_o + alpha) / (n + alpha K) for K options of which option o was given n_o times, n in all.

    This is the posterior mean under a symmetric Dirichlet prior; alpha = 0.5 is Jeffreys'. Without any answer there is
    nothing to smooth, and all shares are 0.
    """
    total = math.fsum(counts)
    if total == 0:
        return [0.0] * len(counts)
    return [(count + alpha) / (total + alpha * len(counts)) for count in counts]


def replicates(counts: Sequence[int], alpha: float, seed: int) -> Shares:
    """Draw distributions that are as likely as the smoothed one: the Bayesian bootstrap (Rubin 1981) with its prior.

    Plain resampling would claim no error at all where all answers are the same.

    Returns:
        `REPLICATES` rows from the Dirichlet distribution of ``counts`` + ``alpha``.
    """
    rng = np.random.default_rng(seed)
    weights = rng.standard_gamma(np.asarray(counts, dtype=float) + alpha, size=(REPLICATES, len(counts)))
    weights = np.maximum(weights, np.finfo(float).tiny)  # tiny shapes underflow, all of a row at worst
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def js_error(shares: Sequence[float], draws: Shares) -> float:
    """Root mean square Jensen-Shannon distance (base 2, 0..1) between ``shares`` and each row of ``draws``.

    The distance is a metric (Endres & Schindelin 2003), so that the distance between ``shares`` and any population is
    off by no more than the one between ``shares`` and the model's true distribution, whose size this estimates.
    """
    return float(np.sqrt(np.mean(js_distances(draws, shares) ** 2)))


def js_distances(draws: Shares, shares: Sequence[float]) -> Shares:
    """Jensen-Shannon distance (base 2, 0..1) between each row of ``draws`` and ``shares``; all of them sum to 1.

    Row by row this is `plural_tasks.metrics.js_distance`.
    """
    other = np.broadcast_to(np.asarray(shares, dtype=float), draws.shape)
    middle = (other + draws) / 2
    divergence = (_relative_entropy(other, middle) + _relative_entropy(draws, middle)) / 2
    return np.asarray(np.sqrt(np.maximum(divergence, 0.0)))


def estimates(shares: Sequence[float], n: int, alpha: float, seed: int) -> Shares:
    """Draw what counting would give if the truth were ``shares``: the parametric bootstrap (Efron 1979).

    Args:
        shares: Distribution that answers are drawn from; sums to 1.
        n: Answers of each estimate, at least 1.
        alpha: Their smoothing, see `smoothed`.
        seed: The same seed gives the same rows.

    Returns:
        `REPLICATES` rows: the smoothed shares of n answers from a multinomial distribution each.
    """
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(n, np.asarray(shares, dtype=float), size=REPLICATES)
    return np.asarray((counts + alpha) / (n + alpha * len(shares)))


def _relative_entropy(p: Shares, q: Shares) -> Shares:
    """KL divergence in bits, row by row; 0 log 0 is 0."""
    ratio = np.divide(p, q, out=np.ones_like(p), where=p > 0)
    return np.asarray(np.sum(p * np.log2(ratio), axis=1))
