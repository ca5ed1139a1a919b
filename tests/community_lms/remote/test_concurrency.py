"""Work in several threads, and what becomes of it when something ends it."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from community_lms.remote.concurrency import run_concurrently
from community_lms.remote.retry import StoppedError


@pytest.fixture
def _interruptible():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs of a shell ignore it
    yield
    signal.signal(signal.SIGINT, before)


def test_all_work_is_done() -> None:
    done: list[int] = []
    run_concurrently(range(20), done.append, at_once=4, stopped=threading.Event())
    assert sorted(done) == list(range(20))


def test_nothing_is_begun_after_a_failure_and_the_failure_counts_more_than_who_was_stopped() -> None:
    stopped, begun, barrier = threading.Event(), [], threading.Barrier(2)

    def do(piece: int) -> None:
        begun.append(piece)
        barrier.wait(5)
        if piece == 1:
            time.sleep(0.05)
            raise KeyError("broken")
        stopped.wait(5)
        raise StoppedError

    with pytest.raises(KeyError):
        run_concurrently(range(9), do, at_once=2, stopped=stopped)
    assert sorted(begun) == [0, 1]


@pytest.mark.own_process
@pytest.mark.usefixtures("_interruptible")
@pytest.mark.parametrize("slow", [0, 1, 2])
def test_an_interruption_awaits_every_piece_that_was_begun(slow) -> None:
    """Also the one whose end was being waited for when the interruption came (the first)."""
    begun, stopped, done = threading.Barrier(3), threading.Event(), []

    def do(piece: int) -> None:
        if begun.wait(5) == 0:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        stopped.wait(10)
        time.sleep(0.5 if piece == slow else 0.0)
        done.append(piece)

    with pytest.raises(KeyboardInterrupt):
        run_concurrently(range(30), do, at_once=3, stopped=stopped)
    assert sorted(done) == [0, 1, 2]
