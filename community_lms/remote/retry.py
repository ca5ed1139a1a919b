"""Ask a server until it answers: back-off, Retry-After, a breaker that all requests share, and an end to patience."""

from __future__ import annotations

import asyncio
import logging
import random
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from community_lms.remote.circuit_breaker import Breaker
from community_lms.remote.failures import read_trouble

Answer = TypeVar("Answer")

PATIENCE = 600.0
"""Seconds for which a request is repeated, where nobody says."""

SHORTEST = 0.5
"""Seconds of the first back-off, at most; each further one is drawn from twice as long."""

LONGEST = 20.0
"""Seconds of the longest back-off."""

FIRST_CONTACT = 20.0
"""Seconds of patience with an address at which nobody has answered yet: it may be the wrong one."""

logger = logging.getLogger(__name__)


class StoppedError(Exception):
    """Waiting was ended from outside: by an interruption, or because another request failed for good."""


@dataclass
class Endurance:
    """How requests to one server are repeated; shared by all of them.

    Attributes:
        patience: Seconds for which one request is repeated.
        attempts: Times that one request is sent, at most; None leaves it to ``patience``.
        breaker: Of the server.
        retries: How often a request was sent again, by what went wrong.
        stopped: Set to end all waiting.
        met: Has the server answered anything yet, be it an error?
    """

    patience: float = PATIENCE
    attempts: int | None = None
    breaker: Breaker = field(default_factory=Breaker)
    retries: Counter[str] = field(default_factory=Counter)
    stopped: threading.Event = field(default_factory=threading.Event)
    met: bool = False

    def ask(self, send: Callable[[], Answer]) -> Answer:
        """Send until there is an answer; waits in this thread.

        Raises:
            StoppedError: If waiting was ended.
            Exception: The last of the client's errors, where it will not pass or patience has ended.
        """
        from tenacity import Retrying

        def attempt() -> Answer:
            while (wait := self.breaker.enter()) > 0:
                self._sleep(wait)
            return self._heard(send)

        return Retrying(**self._rules(), sleep=self._sleep)(attempt)

    async def ask_async(self, send: Callable[[], Awaitable[Answer]]) -> Answer:
        """As `ask`, for a coroutine."""
        from tenacity import AsyncRetrying

        async def sleep(seconds: float) -> None:
            await asyncio.sleep(seconds)
            if self.stopped.is_set():
                raise StoppedError

        async def attempt() -> Answer:
            while (wait := self.breaker.enter()) > 0:
                await sleep(wait)
            try:
                answer = await send()
            except BaseException as error:
                self._tell(error)
                raise
            self._passed()
            return answer

        return await AsyncRetrying(**self._rules(), sleep=sleep)(attempt)

    def pause(self, seconds: float = 0.05) -> None:
        """Wait a little.

        Raises:
            StoppedError: If waiting was ended.
        """
        self._sleep(seconds)

    def _heard(self, send: Callable[[], Answer]) -> Answer:
        try:
            answer = send()
        except BaseException as error:
            self._tell(error)
            raise
        self._passed()
        return answer

    def _passed(self) -> None:
        self.met = True
        self.breaker.passed()

    def _tell(self, error: BaseException) -> None:
        """Let the breaker know."""
        trouble = read_trouble(error)
        self.met = self.met or trouble.status is not None
        if not isinstance(error, Exception):
            self.breaker.given_up()
        elif not trouble.may_pass:
            self.breaker.passed()
        elif pause := self.breaker.failed(trouble.wait):
            said = f"{trouble.kind}: {trouble.said[:100]}"
            logger.warning("%d failures in a row (%s); requests pause for %.0f s.", self.breaker.row, said, pause)

    def _sleep(self, seconds: float) -> None:
        if self.stopped.wait(seconds):
            raise StoppedError

    def _rules(self) -> dict[str, Any]:
        from tenacity import retry_if_exception

        return {
            "stop": self._ends,
            "wait": _wait,
            "retry": retry_if_exception(lambda error: read_trouble(error).may_pass),
            "before_sleep": self._count,
            "reraise": True,
        }

    def _ends(self, state: Any) -> bool:
        """Is this the last attempt? The next one would come too late, or is one too many."""
        patience = self.patience if self.met else min(self.patience, FIRST_CONTACT)
        if self.attempts is not None and state.attempt_number >= self.attempts:
            return True
        return bool((state.seconds_since_start or 0.0) + state.upcoming_sleep >= patience)

    def _count(self, state: Any) -> None:
        self.retries[read_trouble(state.outcome.exception()).kind] += 1


def _wait(state: Any) -> float:
    """What the server asks for, else a random part of a time that doubles (full jitter: nobody comes in step)."""
    asked = read_trouble(state.outcome.exception()).wait
    most = min(LONGEST, SHORTEST * 2 ** (state.attempt_number - 1))
    return asked + random.uniform(0, most)
