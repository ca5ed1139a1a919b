"""All checks of the doctor, in the order in which they are made."""

from __future__ import annotations

from collections.abc import Iterator

from model_wrappers.doctor.arguments import CHECKS as ARGUMENTS
from model_wrappers.doctor.base import Check, Finding
from model_wrappers.doctor.base_llm import CHECKS as BASE_LLM
from model_wrappers.doctor.budget import CHECKS as BUDGET
from model_wrappers.doctor.communities import CHECKS as COMMUNITIES
from model_wrappers.doctor.data import CHECKS as DATA
from model_wrappers.doctor.environment import CHECKS as ENVIRONMENT
from model_wrappers.doctor.hub import CHECKS as HUB
from model_wrappers.doctor.judge import CHECKS as JUDGE
from model_wrappers.doctor.output import CHECKS as OUTPUT
from model_wrappers.doctor.pool import CHECKS as POOL
from model_wrappers.doctor.store import CHECKS as STORE
from model_wrappers.doctor.visit import Visit

CHECKS: tuple[Check, ...] = (
    *ARGUMENTS,
    *ENVIRONMENT,
    *OUTPUT,
    *HUB,
    *POOL,
    *STORE,
    *DATA,
    *BUDGET,
    *JUDGE,
    *COMMUNITIES,
    *BASE_LLM,
)
"""Quick checks come first, then those whose results others need, weights last."""


def examine(visit: Visit) -> Iterator[Finding]:
    """Make every check and yield its findings; a check that fails is a finding, and the next one follows."""
    for check in CHECKS:
        yield from check.findings(visit)
