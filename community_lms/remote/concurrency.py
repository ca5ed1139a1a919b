"""Run several requests at once in threads, and end them in good order, whatever ends them.

Not a `ThreadPoolExecutor`: its threads are joined when the program ends, so that a second interruption, which is to
leave at once, would wait for every server that does not answer.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from community_lms.remote.retry import StoppedError

Work = TypeVar("Work")

logger = logging.getLogger(__name__)


def run_concurrently(
    work: Sequence[Work], do: Callable[[Work], None], *, at_once: int, stopped: threading.Event
) -> None:
    """Do all pieces of work, several at once.

    After the first failure, or an interruption, no further piece is begun, waiting for repetitions is ended, and
    requests that were sent are awaited: they are paid for. A second interruption does not await them.

    Args:
        work: Pieces of work, in the order in which they are begun.
        do: Does one piece; may raise.
        at_once: Greatest number of pieces that are done at once.
        stopped: Event that is set to end waiting.

    Raises:
        BaseException: The first failure.
    """
    workers = _Workers(iter(work), do, stopped)
    stopped.clear()
    ended = [threading.Event() for _ in range(min(at_once, len(work)))]
    threads = [threading.Thread(target=workers.run, args=(event,), daemon=True) for event in ended]
    try:
        for thread in threads:
            thread.start()
        # Not `Thread.join`: before Python 3.13 one that is interrupted takes its thread for ended. And not without
        # a time-out: an interruption that comes just before the wait is noticed only after it.
        for event in ended:
            while not event.wait(1.0):
                pass
    except KeyboardInterrupt:
        stopped.set()
        started = zip(threads, ended, strict=True)
        running = [event for thread, event in started if thread.ident is not None and not event.is_set()]
        if running:
            logger.warning("interrupted; up to %d answers are in flight and awaited (again to leave).", len(running))
        for event in running:
            event.wait()
        raise
    # Failures of pieces that were only stopped from waiting come last.
    for failure in sorted(workers.failures, key=lambda error: isinstance(error, StoppedError)):
        raise failure


class _Workers(Generic[Work]):
    """State shared by the threads."""

    def __init__(self, left: Iterator[Work], do: Callable[[Work], None], stopped: threading.Event) -> None:
        self.left, self.do, self.stopped = left, do, stopped
        self.lock = threading.Lock()
        self.failures: list[BaseException] = []

    def run(self, ended: threading.Event) -> None:
        """Do pieces until none is left or one has failed, then set the event."""
        try:
            while not self.stopped.is_set():
                with self.lock:
                    piece = next(self.left, None)
                if piece is None:
                    return
                self.do(piece)
        except BaseException as error:
            self.failures.append(error)
            self.stopped.set()
        finally:
            ended.set()
