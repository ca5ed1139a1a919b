"""Elicit in words: the base LLM states how often each option would be given, in percent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from model_wrappers.base.chat import text_of, with_text
from model_wrappers.collaboration.elicitation.base import Elicited, Job, log_scores, require_options
from model_wrappers.collaboration.session import Session
from plural_tasks.metrics import read_percentages

TOKENS = 48
"""Tokens of the longest reply that has no option, and as many again for every option."""


class Verbalised:
    """What the base LLM says that the distribution is."""

    name = "verbalised"

    def elicit(self, jobs: Sequence[Job], session: Session) -> list[Elicited]:
        """Return the stated shares; see `Route.elicit`.

        The method's prompt stands in the template ``verbalise``; one greedy reply is read by `read_percentages`. The
        mass is the stated sum, at most 1. Inconsistencies are counted as ``stated_negative``, ``stated_conflicting``,
        ``stated_missing``, ``stated_off_sum`` and ``stated_fractions``, replies that state nothing as ``refusal`` or
        ``unparsed``.
        """
        require_options(jobs, "elicitation=verbalised")
        asked = [
            job.instance("generate_until", _context(job, session), _settings(job), "stated shares") for job in jobs
        ]
        replies = session.base.write(asked)
        return [_row(job, str(reply or ""), session) for job, reply in zip(jobs, replies, strict=True)]


def _context(job: Job, session: Session) -> Any:
    query, context = job.query, job.weighted.context
    options = [{"label": label, "text": text} for label, text in zip(query.labels, query.options, strict=True)]
    text = session.prompts.render("verbalise", context=text_of(context), options=options)
    return with_text(context, text, session.base)


def _settings(job: Job) -> dict[str, Any]:
    # No stop sequence: a reply that opens with empty lines would end before it began.
    return {"until": [], "do_sample": False, "max_gen_toks": TOKENS * (1 + len(job.continuations))}


def _row(job: Job, reply: str, session: Session) -> Elicited:
    stated = read_percentages(reply, job.query.options)
    for problem in stated.problems:
        session.fall_back(job.query, problem if problem in ("refusal", "unparsed") else f"stated_{problem}")
    note = {
        "reply": reply,
        "total": None if math.isnan(stated.total) else stated.total,
        "problems": list(stated.problems),
    }
    if stated.shares is None:
        return Elicited([(-math.inf, False)] * len(job.continuations), note)
    return Elicited(log_scores(stated.shares, min(1.0, stated.total / 100)), note)
