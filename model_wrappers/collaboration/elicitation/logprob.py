"""Elicit by log-probabilities: of whole continuations, or of the first token where a chat API shows no more."""

from __future__ import annotations

import math
from collections.abc import Sequence

from model_wrappers.base.llm import Scored
from model_wrappers.collaboration.elicitation.base import Elicited, Job
from model_wrappers.collaboration.elicitation.top_logprobs import first_token_rows
from model_wrappers.collaboration.session import Session


class Logprob:
    """The base LLM's own probability of each option."""

    name = "logprob"

    def elicit(self, jobs: Sequence[Job], session: Session) -> list[Elicited]:
        """Return the log-likelihoods of the continuations; see `Route.elicit`.

        Chat APIs give none: there the first token's log-probabilities are read, see `first_token_rows`.
        """
        base = session.base
        if base.abilities.openai_chat and not base.abilities.scores:
            return first_token_rows(jobs, session)
        return _likelihoods(jobs, session)


def _likelihoods(jobs: Sequence[Job], session: Session) -> list[Elicited]:
    spelt = [[_spellings(job, continuation, session) for continuation in job.continuations] for job in jobs]
    asked = [
        job.instance("loglikelihood", job.weighted.context, spelling, "scoring")
        for job, ways in zip(jobs, spelt, strict=True)
        for spellings in ways
        for spelling in spellings
    ]
    found = iter(session.base.score(asked))
    return [Elicited([_any_of([next(found) for _ in spellings]) for spellings in ways]) for ways in spelt]


def _spellings(job: Job, continuation: str, session: Session) -> list[str]:
    """The ways to say an option that are scored: a letter may follow the prompt with a space or without one."""
    label = continuation.strip()
    if not (session.label_variants and job.declared and label in job.query.labels):
        return [continuation]
    return list(dict.fromkeys([continuation, f" {label}", label]))


def _any_of(scored: Sequence[Scored]) -> Scored:
    """What is scored in several ways has the sum of their probabilities."""
    from scipy.special import logsumexp

    if len(scored) == 1:
        return scored[0]
    known = [value for value, _ in scored if not math.isnan(value)]
    return float(logsumexp(known)) if known else math.nan, any(greedy for _, greedy in scored)
