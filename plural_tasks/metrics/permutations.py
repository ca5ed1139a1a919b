"""Orders in which the options of a question are shown, and the way back."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
Order = tuple[int, ...]


def option_orders(n_options: int, k: int, *, seed: str = "") -> list[Order]:
    """Return ``k`` different orders of ``n_options`` options, the study's own first.

    Orders come in pairs of a rotation and its reverse: with an even ``k`` every option stands in the middle of the
    list on average, and with ``k = 2n`` it stands in every place equally often. Past these 2n the rest is drawn at
    random (seeded). There are never more than n! orders.

    Args:
        n_options: Number of options, at least 0.
        k: Number of orders wanted, at least 1.
        seed: Decides the random ones; the item's id, so that a document keeps its orders in every run.

    Returns:
        ``min(k, n!)`` tuples; position p of an order holds the index of the option that is shown p-th.

    Raises:
        ValueError: If ``k`` is below 1.
    """
    if k < 1:
        raise ValueError(f"the number of permutations is {k}, expected at least 1")
    wanted = min(k, math.factorial(n_options))
    study = tuple(range(n_options))
    pairs = [(study[shift:] + study[:shift]) for shift in range(max(n_options, 1))]
    found = list(dict.fromkeys(order for rotation in pairs for order in (rotation, rotation[::-1])))[:wanted]
    rng = random.Random(seed)
    while len(found) < wanted:
        drawn = tuple(rng.sample(study, n_options))
        if drawn not in found:
            found.append(drawn)
    return found


def show(values: Sequence[T], order: Sequence[int]) -> list[T]:
    """Put what is in the study's order into the order shown."""
    return [values[index] for index in order]


def restore(shown: Sequence[T], order: Sequence[int]) -> list[T]:
    """Put what is in the order shown back into the study's order; undoes `show`.

    Raises:
        ValueError: If there is not one value for each option.
    """
    if len(shown) != len(order):
        raise ValueError(f"found {len(shown)} values for {len(order)} options")
    places = {index: place for place, index in enumerate(order)}
    return [shown[places[index]] for index in range(len(order))]
