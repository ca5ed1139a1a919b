"""Verdicts on a pair, and one verdict out of the two that were given in both orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Verdict = Literal["a", "b", "tie", "unreadable"]
"""The run whose answer is better; ``unreadable`` where a judge's reply does not say."""

Position = Literal["first", "second", "tie"]
"""The better answer, by the place in which it was shown."""

Order = Literal["ab", "ba"]
"""The order in which the runs' answers were shown."""

ORDERS: tuple[Order, ...] = get_args(Order)


def as_verdict(position: Position | None, order: Order) -> Verdict:
    """Turn a place into the run that stood there; None, which no reply could be read from, is ``unreadable``."""
    if position is None:
        return "unreadable"
    if position == "tie":
        return "tie"
    return "a" if (position == "first") == (order == "ab") else "b"


def combine(ab: Verdict, ba: Verdict) -> Verdict:
    """One verdict out of both orders' (Zheng et al. 2023, arXiv 2306.05685, section 3.4, the conservative way).

    A run wins only where both orders say so; where the orders disagree it is a tie. With one unreadable verdict there
    is nothing to compare, and the pair is unreadable.
    """
    if "unreadable" in (ab, ba):
        return "unreadable"
    return ab if ab == ba else "tie"


@dataclass(frozen=True)
class JudgedPair:
    """A pair's verdicts.

    Attributes:
        id: The document's id.
        cluster: Name shared by documents that are not independent, for standard errors.
        ab: The verdict with run A's answer shown first.
        ba: The verdict with run B's answer shown first.
    """

    id: str
    cluster: str
    ab: Verdict
    ba: Verdict

    @property
    def verdict(self) -> Verdict:
        """Both orders together."""
        return combine(self.ab, self.ba)

    @property
    def readable(self) -> bool:
        """Whether both orders' replies could be read."""
        return "unreadable" not in (self.ab, self.ba)

    @property
    def order_disagreement(self) -> bool:
        """Whether both orders could be read and say different things."""
        return self.readable and self.ab != self.ba

    @property
    def lean(self) -> float:
        """+1 where both orders chose the answer shown first, -1 the one shown second, between for one or none of them.

        NaN where a reply could not be read. A judge without position bias has a mean of 0.
        """
        if not self.readable:
            return float("nan")
        signs = {"a": 1.0, "b": -1.0, "tie": 0.0}
        return (signs[self.ab] - signs[self.ba]) / 2.0
