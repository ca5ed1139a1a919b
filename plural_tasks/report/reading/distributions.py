"""The distributions that a run's samples hold: what the model answered to one document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plural_tasks.metrics import normalise
from plural_tasks.metrics.permutations import restore

Shares = tuple[float, ...]


@dataclass(frozen=True)
class ModelDistributions:
    """A model's distributions over the options of a document, in the study's order.

    Attributes:
        number: The harness's number of the document.
        orders: The orders in which the options were shown; place p holds the index of the one that is shown p-th.
        shares: One distribution for each order; all 0 where the model put no mass on any option.
        dont_know: Indices of options that state no opinion.
    """

    number: int
    orders: tuple[tuple[int, ...], ...]
    shares: tuple[Shares, ...]
    dont_know: tuple[int, ...]

    @property
    def options(self) -> int:
        """Number of options."""
        return len(self.orders[0])

    @property
    def mean(self) -> Shares:
        """Mean over the orders with mass, as the tasks score it; all 0 where none has."""
        return mean_of(self.shares) or (0.0,) * self.options


def mean_of(rows: Sequence[Shares]) -> Shares:
    """Mean of the distributions that have mass; empty where none has."""
    known = [row for row in rows if any(row)]
    return tuple(sum(column) / len(known) for column in zip(*known, strict=True))


def read_distributions(record: Mapping[str, Any]) -> ModelDistributions | None:
    """Read what one of modplural's closed tasks logged; None for samples of any other kind.

    Args:
        record: A line of a samples file: the document's ``options`` and ``orders``, and in ``filtered_resps`` a pair
            (log-likelihood, is greedy) for each option as shown, one order after the other.
    """
    doc, logged = record["doc"], record.get("filtered_resps")
    try:
        orders = tuple(tuple(int(place) for place in order) for order in doc["orders"])
        n = len(doc["options"])
        values = [float(value) for value, _ in logged or ()]  # "-inf" is written as text
        if n < 2 or not orders or len(values) != n * len(orders):
            return None
        rows = [values[place * n : (place + 1) * n] for place in range(len(orders))]
        shares = tuple(tuple(restore(normalise(row)[0], order)) for row, order in zip(rows, orders, strict=True))
        return ModelDistributions(
            record["doc_id"], orders, shares, tuple(int(place) for place in doc.get("dont_know") or ())
        )
    except (KeyError, TypeError, ValueError):  # generated answers, documents of other tasks
        return None
