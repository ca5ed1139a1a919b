"""Several requests in flight, from threads: ended in good order, whatever ends them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from community_lms.remote.retry import StoppedError

Work = TypeVar("Work")

logger = logging.getLogger(__name__)


def fly(work: Sequence[Work], do: Callable[[Work], None], *, at_once: int, stopped: threading.Event) -> None:
    """Do all of the work, so much at once.

    After the first failure, or an interruption, nothing new is begun, waiting is ended, and what is in flight is
    awaited: it is paid for. A second interruption leaves that, too.

    Args:
        work: In the order in which it is begun.
        do: Does one piece; may raise.
        at_once: Pieces in flight at most.
        stopped: Is set to end waiting.

    Raises:
        BaseException: The first failure.
    """
    flight = _Flight(iter(work), do, stopped)
    stopped.clear()
    threads = [threading.Thread(target=flight.run, daemon=True) for _ in range(min(at_once, len(work)))]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:
        stopped.set()
        flying = [thread for thread in threads if thread.is_alive()]
        if flying:
            logger.warning("interrupted; up to %d answers are in flight and awaited (again to leave).", len(flying))
        for thread in flying:
            thread.join()
        raise
    # Those that were only stopped waiting come last.
    for failure in sorted(flight.failures, key=lambda error: isinstance(error, StoppedError)):
        raise failure


class _Flight(Generic[Work]):
    """What the threads share."""

    def __init__(self, left: Iterator[Work], do: Callable[[Work], None], stopped: threading.Event) -> None:
        self.left, self.do, self.stopped = left, do, stopped
        self.lock = threading.Lock()
        self.failures: list[BaseException] = []

    def run(self) -> None:
        """Do pieces until there are none, or one fails."""
        while not self.stopped.is_set():
            with self.lock:
                piece = next(self.left, None)
            if piece is None:
                return
            try:
                self.do(piece)
            except BaseException as error:
                self.failures.append(error)
                self.stopped.set()
