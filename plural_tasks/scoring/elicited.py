"""What a model said about one document, put together over the orders in which the options were shown."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plural_tasks.metrics import normalise, parse_choice, tv_distance
from plural_tasks.metrics.permutations import restore, show

LogLikelihood = tuple[float, bool]


@dataclass(frozen=True)
class Distribution:
    """A model's distribution over the options, in the study's order.

    Attributes:
        shares: Mean over the orders that put mass on some option; uniform where none did.
        first: The distribution under the study's own order alone; None where it has no mass.
        mass: Mean probability on all options together, 0..1.
        spread: Mean total variation between an order's distribution and ``shares``, 0..1: the effect of order. NaN
            with fewer than two orders that put mass on some option.
        fallback: Share of orders without mass on any option, 0..1.
    """

    shares: list[float]
    first: list[float] | None
    mass: float
    spread: float
    fallback: float


def read_distribution(doc: Mapping[str, Any], results: Sequence[LogLikelihood]) -> Distribution:
    """Read the log-likelihoods of all orders.

    Args:
        doc: Document with ``options`` and ``orders``.
        results: ``(log-likelihood, is_greedy)`` for each option as shown, one order after the other.

    Raises:
        ValueError: If there is not one result for each option and order.
    """
    n, orders = len(doc["options"]), doc["orders"]
    if len(results) != n * len(orders):
        raise ValueError(f"found {len(results)} results for {n} options in {len(orders)} orders")
    found = [
        normalise(restore([value for value, _ in results[place * n : (place + 1) * n]], order))
        for place, order in enumerate(orders)
    ]
    known = [shares for shares, _ in found if any(shares)]  # not mass > 0: that of long options may underflow
    shares = [sum(column) / len(known) for column in zip(*known, strict=True)] if known else [1.0 / n] * n
    return Distribution(
        shares=shares,
        first=found[0][0] if any(found[0][0]) else None,
        mass=sum(mass for _, mass in found) / len(found),
        spread=sum(tv_distance(one, shares) for one in known) / len(known) if len(known) > 1 else math.nan,
        fallback=1.0 - len(known) / len(found),
    )


def always(doc: Mapping[str, Any], place: int) -> list[float]:
    """The distribution of a model that always answers with the option shown at ``place``: its mean over the orders."""
    shown = [order[place] for order in doc["orders"]]
    return [shown.count(index) / len(shown) for index in range(len(doc["options"]))]


@dataclass(frozen=True)
class Choices:
    """The options that a model's answers picked.

    Attributes:
        picked: For each order the index of the option in the study's order; None where none could be read.
        spread: Share of orders whose answer is not the most common one, 0..1; NaN with one order.
        fallback: Share of answers that could not be read, 0..1.
    """

    picked: tuple[int | None, ...]
    spread: float
    fallback: float


def read_choices(doc: Mapping[str, Any], results: Sequence[Any]) -> Choices:
    """Read the answers of all orders; the rules are those of `plural_tasks.metrics.parse_choice`."""
    picked = []
    for answer, order in zip(results, doc["orders"], strict=True):
        place = parse_choice(first_text(answer), show(doc["options"], order))
        picked.append(None if place is None else order[place])
    common = Counter(picked).most_common(1)[0][1]
    spread = 1.0 - common / len(picked) if len(picked) > 1 else math.nan
    return Choices(tuple(picked), spread, picked.count(None) / len(picked))


def first_text(answer: Any) -> str:
    """The first text of an answer, which is a text, or a list of texts when ``repeats`` is above 1."""
    return answer if isinstance(answer, str) else str(answer[0])
