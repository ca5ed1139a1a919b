"""A circuit breaker: after several failures in a row no request is sent for a while, and then a single trial."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

POLL = 0.1
"""Seconds after which a request that waits for the outcome of the trial request looks again."""


class CircuitBreaker:
    """Shared by all requests to one server; safe for threads. It never sleeps itself.

    Closed: every request may be sent. After ``threshold`` failures in a row it opens: no request is sent during a
    pause, which grows while the server keeps failing. Then it is half open: a single trial request is sent, and its
    outcome closes the breaker or opens it again. A pause that the server asks for (Retry-After) holds for all
    requests, whether the breaker is open or not.

    Attributes:
        opened: Number of times that it opened.
        failures_in_a_row: Number of failures since the last success.
    """

    def __init__(
        self,
        threshold: int = 8,
        shortest: float = 1.0,
        longest: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make a closed breaker.

        Args:
            threshold: Failures in a row that open it.
            shortest: Seconds of the first pause; every further pause is twice as long.
            longest: Seconds of the longest pause.
            clock: Returns the time in seconds; its zero may lie anywhere.
        """
        self.threshold, self.shortest, self.longest = threshold, shortest, longest
        self.opened = 0
        self.failures_in_a_row = 0
        self._clock = clock
        self._lock = threading.Lock()
        self._pause = 0.0
        self._until = 0.0
        self._trial = False

    def enter(self) -> float:
        """Ask whether a request may be sent.

        Returns:
            0 where it may be sent now; its outcome must then be reported with `succeeded`, `failed` or `abandoned`.
            Else the seconds after which to call again.
        """
        with self._lock:
            wait = self._until - self._clock()
            if wait > 0:
                return wait
            if self._pause == 0.0:
                return 0.0
            if self._trial:
                return POLL
            self._trial = True
            return 0.0

    def succeeded(self) -> None:
        """Report that the server answered, be it that the request is wrong."""
        with self._lock:
            self.failures_in_a_row, self._pause, self._trial = 0, 0.0, False

    def failed(self, asked_pause: float = 0.0) -> float:
        """Report that the server failed.

        Args:
            asked_pause: Seconds that the server asks to wait.

        Returns:
            Seconds of the pause, where the breaker opened with this failure; else 0.
        """
        with self._lock:
            self.failures_in_a_row += 1
            now = self._clock()
            self._until = max(self._until, now + min(asked_pause, self.longest))
            if self._trial or (self._pause == 0.0 and self.failures_in_a_row >= self.threshold):
                self.opened += 1
                self._pause = min(self.longest, 2 * self._pause or self.shortest)
                self._until = max(self._until, now + self._pause)
                self._trial = False
                return self._until - now
            return 0.0

    def abandoned(self) -> None:
        """Report that a request that might be sent was not, or that its outcome will not be known."""
        with self._lock:
            self._trial = False
