"""The table of a comparison that says how far ways to elicit a distribution agree."""

from __future__ import annotations

import math

from plural_tasks.report.comparing.agreement import RouteAgreement
from plural_tasks.report.comparing.compare import TaskComparison
from plural_tasks.report.tables.cells import NOTHING, Block, interval, number, percent

_HEADER = (
    *("runs", "routes", "JS distance", "95 % interval", "Monte-Carlo error", "by sampling alone"),
    *("same top option", "n (questions)"),
)


def agreement_blocks(task: TaskComparison) -> list[Block]:
    """The table of a task; none where no two runs differ in their route."""
    if not task.agreements and not task.agreement_notes:
        return []
    title = f"{task.name.removeprefix('plural_')}: how far the elicitation routes agree"
    rows = tuple(_row(found) for found in task.agreements)
    notes = (*_legend(task.agreements), *task.agreement_notes)
    return [Block(title, 3, _HEADER if rows else (), rows, texts=(0, 1), notes=notes)]


def _row(found: RouteAgreement) -> tuple[str, ...]:
    return (
        f"{found.run} ↔ {found.other}",
        " ↔ ".join(found.routes),
        number(found.value) + (" ¶" if found.verdict == "sampling" else ""),
        interval(found.low, found.high),
        number(found.error),
        NOTHING if math.isnan(found.reference) else f"{number(found.reference)} (≤ {number(found.reference_high)})",
        percent(found.same_top),
        f"{found.n} ({found.clusters})",
    )


def _legend(rows: tuple[RouteAgreement, ...]) -> tuple[str, ...]:
    if not rows:
        return ()
    notes = [
        "JS distance (base 2, 0..1) between the two runs' distributions of a document over the options that state an "
        "opinion, averaged; 0: the same."
    ]
    counts = [f"{found.sampled} {found.answers:.3g}" for found in rows if not math.isnan(found.answers)]
    if counts:
        notes.append(
            "By sampling alone: what the distance would be on average if the answers had been drawn from the other "
            "run's distributions, and at most in 95 % of cases (simulated). Answers counted for a prompt, on average: "
            f"{', '.join(dict.fromkeys(counts))}. Monte-Carlo error: standard error of the distance by drawing so few; "
            "the interval holds it already."
        )
    if any(found.verdict == "sampling" for found in rows):
        notes.append("¶ no more than sampling alone gives: no difference between the routes was shown.")
    silent = [found.sampled for found in rows if found.sampled and found.n and math.isnan(found.answers)]
    if silent:
        notes.append(
            f"The results of {', '.join(dict.fromkeys(silent))} do not say how many answers every document got (an "
            "earlier release, or several processes), so that what sampling does is not known."
        )
    out = [f"{found.left_out} of {found.run} ↔ {found.other}" for found in rows if found.left_out]
    if out:
        notes.append(f"Documents left out, for a run has no distribution of them: {'; '.join(out)}.")
    return tuple(notes)
