"""What a command may spend: tokens and dollars are set aside before a request is sent, so that no limit is passed."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from community_lms.remote.prices import Price, Prices, load_prices
from community_lms.remote.usage import Spent, Usage
from plural_tasks.utils.errors import ModPluralError

BYTES_PER_TOKEN = 3.0
"""Of a prompt in UTF-8, taken where no answer has told yet. English text has about four, other scripts fewer."""

_ENOUGH = 20
"""Answers after which the most tokens for a byte that a model has counted are taken, with `_MARGIN`."""

_MARGIN = 1.1


class BudgetReachedError(ModPluralError):
    """The next request could cost more than is left; what was answered is kept."""


@dataclass(frozen=True)
class Limits:
    """The most that may be spent; None is no limit.

    Attributes:
        cost: Dollars.
        tokens: Of prompts and answers together.
    """

    cost: float | None = None
    tokens: int | None = None

    def __bool__(self) -> bool:
        """Is there any?"""
        return self.cost is not None or self.tokens is not None


@dataclass(frozen=True)
class Ticket:
    """Leave to ask: so much is set aside.

    Attributes:
        model: Its name.
        size: Bytes of the prompt.
        read: Tokens of the prompt, as estimated.
        written: Tokens that may be written.
        cost: Dollars of both.
        price: Of the model; None where nobody says.
    """

    model: str
    size: int
    read: int
    written: int
    cost: float
    price: Price | None


@dataclass
class Purse:
    """Shared by all models of a command; safe for threads.

    Attributes:
        limits: For all together.
        prices: Of models.
    """

    limits: Limits = field(default_factory=Limits)
    prices: Prices = field(default_factory=load_prices)
    _total: Spent = field(default_factory=Spent)
    _tokens_aside: int = 0
    _cost_aside: float = 0.0
    _flying: int = 0
    _told: dict[str, tuple[int, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self, model: str) -> None:
        """Check that a model has a price, where a limit needs one.

        Raises:
            ModPluralError: If it has none.
        """
        if self.limits.cost is not None:
            self.prices.require(model)

    def reserve(self, model: str, size: int, most: int) -> Ticket | None:
        """Set tokens aside for one request.

        Args:
            model: Its name.
            size: Bytes of the prompt.
            most: Tokens that may be written.

        Returns:
            None where there may be enough once requests in flight have settled: come again.

        Raises:
            BudgetReachedError: If the request could go over a limit.
        """
        price = self.prices.of(model)
        with self._lock:
            read = self._estimate(model, size)
            ticket = Ticket(model, size, read, most, price.of(read, most) if price else 0.0, price)
            if self._fits(ticket, self._tokens_aside, self._cost_aside):
                self._flying += 1
                self._tokens_aside += read + most
                self._cost_aside += ticket.cost
                return ticket
            if self._flying and self._fits(ticket, 0, 0.0):
                return None
            raise self._reached()

    def check_again(self, ticket: Ticket) -> None:
        """Check before a request is repeated that what was lost meanwhile has left enough.

        Raises:
            BudgetReachedError: If it has not.
        """
        with self._lock:
            tokens, cost = self._tokens_aside - ticket.read - ticket.written, self._cost_aside - ticket.cost
            if not self._fits(ticket, tokens, cost):
                raise self._reached()

    def _fits(self, ticket: Ticket, tokens_aside: int, cost_aside: float) -> bool:
        limits = self.limits
        tokens = self._total.tokens + tokens_aside + ticket.read + ticket.written
        if limits.tokens is not None and tokens > limits.tokens:
            return False
        return limits.cost is None or self._total.cost + cost_aside + ticket.cost <= limits.cost

    def _reached(self) -> BudgetReachedError:
        total, limits = self._total, self.limits
        named = [] if limits.cost is None else [f"${limits.cost:g}"]
        named += [] if limits.tokens is None else [f"{limits.tokens:,} tokens"]
        dollars = f" (${total.cost:.4f})" if limits.cost is not None else ""
        return BudgetReachedError(
            f"the budget of {' and '.join(named)} is reached: {total.answers:,} answers with {total.tokens:,} tokens"
            f"{dollars} were paid for, and the next could go over it. All of them are kept; the same command goes on, "
            "with as much again."
        )

    def settle(self, ticket: Ticket, told: Usage | None = None) -> None:
        """Give back what was set aside, when the request has ended.

        Args:
            ticket: Of `reserve`.
            told: What the server counted, if it answered.
        """
        with self._lock:
            self._flying -= 1
            self._tokens_aside -= ticket.read + ticket.written
            self._cost_aside = self._cost_aside - ticket.cost if self._flying else 0.0  # no rounding is carried on
            if told is not None and told.counted:
                times, most = self._told.get(ticket.model, (0, 0.0))
                self._told[ticket.model] = (times + 1, max(most, told.read / max(1, ticket.size)))

    def pay(self, parts: Iterable[Spent]) -> None:
        """Count what was spent."""
        with self._lock:
            for part in parts:
                self._total.add(part)

    def _estimate(self, model: str, size: int) -> int:
        times, most = self._told.get(model, (0, 0.0))
        return math.ceil(size * (most * _MARGIN if times >= _ENOUGH else max(most, 1 / BYTES_PER_TOKEN)))

    @property
    def total(self) -> Spent:
        """All that was spent."""
        with self._lock:
            return replace(self._total)


_command: Purse | None = None


@contextmanager
def one_purse(purse: Purse) -> Iterator[Purse]:
    """Inside, all models of the command share a purse, and so its limits."""
    global _command
    outer, _command = _command, purse
    try:
        yield purse
    finally:
        _command = outer


def command_purse() -> Purse | None:
    """The command's purse, inside of `one_purse`."""
    return _command
