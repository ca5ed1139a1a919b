"""An event loop in a thread of its own: it also works where the caller runs an event loop, as notebooks do.

Not anyio's blocking portal: a call through it that is interrupted goes on in its loop unless it is cancelled by hand,
as here.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

Value = TypeVar("Value")


class BackgroundLoop:
    """Runs coroutines in one thread, which starts with the first; an interrupted wait cancels its coroutine."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(self, coroutine: Coroutine[Any, Any, Value]) -> Value:
        """Return the coroutine's value, or raise what it raises."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._started())
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def _started(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="modplural-server", daemon=True)
            self._thread.start()
        return self._loop

    def close(self) -> None:
        """Stop the thread; the next coroutine starts another one."""
        if self._loop is None or self._thread is None:
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop, self._thread = None, None
