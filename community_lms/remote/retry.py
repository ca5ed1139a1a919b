"""Repeat failed requests: back-off, Retry-After, a circuit breaker for each server, and a deadline."""

from __future__ import annotations

import asyncio
import logging
import random
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from community_lms.pools.served import PATIENCE
from community_lms.remote.circuit_breaker import CircuitBreaker
from community_lms.remote.failures import classify_error

Answer = TypeVar("Answer")

SHORTEST = 0.5
"""Upper bound of the first back-off in seconds; the bound doubles with each further one."""

LONGEST = 20.0
"""Upper bound of any back-off in seconds."""

FIRST_CONTACT = 20.0
"""Seconds of patience with an address that has never answered yet: it may be the wrong one."""

logger = logging.getLogger(__name__)


class StoppedError(Exception):
    """Waiting was ended from outside: by an interruption, or because another request failed for good."""


@dataclass
class RetryPolicy:
    """How requests to one server are repeated; one object is shared by all of them.

    Attributes:
        patience: Seconds during which one request is repeated.
        attempts: Greatest number of times that one request is sent; None leaves it to ``patience``.
        breaker: The server's circuit breaker.
        retries: Number of repetitions by kind of failure.
        stopped: Event that ends all waiting when it is set.
        answered: Whether the server has answered anything yet, be it an error.
    """

    patience: float = PATIENCE
    attempts: int | None = None
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)
    retries: Counter[str] = field(default_factory=Counter)
    stopped: threading.Event = field(default_factory=threading.Event)
    answered: bool = False

    def call(self, send: Callable[[], Answer]) -> Answer:
        """Call ``send`` until it returns; waits in this thread.

        Raises:
            StoppedError: If waiting was ended from outside.
            Exception: The client's last error, if it is final or patience has ended.
        """
        from tenacity import Retrying

        def attempt() -> Answer:
            while (wait := self.breaker.enter()) > 0:
                self.pause(wait)
            try:
                answer = send()
            except BaseException as error:
                self._report_failure(error)
                raise
            self._report_success()
            return answer

        return Retrying(**self._rules(), sleep=self.pause)(attempt)

    async def call_async(self, send: Callable[[], Awaitable[Answer]]) -> Answer:
        """As `call`, for a coroutine function."""
        from tenacity import AsyncRetrying

        async def attempt() -> Answer:
            while (wait := self.breaker.enter()) > 0:
                await self.pause_async(wait)
            try:
                answer = await send()
            except BaseException as error:
                self._report_failure(error)
                raise
            self._report_success()
            return answer

        return await AsyncRetrying(**self._rules(), sleep=self.pause_async)(attempt)

    def pause(self, seconds: float = 0.05) -> None:
        """Wait in this thread.

        Raises:
            StoppedError: If waiting was ended from outside.
        """
        if self.stopped.wait(seconds):
            raise StoppedError

    async def pause_async(self, seconds: float = 0.05) -> None:
        """As `pause`, for coroutines; whether waiting was ended is noticed at the end of the pause."""
        await asyncio.sleep(seconds)
        if self.stopped.is_set():
            raise StoppedError

    def _report_success(self) -> None:
        self.answered = True
        self.breaker.succeeded()

    def _report_failure(self, error: BaseException) -> None:
        failure = classify_error(error)
        self.answered = self.answered or failure.status is not None
        if not isinstance(error, Exception):
            self.breaker.abandoned()
        elif not failure.transient:
            self.breaker.succeeded()  # the server is there
        elif pause := self.breaker.failed(failure.retry_after):
            reason, times = f"{failure.kind}: {failure.message[:100]}", self.breaker.failures_in_a_row
            logger.warning("%d failures in a row (%s); requests pause for %.0f s.", times, reason, pause)

    def _rules(self) -> dict[str, Any]:
        """Arguments of tenacity's `Retrying`."""
        from tenacity import retry_if_exception

        return {
            "stop": self._is_last,
            "wait": _back_off,
            "retry": retry_if_exception(lambda error: classify_error(error).transient),
            "before_sleep": self._count,
            "reraise": True,
        }

    def _is_last(self, state: Any) -> bool:
        """Whether no further attempt follows: it would be one too many, or begin after the end of patience."""
        patience = self.patience if self.answered else min(self.patience, FIRST_CONTACT)
        if self.attempts is not None and state.attempt_number >= self.attempts:
            return True
        return bool((state.seconds_since_start or 0.0) + state.upcoming_sleep >= patience)

    def _count(self, state: Any) -> None:
        self.retries[classify_error(state.outcome.exception()).kind] += 1


def _back_off(state: Any) -> float:
    """Seconds that the server asks for, plus a random part of a bound that doubles ("full jitter")."""
    asked = classify_error(state.outcome.exception()).retry_after
    most = min(LONGEST, SHORTEST * 2 ** (state.attempt_number - 1))
    return asked + random.uniform(0, most)
