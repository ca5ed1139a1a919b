"""Ctrl-C in the middle of a call, and never after it: one that came late would end the process that runs the tests."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interrupted(when: Callable[[], bool]) -> Iterator[None]:
    """Raise KeyboardInterrupt in the block as soon as ``when`` holds, as Ctrl-C does; in the main thread only.

    Args:
        when: Called from another thread, every 10 ms while the block runs.
    """
    ended = threading.Event()

    def raise_in_block(number: int, frame: FrameType | None) -> None:
        if not ended.is_set():
            raise KeyboardInterrupt

    def watch() -> None:
        while not ended.wait(0.01):
            if when():
                if not ended.is_set():
                    os.kill(os.getpid(), signal.SIGINT)
                return

    before = signal.signal(signal.SIGINT, raise_in_block)
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        signal.signal(signal.SIGINT, before)
