"""Ways that take turns, and what is made of their rounds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Way = Callable[[], float]
"""Does its work once and returns how much it was."""


@dataclass(frozen=True)
class Round:
    """One turn of a way: seconds and what was done in them."""

    seconds: float
    amount: float

    @property
    def rate(self) -> float:
        """Amount a second."""
        return self.amount / self.seconds


Rounds = list[Round]


def take_turns(ways: Mapping[str, Way], rounds: int) -> dict[str, Rounds]:
    """Run all ways once to warm up, then ``rounds`` times by turns, so that the machine's moods meet all alike."""
    found: dict[str, Rounds] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            one = timed(way)
            if turn:
                found[name].append(one)
    return found


def timed(way: Way) -> Round:
    """Run a way once."""
    since = time.perf_counter()
    amount = way()
    return Round(time.perf_counter() - since, amount)


def median_rate(rounds: Sequence[Round]) -> float:
    """Median of the rounds' rates."""
    return statistics.median(one.rate for one in rounds)


def ratio(one: Sequence[Round], other: Sequence[Round]) -> float:
    """Median over rounds of how many times the rate of ``other`` that of ``one`` is, in the same round."""
    return statistics.median(a.rate / b.rate for a, b in zip(one, other, strict=True))
