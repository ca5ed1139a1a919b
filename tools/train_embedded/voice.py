"""How what a community's people answer, each for themselves, becomes what the community says.

A message names the answers that many give, the most frequent first, and how many give them, so that one message tells
the group's most likely answer and its distribution alike.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from tools.train_embedded.respond import LONG

NEARLY_ALL, MOST, HALF, SOME = 0.85, 0.6, 0.45, 0.15
"""Shares from which on an answer is given by nearly all, most, half; and from which on it is named beside another."""

TAIL = 0.2
"""Of a scale the numbers are told between which people stand, but for this share at either end."""


def tell(options: Sequence[str], shares: Sequence[float], reason: str = "") -> str:
    """Say how a community answers.

    Args:
        options: The answers that were offered.
        shares: How many give each of them; sums to 1.
        reason: Why, in a sentence; or nothing.
    """
    told = _on_a_scale(options, shares) if len(options) >= LONG else _among(options, shares)
    return f"{told} {reason}".strip()


def _among(options: Sequence[str], shares: Sequence[float]) -> str:
    first, *others = sorted(range(len(options)), key=lambda place: -shares[place])
    share = shares[first]
    crowd = (
        "nearly all of us"
        if share >= NEARLY_ALL
        else "most of us"
        if share >= MOST
        else "about half of us"
        if share >= HALF
        else "many of us"
    )
    beside = ("some", "a few") if share >= MOST else ("others", "some")
    named = [place for place in others[:2] if share < NEARLY_ALL and shares[place] >= SOME]
    said = [(first, crowd), *zip(named, beside, strict=False)]
    return " ".join(f"{options[place].rstrip('.')}, say {who}." for place, who in said)


def _on_a_scale(options: Sequence[str], shares: Sequence[float]) -> str:
    """The most frequent number, and between which numbers most stand."""
    ascending = sorted(range(len(options)), key=lambda place: number(options[place]))
    low, high = (_quantile(ascending, shares, share) for share in (TAIL, 1.0 - TAIL))
    first = max(ascending, key=lambda place: shares[place])
    if low == high:
        return f"{options[first]}, say most of us."
    between = f"Most say between {number(options[low])} and {number(options[high])}."
    return f"{options[first]}, say more of us than anything else. {between}"


def number(option: str) -> int:
    """The number of a step of a scale: 10 for "10 (very important)".

    Raises:
        ValueError: If it has none.
    """
    found = re.match(r"\d+", option)
    if found is None:
        raise ValueError(f"{option!r} is no step of a scale")
    return int(found[0])


def _quantile(ascending: Sequence[int], shares: Sequence[float], share: float) -> int:
    total = 0.0
    for place in ascending:
        total += shares[place]
        if total >= share:
            return place
    return ascending[-1]


def comment_on(reasons: list[str], rng: random.Random) -> str:
    """What someone says of a situation when no answers are offered: one reason or two."""
    return " ".join(rng.sample(reasons, min(len(reasons), rng.choice((1, 2, 2)))))
