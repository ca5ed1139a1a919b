"""What an answer costs, and what for."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from community_lms.remote.prices import Price


@dataclass(frozen=True)
class Purpose:
    """What an answer is for.

    Attributes:
        phase: Such as ``scoring``, ``answers`` or ``messages``.
        community: Who speaks, or whose prompt it is; "" for none.
        task: Name of the task; "" for none.
        doc: Number of the document in its task; "" for none.
    """

    phase: str
    community: str = ""
    task: str = ""
    doc: str = ""


@dataclass(frozen=True)
class Usage:
    """Tokens of one request, and whether the server counted them or we estimated."""

    read: int
    written: int
    counted: bool = True


@dataclass
class Spent:
    """A sum.

    Attributes:
        answers: How many.
        read: Tokens of prompts.
        written: Tokens of answers.
        cost: Dollars, of answers that have a price.
        unpriced: Answers of models without a price.
        estimated: Answers whose tokens the server did not count.
    """

    answers: int = 0
    read: int = 0
    written: int = 0
    cost: float = 0.0
    unpriced: int = 0
    estimated: int = 0

    def add(self, other: Spent) -> None:
        """Add another sum."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))

    @property
    def tokens(self) -> int:
        """Of prompts and answers."""
        return self.read + self.written

    def as_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {**asdict(self), "cost": round(self.cost, 8)}


def share(usage: Usage, price: Price | None, count: int) -> list[Spent]:
    """Divide what a request cost among its answers; the first ones have the tokens that cannot be divided.

    Args:
        usage: Tokens of the request.
        price: Of the model; None where nobody says.
        count: Number of answers, at least one.
    """
    return [_part(usage, price, place, count) for place in range(count)]


def _part(usage: Usage, price: Price | None, place: int, count: int) -> Spent:
    read, written = (whole // count + (place < whole % count) for whole in (usage.read, usage.written))
    cost = price.of(read, written) if price is not None else 0.0
    return Spent(1, read, written, cost, int(price is None), int(not usage.counted))
