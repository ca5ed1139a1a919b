"""The breaker's states, by a clock of our own."""

from __future__ import annotations

import pytest

from community_lms.remote.circuit_breaker import POLL, CircuitBreaker


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(threshold=3, shortest=1.0, longest=5.0, clock=clock)


def test_opens_after_failures_in_a_row(breaker: CircuitBreaker) -> None:
    assert [breaker.failed(), breaker.failed()] == [0.0, 0.0]
    assert breaker.enter() == 0.0
    breaker.succeeded()
    assert [breaker.failed(), breaker.failed()] == [0.0, 0.0]  # the row began anew
    assert breaker.failed() == 1.0
    assert (breaker.opened, breaker.failures_in_a_row) == (1, 3)
    assert breaker.enter() == 1.0


def test_one_goes_ahead_and_closes_it(breaker: CircuitBreaker, clock: Clock) -> None:
    for _ in range(3):
        breaker.failed()
    clock.now += 1.0
    assert breaker.enter() == 0.0
    assert breaker.enter() == POLL  # the others wait for the one
    breaker.succeeded()
    assert breaker.enter() == breaker.enter() == 0.0


def test_pauses_grow_to_the_longest(breaker: CircuitBreaker, clock: Clock) -> None:
    for _ in range(3):
        breaker.failed()
    pauses = []
    for _ in range(4):
        clock.now += breaker.enter()
        assert breaker.enter() == 0.0
        pauses.append(breaker.failed())
    assert pauses == [2.0, 4.0, 5.0, 5.0]
    assert breaker.opened == 5
    clock.now += 5.0
    breaker.succeeded()
    for _ in range(2):
        breaker.failed()
    assert breaker.failed() == 1.0  # from the beginning again


def test_who_goes_ahead_and_gives_up_lets_the_next_one(breaker: CircuitBreaker, clock: Clock) -> None:
    for _ in range(3):
        breaker.failed()
    clock.now += 1.0
    assert breaker.enter() == 0.0
    breaker.abandoned()
    assert breaker.enter() == 0.0


def test_a_pause_that_is_asked_for_holds_for_all_and_opens_nothing(breaker: CircuitBreaker, clock: Clock) -> None:
    assert breaker.failed(3.0) == 0.0
    assert breaker.enter() == 3.0
    clock.now += 2.0
    breaker.failed(0.5)  # a shorter one does not shorten it
    assert breaker.enter() == 1.0
    clock.now += 1.0
    assert breaker.enter() == breaker.enter() == 0.0
    breaker.succeeded()
    breaker.failed(60.0)
    assert breaker.enter() == 5.0  # nobody is held longer than the longest pause by one answer
