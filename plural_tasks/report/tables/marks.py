"""Marks beside figures: what a difference shows, what a figure cannot show, and what each mark means."""

from __future__ import annotations

import math

from plural_tasks.report.comparing.compare import Comparison, TaskComparison, no_better_than_constant
from plural_tasks.report.comparing.figures import RunFigure
from plural_tasks.report.tables.cells import MARKS

HALF = 0.5
"""With a larger share of answers that could not be used, a figure tells of the fallback and not of the run."""

UNUSED = " ‼"


def difference_mark(task: TaskComparison, found: RunFigure) -> str:
    """Better or worse than the baseline, where the interval is known; `UNUSED` where either run hardly answered."""
    against = found.baseline
    if not found.constant and any(_unused(task, label) for label in (found.row, against.other if against else "")):
        return UNUSED
    # An interval without a width comes of documents that all differ alike, and is shown as unknown (`cells.interval`).
    return MARKS.get(against.verdict, "") if against is not None and against.low < against.high else ""


def _unused(task: TaskComparison, label: str) -> bool:
    return task.fallbacks.get(label, math.nan) > HALF


def marks(task: TaskComparison, found: RunFigure) -> str:
    """All marks of a main figure."""
    return difference_mark(task, found) + (" †" if no_better_than_constant(found) else "") + reported_mark(found)


def reported_mark(found: RunFigure) -> str:
    """The mark of a figure that is the harness's own; "" for one that was made anew."""
    return " §" if found.source == "reported" else ""


def legend(comparison: Comparison, shown: str) -> tuple[str, ...]:
    """What marks mean; ``shown`` is the text of all cells, and marks that are not in it are passed over."""
    notes = [
        "Mean and 95 % confidence interval, clustered by question, cut to what the figure can be. "
        "↑: higher is better, ↓: lower is better."
    ]
    if any(sum((run.facts.fallbacks or {}).values()) for run in comparison.runs):
        notes.append("Own steps: those of the method in which a fallback stood in, over the whole run.")
    baseline = comparison.baseline if len(comparison.runs) > 1 else ""
    notes += [note for mark, note in _meanings(baseline).items() if mark in shown]
    if len(comparison.runs) > 1:
        notes.append(_of_differences(comparison.baseline, shown))
    return tuple(notes)


def _meanings(baseline: str) -> dict[str, str]:
    whose = f" (this run's, or those of {baseline}), and no difference is marked" if baseline else ""
    return {
        "‼": f"‼ **more than half of the answers could not be used**{whose}: the figure tells of what stood in for "
        "them.",
        "**": "**Bold**: the highest or lowest figure of a run, shown to be better or not.",
        "†": "† not shown to be better than the best answer that costs nothing: a constant one, or the question given "
        "back.",
        "‡": "‡ a part of the task's documents (--limit or --samples): no figure of the whole task.",
        "§": "§ the harness's own figure; it cannot be made anew from the samples and has no interval.",
    }


def _of_differences(baseline: str, shown: str) -> str:
    used = [f"{mark.strip()} {name}" for name, mark in MARKS.items() if mark in shown]
    rule = "(the 95 % interval of the paired difference leaves out 0)"
    if not used:
        return f"No run is shown to be better or worse than {baseline} on the same documents {rule}."
    return (
        f"{', '.join(used)} than {baseline} on the same documents {rule}; no mark: no difference was shown, or its "
        "interval is not known. With many comparisons some marks are chance."
    )
