"""What answers cost, and what they were asked for."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from community_lms.remote.prices import Price


@dataclass(frozen=True)
class Purpose:
    """What an answer is for.

    Attributes:
        phase: Step of the run, such as ``scoring``, ``answers`` or ``messages``.
        community: Name of the community that speaks, or whose prompt it is; "" for none.
        task: Name of the task; "" for none.
        doc: Number of the document in its task; "" for none.
    """

    phase: str
    community: str = ""
    task: str = ""
    doc: str = ""


@dataclass(frozen=True)
class Usage:
    """Tokens of one request.

    Attributes:
        read: Tokens of its prompts.
        written: Tokens of its answers.
        counted: Whether the server counted them; else they are estimated.
    """

    read: int
    written: int
    counted: bool = True


@dataclass
class UsageTotal:
    """Usage and cost, summed over answers.

    Attributes:
        answers: Number of answers.
        read: Tokens of prompts.
        written: Tokens of answers.
        cost: Dollars, of answers that have a price.
        unpriced: Number of answers of models without a price.
        estimated: Number of answers whose tokens the server did not count.
    """

    answers: int = 0
    read: int = 0
    written: int = 0
    cost: float = 0.0
    unpriced: int = 0
    estimated: int = 0

    def add(self, other: UsageTotal) -> None:
        """Add another total to this one."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))

    @property
    def tokens(self) -> int:
        """Tokens of prompts and answers."""
        return self.read + self.written

    def as_json(self) -> dict[str, Any]:
        """Return the attributes as plain JSON."""
        return {**asdict(self), "cost": round(self.cost, 8)}


def share(usage: Usage, price: Price | None, count: int) -> list[UsageTotal]:
    """Divide what a request cost among its answers; the first ones get the tokens that cannot be divided.

    Args:
        usage: Tokens of the request.
        price: Price of the model; None where it is not known.
        count: Number of answers, at least one.
    """
    return [_part(usage, price, place, count) for place in range(count)]


def _part(usage: Usage, price: Price | None, place: int, count: int) -> UsageTotal:
    read, written = (whole // count + (place < whole % count) for whole in (usage.read, usage.written))
    cost = price.of(read, written) if price is not None else 0.0
    return UsageTotal(1, read, written, cost, int(price is None), int(not usage.counted))
