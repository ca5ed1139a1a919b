"""``modplural doctor``: look at everything that a run needs, before hours are spent on it.

One file an area; every check is a function that yields findings, and all are found through `CHECKS`.
"""

from __future__ import annotations

from collections.abc import Iterator

from model_wrappers.doctor import (
    arguments,
    base_llm,
    budget,
    communities,
    data,
    environment,
    hub,
    judge,
    output,
    pool,
    store,
)
from model_wrappers.doctor.base import LEVELS, Check, Finding, Level
from model_wrappers.doctor.visit import Visit

CHECKS: tuple[Check, ...] = (
    *arguments.CHECKS,
    *environment.CHECKS,
    *output.CHECKS,
    *hub.CHECKS,
    *pool.CHECKS,
    *store.CHECKS,
    *data.CHECKS,
    *budget.CHECKS,
    *judge.CHECKS,
    *communities.CHECKS,
    *base_llm.CHECKS,
)
"""In the order in which they are looked at: what is quick first, what others need before them, weights last."""


def examine(visit: Visit) -> Iterator[Finding]:
    """Look at everything; a check that fails is a finding, and the next one follows."""
    for check in CHECKS:
        yield from check.findings(visit)


__all__ = ["CHECKS", "LEVELS", "Check", "Finding", "Level", "Visit", "examine"]
