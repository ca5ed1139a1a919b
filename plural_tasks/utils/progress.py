"""Progress bars of one kind: which run, which phase, done of how many, how fast, how long still."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_run: ContextVar[str] = ContextVar("run", default="")


@contextmanager
def run_named(name: str) -> Iterator[None]:
    """Make a context in which every progress bar begins with the run's name."""
    token = _run.set(f"{name} · " if name else "")
    try:
        yield
    finally:
        _run.reset(token)


def bar(phase: str, total: int, unit: str, *, shown: bool = True, done: int = 0) -> Any:
    """Make a bar, to be used as a context: ``update(n)`` when n are done.

    Args:
        phase: What is done.
        total: Number of units in all.
        unit: Name of what is counted.
        shown: False for one that is not seen.
        done: Number of units done before.
    """
    from tqdm import tqdm

    return tqdm(total=total, initial=done, desc=f"{_run.get()}{phase}", unit=unit, disable=not shown)


def tell_speed(shown: Any, tokens: int, who: str = "") -> None:
    """Let a bar tell tokens a second since it was made, after ``who`` they are of."""
    elapsed = shown.format_dict["elapsed"]
    speed = f"{tokens / elapsed:.0f} tokens/s" if elapsed else ""
    shown.set_postfix_str(", ".join(part for part in (who, speed) if part))
