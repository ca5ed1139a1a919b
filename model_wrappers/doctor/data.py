"""Checks of the tasks: each is known, its documents can be read, and what will be asked is counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from model_wrappers.doctor.base import Check, Finding, fault, note, ok
from model_wrappers.doctor.visit import Visit
from model_wrappers.runs.counting import count_messages
from plural_tasks.utils.errors import ModPluralError, one_line

AREA = "data"
ADVICE = "See modplural data list for where data come from, and give a copy with --metadata plural_data=PATH."


def tasks(visit: Visit) -> Iterator[Finding]:
    """Report for every task whether it can be read."""
    for name, found in visit.tasks.items():
        if isinstance(found, ModPluralError):
            yield fault(name, str(found), ADVICE)
        elif isinstance(found, Exception):
            yield fault(name, f"{type(found).__name__}: {one_line(found)[:300]}", ADVICE)
        else:
            yield ok(name, f"{_count(found)} documents, answered by {_answered(found)}")


def plan(visit: Visit) -> Iterator[Finding]:
    """Report what each method will ask the base LLM."""
    for method, calls in visit.calls.items():
        scored = len({str(given[0]) for kind, given in calls if kind == "loglikelihood"})
        written = sum(kind == "generate_until" for kind, _ in calls)
        yield ok(f"plan of {method}", f"{scored:,} prompts scored, {written:,} texts generated")


def messages(visit: Visit) -> Iterator[Finding]:
    """Report how many messages the run wants, and how many of them are stored."""
    if not visit.asks_communities:
        yield note("messages", f"{', '.join(visit.chosen)} asks no community")
        return
    counted = count_messages(visit.plan, visit.store)
    wanted, stored = (sum(getattr(one, name) for one in counted.values()) for name in ("planned", "stored"))
    yield ok("messages", f"{wanted:,} messages of {len(counted)} communities wanted, {stored:,} of them stored")


def _count(task: Any) -> int:
    docs = task.test_docs() if task.has_test_docs() else task.validation_docs()
    return len(docs)


def _answered(task: Any) -> str:
    return "generation" if task.OUTPUT_TYPE == "generate_until" else "log-probabilities"


TASKS = "Name tasks with --tasks; lm_eval ls tasks lists them."
PLAN = "See what is said of tasks, pool and arguments; modplural estimate shows the whole error."
CHECKS = (
    Check(AREA, "tasks", TASKS, tasks),
    Check(AREA, "plan", PLAN, plan),
    Check(AREA, "messages", PLAN, messages),
)
