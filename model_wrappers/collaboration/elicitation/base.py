"""What every route does: prompts in, one row of figures over the options out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from model_wrappers.base.llm import Scored
from model_wrappers.collaboration.instances import instance
from model_wrappers.collaboration.query import Query
from model_wrappers.collaboration.session import Session, Weighted
from plural_tasks.utils.errors import ModPluralError


@dataclass(frozen=True)
class Job:
    """One prompt whose distribution is wanted.

    Attributes:
        query: The document.
        weighted: The prompt.
        place: Number of the prompt among the document's prompts, from 0.
        continuations: What is scored: the whole declared option set in the order shown, or what the harness asks for.
        declared: Whether they are the declared option set.
        request: One of the harness's requests for the document.
    """

    query: Query
    weighted: Weighted
    place: int
    continuations: tuple[str, ...]
    declared: bool
    request: Any

    def instance(self, kind: str, context: Any, second: Any, phase: str, sample: int = 0) -> Any:
        """A request to the base LLM in place of the harness's; see `collaboration.instances.instance`."""
        return instance(
            self.query,
            kind,
            context,
            second,
            phase=phase,
            community=self.weighted.community,
            sample=sample,
            idx=self.request.idx,
            repeats=self.request.repeats,
        )


@dataclass(frozen=True)
class Elicited:
    """The distribution elicited by one prompt.

    Attributes:
        scores: One for each continuation: log(share x mass), where mass is how much of the answer is on the options.
        note: What the trace says beside it, as plain JSON; empty where the scores say all.
        draws: Distributions that are as likely as the one that was estimated, one in each row; None where it is exact.
        bounds: Lowest and highest share of each option that goes with what was seen; None where all was seen.
        counts: Answers that picked each option; None where none were drawn.
    """

    scores: list[Scored]
    note: dict[str, Any] = field(default_factory=dict)
    draws: NDArray[np.float64] | None = None
    bounds: list[tuple[float, float]] | None = None
    counts: tuple[int, ...] | None = None


class Route(Protocol):
    """Gets distributions out of a base LLM."""

    name: str

    def elicit(self, jobs: Sequence[Job], session: Session) -> list[Elicited]:
        """Return one row for each job, in order.

        What is not usable is counted with `Session.fall_back`; a prompt without any usable answer has no mass (all
        scores are ``-inf``), and nothing stands in for it.

        Raises:
            ModPluralError: If the base LLM cannot be asked in this way, or a job lacks what the route needs.
        """


def log_scores(shares: Sequence[float], mass: float) -> list[Scored]:
    """Turn a distribution and the mass behind it into what `mix_options` takes apart again."""
    known = [share * mass for share in shares]
    return [(math.log(value) if value > 0.0 else -math.inf, False) for value in known]


def require_options(jobs: Sequence[Job], route: str) -> None:
    """Check that all jobs ask for the options that their documents declare, each with a text of its own.

    Raises:
        ModPluralError: Naming the task, the route and what is asked for.
    """
    for job in jobs:
        if job.declared and len(job.continuations) != len(job.query.options):
            raise ModPluralError(
                f"task {job.query.task!r}, document {job.query.doc_id}: {route} tells options apart by text, and two "
                "of them are the same. Ask for the labels (doc_to_choice: labels), or take elicitation=logprob."
            )
        if not job.declared:
            asked = ", ".join(repr(continuation.strip()[:40]) for continuation in job.continuations[:4])
            raise ModPluralError(
                f"task {job.query.task!r}, document {job.query.doc_id}: {route} needs options that the document "
                f"declares, found the continuations {asked}, expected all of them among its labels or options. Take a "
                "base LLM that gives log-likelihoods with elicitation=logprob, or one of modplural's tasks."
            )
