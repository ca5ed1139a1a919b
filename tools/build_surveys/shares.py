"""Answer shares with their sampling error. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Shares:
    """Shares over the options, each 0..1 and summing to 1, with ``sqrt(p (1 - p) / n_eff)`` as standard error.

    Attributes:
        n: Respondents who gave one of the answers.
        n_eff: Effective sample size after Kish (1965), ``(sum w)^2 / sum w^2``; equal to ``n`` without weights.
        shares: One for each option.
    """

    n: int
    n_eff: float
    shares: tuple[float, ...]

    @property
    def standard_errors(self) -> tuple[float, ...]:
        """Under simple random sampling of ``n_eff`` people: clustering of the sample is not accounted for."""
        return tuple(math.sqrt(share * (1 - share) / self.n_eff) for share in self.shares)


def shares_of(answers: pd.Series, codes: Sequence[object], weights: pd.Series | None = None) -> Shares:
    """Count the answers that are among ``codes``; all others (missing, refused, not asked) are left out."""
    kept = answers[answers.isin(list(codes))]
    if kept.empty:
        return Shares(0, 0.0, tuple(0.0 for _ in codes))
    weight = pd.Series(1.0, index=kept.index) if weights is None else weights[kept.index]
    if not (weight > 0).all():
        raise ValueError("a respondent has no positive weight.")
    total = weight.sum()
    return Shares(
        n=len(kept),
        n_eff=float(total**2 / (weight**2).sum()) if weights is not None else float(len(kept)),
        shares=tuple(float(weight[kept == code].sum() / total) for code in codes),
    )


def shares_of_counts(counts: Sequence[int], *, n: int | None = None) -> Shares:
    """Return the shares of tabulated answers.

    Args:
        counts: Respondents for each option; for data published at its effective size, that size.
        n: Respondents, where ``counts`` are an effective sample.
    """
    total = sum(counts)
    return Shares(n=total if n is None else n, n_eff=float(total), shares=tuple(count / total for count in counts))
