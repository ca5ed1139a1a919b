"""Where the seconds of a run go: functions of modplural and the harness, timed from outside."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from lm_eval.tasks import TaskManager

import plural_tasks.task
from community_lms.engines.base import MessageEngine
from community_lms.generation.ask import Asker
from model_wrappers import lm as lm_module
from model_wrappers.base.writer import Writer
from model_wrappers.collaboration.modes import steerable

REST = "rest"
LOADING = "loading"
PHASES: tuple[tuple[Any, str, str], ...] = (
    (TaskManager, "load", LOADING),
    (plural_tasks.task, "load_judge", LOADING),
    (Asker, "ask_together", "messages"),
    (Asker, "ask", "messages"),
    (steerable, "pick", "selection"),
    (lm_module, "score", "scoring"),
    (lm_module, "generate", "generation"),
    (plural_tasks.task, "judge_answers", "judge"),
)
"""Owner, name and phase of functions; what is outside of all is `REST`."""


class Clock:
    """Counts every second once: for the innermost phase, and apart for a model's work within it.

    Attributes:
        seconds: (phase, is it a model's work?) -> seconds.
    """

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        """Start."""
        self.seconds: defaultdict[tuple[str, bool], float] = defaultdict(float)
        self._now, self._since = now, now()
        self._within = [(REST, False)]

    def stop(self) -> None:
        """Count up to now."""
        now = self._now()
        self.seconds[self._within[-1]] += now - self._since
        self._since = now

    @contextmanager
    def within(self, phase: str | None) -> Iterator[None]:
        """Time a phase; None is a model's work in the phase around it."""
        self.stop()
        self._within.append((self._within[-1][0], True) if phase is None else (phase, False))
        try:
            yield
        finally:
            self.stop()
            self._within.pop()

    def timed(self, function: Callable[..., Any], phase: str | None) -> Callable[..., Any]:
        """The function, whose time counts for a phase; see `within`."""

        def run(*arguments: Any, **named: Any) -> Any:
            with self.within(phase):
                return function(*arguments, **named)

        return run

    def of(self, phase: str, *, model: bool | None = None) -> float:
        """Seconds of a phase: all of it, a model's work in it, or the rest of it."""
        return sum(
            seconds for (name, is_model), seconds in self.seconds.items() if name == phase and model in (None, is_model)
        )


@contextmanager
def watched(engine: MessageEngine, model: Any) -> Iterator[Clock]:
    """Within, the clock counts; a model's work is what the engine and the base LLM's model do.

    Args:
        engine: Speaks for the communities: ``speak``.
        model: Of the base LLM: its forward passes, and ``Writer``'s generation where OpenVINO writes for it.
    """
    clock = Clock()
    with ExitStack() as stack:
        for owner, name, phase in PHASES:
            stack.enter_context(patch.object(owner, name, clock.timed(getattr(owner, name), phase)))
        for owner, name in ((engine, "speak"), (model, "forward")):
            stack.enter_context(patch.object(owner, name, clock.timed(getattr(owner, name), None)))
        generate = Writer._generate
        stack.enter_context(
            patch.object(Writer, "_generate", lambda *args, **kwargs: clock.timed(generate, None)(*args, **kwargs))
        )
        yield clock
        clock.stop()
