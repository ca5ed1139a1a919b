"""Asking until there is an answer."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from community_lms.remote import retry as module
from community_lms.remote.circuit_breaker import CircuitBreaker
from community_lms.remote.failures import UnusableAnswerError
from community_lms.remote.retry import RetryPolicy, StoppedError


class Server:
    """Fails as often as it is told, then answers."""

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        if self.faults:
            raise self.faults.pop(0)
        return "yes"

    async def later(self) -> str:
        return self()


def status(code: int) -> Exception:
    return UnusableAnswerError("no", code)


@pytest.fixture(autouse=True)
def _short(monkeypatch) -> None:
    monkeypatch.setattr(module, "SHORTEST", 0.001)


@pytest.fixture(params=["threads", "loop"])
def ask(request):
    if request.param == "threads":
        return lambda how, server: how.call(server)
    return lambda how, server: asyncio.run(how.call_async(server.later))


def test_what_passes_is_asked_again_and_counted(ask) -> None:
    server, how = Server(status(429), status(500), TimeoutError(), UnusableAnswerError("empty")), RetryPolicy()
    assert ask(how, server) == "yes"
    assert server.asked == 5
    assert dict(how.retries) == {"429": 1, "500": 1, "time-out": 1, "answer": 1}
    assert how.answered


@pytest.mark.parametrize("fault", [status(400), status(401), status(404), KeyError("x")])
def test_what_does_not_pass_is_raised_at_once(ask, fault) -> None:
    server, how = Server(fault), RetryPolicy()
    with pytest.raises(type(fault)):
        ask(how, server)
    assert server.asked == 1
    assert not how.retries
    assert how.breaker.failures_in_a_row == 0  # the server is there


def test_attempts_end_it(ask) -> None:
    server, how = Server(*[status(500)] * 9), RetryPolicy(attempts=3)
    with pytest.raises(UnusableAnswerError):
        ask(how, server)
    assert server.asked == 3
    assert dict(how.retries) == {"500": 2}


def test_patience_ends_it(ask) -> None:
    server, how = Server(*[status(500)] * 10_000), RetryPolicy(patience=0.1, breaker=CircuitBreaker(threshold=10_000))
    started = time.monotonic()
    with pytest.raises(UnusableAnswerError):
        ask(how, server)
    assert time.monotonic() - started < 20  # 10,000 attempts take hours
    assert server.asked > 1


def test_an_address_at_which_nobody_ever_answered_gets_less_patience(ask, monkeypatch) -> None:
    monkeypatch.setattr(module, "FIRST_CONTACT", 0.0)
    server, how = Server(ConnectionError("refused")), RetryPolicy(patience=600)
    with pytest.raises(ConnectionError):
        ask(how, server)
    assert not how.answered
    assert ask(how, Server(status(503))) == "yes"  # an error is an answer: somebody is there
    assert ask(how, Server(ConnectionError("refused"))) == "yes"


def test_the_server_says_how_long(ask) -> None:
    class Wait(Exception):
        status_code = 429
        response = type("Response", (), {"headers": {"Retry-After": "0.2"}, "status_code": 429})()

    started = time.monotonic()
    assert ask(RetryPolicy(), Server(Wait())) == "yes"
    assert time.monotonic() - started >= 0.2


def test_a_server_that_is_down_is_asked_seldom(ask, caplog) -> None:
    server = Server(*[status(500)] * 6)
    how = RetryPolicy(breaker=CircuitBreaker(threshold=2, shortest=0.02, longest=0.04))
    assert ask(how, server) == "yes"
    assert how.breaker.opened == 5  # after the second failure, and after each of the four that went ahead
    assert how.breaker.enter() == 0.0
    assert how.breaker.enter() == 0.0  # closed: not one trial alone
    assert "2 failures in a row (500: UnusableAnswerError: no); requests pause" in caplog.text


def test_waiting_can_be_ended() -> None:
    server, how = Server(*[status(500)] * 10_000), RetryPolicy()
    ended: list[BaseException] = []

    def run() -> None:
        try:
            how.call(server)
        except StoppedError as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    how.stopped.set()
    thread.join(5)
    assert not thread.is_alive()
    assert len(ended) == 1


def test_who_is_interrupted_lets_the_next_one_ahead() -> None:
    how = RetryPolicy(breaker=CircuitBreaker(threshold=1, shortest=0.01))
    how.breaker.failed()
    time.sleep(0.02)

    def interrupted() -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        how.call(interrupted)
    assert how.call(lambda: "yes") == "yes"
