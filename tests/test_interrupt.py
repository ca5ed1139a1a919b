import signal
import threading
import time

import pytest

from tests.interrupt import interrupted


@pytest.mark.own_process
def test_a_call_that_waits_is_interrupted() -> None:
    before = signal.getsignal(signal.SIGINT)
    asked: list[int] = []

    def when() -> bool:
        asked.append(1)
        return len(asked) == 3

    with pytest.raises(KeyboardInterrupt), interrupted(when):
        threading.Event().wait(60)
    assert len(asked) == 3
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.own_process
def test_a_call_that_ends_first_is_not_and_neither_is_what_follows() -> None:
    slow = threading.Event()

    with interrupted(lambda: slow.wait(0.2)):
        time.sleep(0.05)
        slow.set()
    time.sleep(0.05)
