"""The payment for a request: what is reserved is settled exactly once, and what was answered is booked and kept."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from community_lms.remote.account import Account, Payment
from community_lms.remote.answer_store import AnswerStore
from community_lms.remote.budget import Budget, BudgetReachedError, Limits, Reservation
from community_lms.remote.failures import UnusableAnswerError
from community_lms.remote.ledger import Ledger
from community_lms.remote.prices import Price, Prices
from community_lms.remote.requests import RemotePrompt
from community_lms.remote.usage import Purpose, Usage
from plural_tasks.utils.errors import ModPluralError

# A dollar for a thousand tokens read, ten for a thousand written.
PRICES = Prices([Price(model="dear", read=1_000.0, written=10_000.0)])


class CountingBudget(Budget):
    """Counts how often each reservation is settled."""

    def settle(self, reservation: Reservation, usage: Usage | None = None) -> None:
        self.__dict__.setdefault("settled", []).append(reservation)
        super().settle(reservation, usage)


@pytest.fixture
def account() -> Account:
    return Account(AnswerStore(None), Ledger(CountingBudget(Limits(tokens=1_000), PRICES)))


@pytest.fixture
def reservation(account: Account) -> Iterator[Reservation]:
    """Sets 100 tokens to read and 50 to write aside; at the end they are given back, once."""
    budget: Any = account.ledger.budget
    made = budget.reserve("dear", 300, 50)
    assert made is not None
    yield made
    assert budget.settled == [made]
    assert (budget._open, budget._reserved_tokens, budget._reserved_cost) == (0, 0, 0.0)


def prompt(key: str = "k", kind: str = "text") -> RemotePrompt:
    return RemotePrompt(kind, "why?", {}, Purpose("answers", "", "t", "0"), key=key, body={"model": "dear"})


def spent(account: Account) -> tuple[int, int, int]:
    total = account.ledger.budget.total
    return total.answers, total.read, total.written


def lose(payment: Payment, usage: Usage) -> None:
    """Receive a response without an answer."""
    with payment.attempt() as attempt:
        attempt.usage = usage
        raise UnusableAnswerError("no choices")


def test_an_answer_is_booked_and_kept(account: Account, reservation: Reservation) -> None:
    with account.paying(reservation, [prompt("a"), prompt("b")], "http://h") as payment, payment.attempt() as attempt:
        attempt.usage = Usage(10, 3)
        payment.answered(["yes", "no"], attempt.usage)
    rows = account.store.get(["a", "b"])
    assert {key: (row.value, row.read, row.written, row.counted) for key, row in rows.items()} == {
        "a": ("yes", 5, 2, True),
        "b": ("no", 5, 1, True),
    }
    assert spent(account) == (2, 10, 3)
    assert account.ledger.budget.total.cost == pytest.approx(10 * 0.001 + 3 * 0.01)
    assert account.ledger.lost.answers == 0


def test_an_answer_without_usage_is_estimated(account: Account, reservation: Reservation) -> None:
    with account.paying(reservation, [prompt()], "http://h") as payment, payment.attempt():
        payment.answered(["because"], None)
    # The 100 tokens that were reserved; seven bytes of three each, rounded down, and one.
    assert spent(account) == (1, 100, 3)
    assert not account.store.get(["k"])["k"].counted


@pytest.mark.parametrize("error", [ConnectionError("lost"), UnusableAnswerError("no", 500), ModPluralError("final")])
def test_a_failure_costs_nothing(account: Account, reservation: Reservation, error: Exception) -> None:
    with (
        pytest.raises(type(error)),
        account.paying(reservation, [prompt()], "http://h") as payment,
        payment.attempt(),
    ):
        raise error
    assert spent(account) == (0, 0, 0)
    assert len(account.store) == 0


def test_an_answer_that_cannot_be_used_is_paid_for_and_the_next_attempt_is_kept(
    account: Account, reservation: Reservation
) -> None:
    with account.paying(reservation, [prompt()], "http://h") as payment:
        with pytest.raises(UnusableAnswerError):
            lose(payment, Usage(7, 2))
        with pytest.raises(UnusableAnswerError), payment.attempt():
            raise UnusableAnswerError("half of the JSON")  # before its usage was read: the prompt is estimated
        with payment.attempt() as attempt:
            attempt.usage = Usage(7, 4)
            payment.answered(["yes"], attempt.usage)
    assert (account.ledger.lost.answers, account.ledger.lost.read, account.ledger.lost.written) == (2, 107, 2)
    assert spent(account) == (3, 114, 6)
    assert account.store.get(["k"])["k"].value == "yes"


def test_what_was_lost_may_leave_too_little_for_another_attempt(account: Account, reservation: Reservation) -> None:
    with account.paying(reservation, [prompt()], "http://h") as payment:
        with pytest.raises(UnusableAnswerError):
            lose(payment, Usage(800, 51))  # 149 of 1,000 tokens are left, and 150 may be needed
        with pytest.raises(BudgetReachedError), payment.attempt():
            pytest.fail("nothing may be sent")


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, asyncio.CancelledError])
def test_an_interruption_before_the_answer(account: Account, reservation: Reservation, interruption: Any) -> None:
    with (
        pytest.raises(interruption),
        account.paying(reservation, [prompt()], "http://h") as payment,
        payment.attempt(),
    ):
        raise interruption
    assert spent(account) == (0, 0, 0)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, asyncio.CancelledError, UnusableAnswerError])
def test_whatever_comes_after_the_answer(account: Account, reservation: Reservation, interruption: Any) -> None:
    def ask() -> None:
        with account.paying(reservation, [prompt()], "http://h") as payment, payment.attempt() as attempt:
            attempt.usage = Usage(10, 3)
            payment.answered(["yes"], attempt.usage)
            raise interruption("too late")

    with pytest.raises(interruption):
        ask()
    assert spent(account) == (1, 10, 3)
    assert account.store.get(["k"])["k"].value == "yes"


def test_an_answer_that_cannot_be_written_is_booked(
    account: Account, reservation: Reservation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(rows: Any) -> None:
        raise ModPluralError("the disk is full")

    monkeypatch.setattr(account.store, "put", full)
    with (
        pytest.raises(ModPluralError, match="full"),
        account.paying(reservation, [prompt()], "http://h") as payment,
        payment.attempt(),
    ):
        payment.answered(["yes"], Usage(10, 3))
    assert spent(account) == (1, 10, 3)


def test_log_probabilities_that_a_server_does_not_show_are_not_kept(account: Account, reservation: Reservation) -> None:
    with account.paying(reservation, [prompt(kind="first_tokens")], "http://h") as payment, payment.attempt():
        payment.answered([None], Usage(10, 1))
    assert spent(account) == (1, 10, 1)
    assert len(account.store) == 0
