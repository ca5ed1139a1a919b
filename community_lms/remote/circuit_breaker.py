"""A circuit breaker: when a server fails again and again, nobody asks it for a while, and then one asks first."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

POLL = 0.1
"""Seconds between two looks of those who wait for the one who asks first."""


class Breaker:
    """What all requests to one server share; safe for threads. It never sleeps itself.

    Closed: all may ask. After ``threshold`` failures in a row it opens: nobody asks for a pause, which grows while the
    server keeps failing. Then it is half open: one request goes ahead, and what becomes of it closes the breaker or
    opens it again. A pause that the server asks for (Retry-After) holds for everybody, open or not.

    Attributes:
        opened: How often it opened.
        row: Failures since the last answer.
    """

    def __init__(
        self,
        threshold: int = 8,
        shortest: float = 1.0,
        longest: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make a closed one.

        Args:
            threshold: Failures in a row that open it.
            shortest: Seconds of the first pause; every further one is twice as long.
            longest: Seconds of the longest pause.
            clock: Seconds, from anywhere.
        """
        self.threshold, self.shortest, self.longest = threshold, shortest, longest
        self.opened = 0
        self.row = 0
        self._clock = clock
        self._lock = threading.Lock()
        self._pause = 0.0
        self._until = 0.0
        self._ahead = False

    def enter(self) -> float:
        """Ask to be let through.

        Returns:
            0 where one may ask now, and then has to say what became of it (`passed`, `failed` or `given_up`); else the
            seconds after which to come again.
        """
        with self._lock:
            wait = self._until - self._clock()
            if wait > 0:
                return wait
            if self._pause == 0.0:
                return 0.0
            if self._ahead:
                return POLL
            self._ahead = True
            return 0.0

    def passed(self) -> None:
        """The server answered, if only that the request is wrong."""
        with self._lock:
            self.row, self._pause, self._ahead = 0, 0.0, False

    def failed(self, asked_pause: float = 0.0) -> float:
        """The server failed.

        Args:
            asked_pause: Seconds that it asks to wait.

        Returns:
            Seconds of the pause, where the breaker opened with this failure; else 0.
        """
        with self._lock:
            self.row += 1
            now = self._clock()
            self._until = max(self._until, now + min(asked_pause, self.longest))
            if self._ahead or (self._pause == 0.0 and self.row >= self.threshold):
                self.opened += 1
                self._pause = min(self.longest, 2 * self._pause or self.shortest)
                self._until = max(self._until, now + self._pause)
                self._ahead = False
                return self._until - now
            return 0.0

    def given_up(self) -> None:
        """Whoever was let through did not ask after all, or will not hear."""
        with self._lock:
            self._ahead = False

    @property
    def is_open(self) -> bool:
        """Is nobody let through, or one alone?"""
        with self._lock:
            return self._pause > 0.0
