"""Elicit by sampling: n answers at temperature 1, read strictly and counted."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from model_wrappers.collaboration.elicitation.base import Elicited, Job, log_scores, require_options
from model_wrappers.collaboration.elicitation.drawing import Draw, seed_of, write
from model_wrappers.collaboration.session import Elicitation, Session
from plural_tasks.metrics import read_answer
from plural_tasks.metrics.montecarlo import Shares, js_error, replicates, smoothed
from plural_tasks.metrics.refusals import refused

ROUND = 5
"""Answers drawn before the error is looked at, where the user gave a bound for it."""


_KINDS = {"several": "several_options", "refusal": "refusal", "empty": "empty_answer", "unparsed": "unparsed"}
"""Outcome of reading an answer -> the fallback that it is counted as."""

NO_OPTION = tuple(_KINDS.values())
"""What answers are counted as of which no option can be read."""


class Sample:
    """How often the base LLM gives each answer."""

    name = "sample"

    def elicit(self, jobs: Sequence[Job], session: Session) -> list[Elicited]:
        """Return the smoothed shares of the answers drawn; see `Route.elicit`.

        The mass is the share of answers that pick an option. Others are counted as ``refusal``, ``several_options``,
        ``empty_answer`` or ``unparsed``. With a bound on the error no more is drawn for a prompt once it is met;
        looking often makes the error that is reported then a little too small.
        """
        require_options(jobs, "elicitation=sample")
        settings = session.elicitation
        tallies = [SampledAnswers(job, settings, seed_of(job, "replicates", session)) for job in jobs]
        step = settings.samples if settings.error is None else ROUND
        for first in range(0, settings.samples, step):
            numbers = range(first, min(first + step, settings.samples))
            wanted = [tally for tally in tallies if not tally.settled()]
            draws = [Draw(one.job, number, seed_of(one.job, number, session)) for one in wanted for number in numbers]
            replies = iter(write(draws, session.base))
            for tally in wanted:
                tally.add([next(replies) for _ in numbers])
        for tally in tallies:
            tally.count_fallbacks(session)
        return [tally.row() for tally in tallies]


class SampledAnswers:
    """The answers to one prompt."""

    def __init__(self, job: Job, settings: Elicitation, seed: int) -> None:
        """Begin with none.

        Args:
            job: The prompt.
            settings: Smoothing, and the bound on the error.
            seed: Seed of the replicates from which the error is worked out.
        """
        self.job, self.settings, self.seed = job, settings, seed
        self.replies: list[str] = []
        self.counts = [0] * len(job.continuations)
        self.others: Counter[str] = Counter()

    def add(self, replies: Sequence[str]) -> None:
        """Read and count answers."""
        self.replies += replies
        for reply in replies:
            answer = read_answer(reply, self.job.query.options, refused)
            if answer.index is None:
                self.others[_KINDS[answer.outcome]] += 1
            else:
                self.counts[answer.index] += 1

    @property
    def shares(self) -> list[float]:
        """The smoothed distribution."""
        return smoothed(self.counts, self.settings.smoothing)

    def draws(self) -> Shares | None:
        """Distributions as likely as the estimate; None without an answer that counts."""
        return replicates(self.counts, self.settings.smoothing, self.seed) if any(self.counts) else None

    def error(self) -> float:
        """Monte-Carlo error of the distribution, see `js_error`; NaN without an answer that counts."""
        draws = self.draws()
        return js_error(self.shares, draws) if draws is not None else math.nan

    def settled(self) -> bool:
        """Whether the error is below the user's bound."""
        return self.settings.error is not None and self.error() < self.settings.error

    def count_fallbacks(self, session: Session) -> None:
        """Count the answers of which no option could be read."""
        for kind, count in sorted(self.others.items()):
            session.fall_back(self.job.query, kind, count)

    def row(self) -> Elicited:
        """The figures, and what the trace says of them."""
        error = self.error()
        note: dict[str, Any] = {
            "n": len(self.replies),
            "counts": list(self.counts),
            **dict(sorted(self.others.items())),
            "smoothing": self.settings.smoothing,
            "error": None if math.isnan(error) else error,
            "replies": list(self.replies),
        }
        mass = sum(self.counts) / len(self.replies)
        return Elicited(log_scores(self.shares, mass), note, draws=self.draws(), counts=tuple(self.counts))
