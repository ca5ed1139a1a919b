"""The budget of a command: tokens and dollars are reserved before a request is sent, so that no limit is passed."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from community_lms.remote.prices import Price, Prices, load_prices
from community_lms.remote.usage import Usage, UsageTotal
from plural_tasks.utils.errors import ModPluralError

BYTES_PER_TOKEN = 3.0
"""Bytes of UTF-8 per token of a prompt, assumed until the server has counted one. English text has about four, other
scripts fewer."""

_ENOUGH = 20
"""Number of counted answers after which the estimate is the most tokens per byte among them, times `_MARGIN`."""

_MARGIN = 1.1


class BudgetReachedError(ModPluralError):
    """The next request could cost more than is left; what was answered is kept."""


@dataclass(frozen=True)
class Limits:
    """The most that may be spent; None is no limit.

    Attributes:
        cost: Dollars.
        tokens: Tokens of prompts and answers together.
    """

    cost: float | None = None
    tokens: int | None = None

    def __bool__(self) -> bool:
        """Whether there is any limit."""
        return self.cost is not None or self.tokens is not None


@dataclass(frozen=True)
class Reservation:
    """Tokens and dollars that are reserved for one request.

    Attributes:
        model: Name of the model.
        size: Bytes of the prompt.
        read: Tokens of the prompt, estimated.
        written: Greatest number of tokens of the answer.
        cost: Dollars of both.
        price: Price of the model; None where it is not known.
    """

    model: str
    size: int
    read: int
    written: int
    cost: float
    price: Price | None


@dataclass
class Budget:
    """What the models of a command have spent and may spend together; safe for threads.

    Attributes:
        limits: Limits of all models together.
        prices: Prices of the models.
    """

    limits: Limits = field(default_factory=Limits)
    prices: Prices = field(default_factory=load_prices)
    _total: UsageTotal = field(default_factory=UsageTotal)
    _reserved_tokens: int = 0
    _reserved_cost: float = 0.0
    _open: int = 0
    _counted: dict[str, tuple[int, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self, model: str) -> None:
        """Check that a model has a price, where a limit needs one.

        Raises:
            ModPluralError: If it has none.
        """
        if self.limits.cost is not None:
            self.prices.require(model)

    def reserve(self, model: str, size: int, most: int) -> Reservation | None:
        """Reserve tokens for one request.

        Args:
            model: Name of the model.
            size: Bytes of the prompt.
            most: Greatest number of tokens of the answer.

        Returns:
            The reservation; None where it may fit once open reservations are settled, so that one should try again.

        Raises:
            BudgetReachedError: If the request could go over a limit.
        """
        price = self.prices.of(model)
        with self._lock:
            read = self._estimate(model, size)
            reservation = Reservation(model, size, read, most, price.of(read, most) if price else 0.0, price)
            if self._fits(reservation, self._reserved_tokens, self._reserved_cost):
                self._open += 1
                self._reserved_tokens += read + most
                self._reserved_cost += reservation.cost
                return reservation
            if self._open and self._fits(reservation, 0, 0.0):
                return None
            raise self._reached()

    def check_again(self, reservation: Reservation) -> None:
        """Check before a request is repeated that unusable answers have left enough for it.

        Raises:
            BudgetReachedError: If they have not.
        """
        with self._lock:
            tokens, cost = (
                self._reserved_tokens - reservation.read - reservation.written,
                self._reserved_cost - reservation.cost,
            )
            if not self._fits(reservation, tokens, cost):
                raise self._reached()

    def _fits(self, reservation: Reservation, reserved_tokens: int, reserved_cost: float) -> bool:
        limits = self.limits
        tokens = self._total.tokens + reserved_tokens + reservation.read + reservation.written
        if limits.tokens is not None and tokens > limits.tokens:
            return False
        return limits.cost is None or self._total.cost + reserved_cost + reservation.cost <= limits.cost

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

    def settle(self, reservation: Reservation, usage: Usage | None = None) -> None:
        """Give back what was reserved, when the request has ended.

        Args:
            reservation: The reservation that `reserve` returned; it is settled once.
            usage: Tokens of the request, if it was answered; the next estimates rest on those that the server counted.
        """
        with self._lock:
            self._open -= 1
            self._reserved_tokens -= reservation.read + reservation.written
            # Once nothing is reserved any more, no rounding error is carried on.
            self._reserved_cost = self._reserved_cost - reservation.cost if self._open else 0.0
            if usage is not None and usage.counted:
                times, most = self._counted.get(reservation.model, (0, 0.0))
                self._counted[reservation.model] = (times + 1, max(most, usage.read / max(1, reservation.size)))

    def pay(self, parts: Iterable[UsageTotal]) -> None:
        """Add what was spent."""
        with self._lock:
            for part in parts:
                self._total.add(part)

    def _estimate(self, model: str, size: int) -> int:
        times, most = self._counted.get(model, (0, 0.0))
        return math.ceil(size * (most * _MARGIN if times >= _ENOUGH else max(most, 1 / BYTES_PER_TOKEN)))

    @property
    def total(self) -> UsageTotal:
        """Everything that was spent."""
        with self._lock:
            return replace(self._total)


_command: Budget | None = None


@contextmanager
def shared_budget(budget: Budget) -> Iterator[Budget]:
    """Within this context, all models of the command share a budget, and so its limits."""
    global _command
    outer, _command = _command, budget
    try:
        yield budget
    finally:
        _command = outer


def command_budget() -> Budget | None:
    """The command's budget; None outside of `shared_budget`."""
    return _command
