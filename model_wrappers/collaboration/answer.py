"""Let the base LLM answer prompts, and mix what it says where a query has several."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import logsumexp

from model_wrappers.base.llm import Scored
from model_wrappers.collaboration.elicitation import AUTO, ROUTES, Elicited, Job, Route, choose
from model_wrappers.collaboration.instances import instance
from model_wrappers.collaboration.query import Query
from model_wrappers.collaboration.session import Session, Weighted
from plural_tasks.metrics import normalise
from plural_tasks.metrics.montecarlo import js_error

logger = logging.getLogger(__name__)

Planned = Sequence[tuple[Query, Sequence[Weighted]]]


def generate(planned: Planned, requests: Sequence[Any], session: Session) -> list[str]:
    """Return one generated answer for each request.

    Where a query has several weighted prompts, an answer is drawn from the mixture: one prompt is picked by weight
    (seeded) and answered.
    """
    places, instances = [], []
    for query, contexts in planned:
        for repeat, place in enumerate(query.positions):
            picked = _draw(query, contexts, session, repeat)
            places.append(place)
            asked = requests[place]
            instances.append(
                instance(
                    query,
                    asked.request_type,
                    picked.context,
                    dict(asked.args[1]),
                    phase="answers",
                    community=picked.community,
                    idx=asked.idx,
                    repeats=asked.repeats,
                )
            )
    answers = session.base.write(instances)
    results = [""] * len(requests)
    for place, answer in zip(places, answers, strict=True):
        results[place] = answer
    for query, _ in planned:
        session.note(query)["answers"] = [results[place] for place in query.positions]
    return results


def score(planned: Planned, requests: Sequence[Any], session: Session) -> list[Scored]:
    """Return ``(log-likelihood, is_greedy)`` for each request.

    How the base LLM's distribution is elicited is the session's choice (`model_wrappers.collaboration.elicitation`).
    One prompt: the base LLM's own figures. Several: with declared options, each prompt's distribution over the whole
    option set is normalised and mixed by weight, and the logarithm of (share x mean mass on the options) is returned,
    so that a softmax over the options gives the mixture back; without, the likelihoods themselves are mixed. Either way
    the figures do not depend on which options the harness happened to ask for.

    Raises:
        ModPluralError: If the base LLM cannot be asked in the way that was chosen.
    """
    if not planned:
        return []
    jobs = [_jobs(query, contexts, requests) for query, contexts in planned]
    rows = iter(_route(session).elicit([job for group in jobs for job in group], session))
    results: list[Scored] = [(-math.inf, False)] * len(requests)
    for (query, contexts), group in zip(planned, jobs, strict=True):
        elicited = [next(rows) for _ in group]
        continuations, declared = group[0].continuations, group[0].declared
        mixed = dict(zip(continuations, _mix(contexts, [row.scores for row in elicited], declared), strict=True))
        for place in query.positions:
            results[place] = mixed[requests[place].args[1]]
        if not declared:
            session.note(query)["options"] = [continuation.strip() for continuation in continuations]
        _note_shares(query, contexts, elicited, list(mixed.values()), session)
        _note_drawn(query, contexts, elicited, session)
        if declared and not any(session.note(query)["distribution"]):
            session.fall_back(query, "no_mass")
    return results


def _route(session: Session) -> Route:
    """The route of the user's choice; ``auto`` is settled when the first distribution is wanted."""
    if session.route is None:
        choice = session.elicitation.choice
        session.route = choose(session.base) if choice == AUTO else (choice, "it was asked for")
        logger.info("elicitation: %s, because %s.", *session.route)
    return ROUTES[session.route[0]]


def _jobs(query: Query, contexts: Sequence[Weighted], requests: Sequence[Any]) -> list[Job]:
    continuations, declared = _continuations(query, requests)
    request = requests[query.positions[0]]
    return [
        Job(query, weighted, place, tuple(continuations), declared, request) for place, weighted in enumerate(contexts)
    ]


def _mix(contexts: Sequence[Weighted], table: list[list[Scored]], declared: bool) -> list[Scored]:
    if len(contexts) == 1:
        return table[0]
    greedy = [all(flags) for flags in zip(*([flag for _, flag in row] for row in table), strict=True)]
    weights = [weighted.weight for weighted in contexts]
    values = [[value for value, _ in row] for row in table]
    mixed = mix_options(values, weights) if declared else mix_likelihoods(values, weights)
    return list(zip(mixed, greedy, strict=True))


def mix_options(values: Sequence[Sequence[float]], weights: Sequence[float]) -> list[float]:
    """Mix normalised distributions: log of (sum_c w_c p_c(o)) x (sum_c w_c mass_c).

    Args:
        values: Log-likelihoods, one row for each prompt, one column for each option.
        weights: One for each row. Rows without any mass are left out and the weights normalised over the others.

    Returns:
        One logarithm for each option; all ``-inf`` when no row has any mass.
    """
    rows = [(weight, normalise(row)[0]) for weight, row in zip(weights, values, strict=True)]
    rows = [(weight, share) for weight, share in rows if any(share)]
    total = math.fsum(weight for weight, _ in rows)
    if total == 0.0:
        return [-math.inf] * len(values[0])
    # The mass is carried as a logarithm: that of long options may be too small for a float.
    log_mass = float(logsumexp(mix_likelihoods(values, weights))) - math.log(math.fsum(weights))
    shares = [math.fsum(weight * share[option] for weight, share in rows) / total for option in range(len(values[0]))]
    return [math.log(share) + log_mass if share > 0.0 else -math.inf for share in shares]


def mix_likelihoods(values: Sequence[Sequence[float]], weights: Sequence[float]) -> list[float]:
    """Mix likelihoods as they are: log sum_c w_c exp(value_c), for each column; NaN counts as no mass."""
    known = np.where(np.isnan(values), -np.inf, values)
    return [float(value) for value in logsumexp(known, axis=0, b=np.asarray(weights)[:, None])]


def _continuations(query: Query, requests: Sequence[Any]) -> tuple[list[str], bool]:
    """The continuations to score, and whether they are the query's whole declared option set."""
    asked = list(dict.fromkeys(requests[place].args[1] for place in query.positions))
    for choices in (query.labels, query.options):
        if choices and all(continuation.strip() in choices for continuation in asked):
            lead = asked[0][: len(asked[0]) - len(asked[0].lstrip())]
            whole = [lead + choice for choice in choices]
            if set(asked) <= set(whole):
                return list(dict.fromkeys(whole)), True
    return asked, False


def _note_shares(
    query: Query, contexts: Sequence[Weighted], rows: Sequence[Elicited], mixed: list[Scored], session: Session
) -> None:
    note = session.note(query)
    shares, mass = normalise([value for value, _ in mixed])
    note["distribution"], note["option_mass"] = shares, mass
    note["elicitation"] = session.route[0] if session.route else None
    weights = [weighted.weight for weighted in contexts]
    note.update(uncertainty(rows, weights))
    if any(row.note for row in rows):
        note["elicited"] = [row.note for row in rows]
    if len(contexts) > 1:
        note["distributions"] = [
            {
                "community": weighted.community,
                "weight": weighted.weight,
                "shares": normalise([value for value, _ in row.scores])[0],
            }
            for weighted, row in zip(contexts, rows, strict=True)
        ]


def _note_drawn(query: Query, contexts: Sequence[Weighted], rows: Sequence[Elicited], session: Session) -> None:
    """Keep what was counted, for the results file: `plural_tasks.report.reading.drawn_answers` reads it."""
    if all(row.counts is None for row in rows):
        return
    counted = [
        {"weight": weighted.weight, "counts": list(row.counts)}
        for weighted, row in zip(contexts, rows, strict=True)
        if row.counts and any(row.counts)
    ]
    session.drawn.setdefault(query.task, {}).setdefault(query.doc_id, {})[query.order] = counted


def uncertainty(rows: Sequence[Elicited], weights: Sequence[float]) -> dict[str, Any]:
    """How far a mixture may be off.

    Args:
        rows: One for each prompt.
        weights: One for each row.

    Returns:
        ``error``: where answers were sampled, the Monte-Carlo error of the mixture, from rows that have mass (see
        `plural_tasks.metrics.montecarlo.js_error`). ``bounds``: where not all was shown, the weighted means of the
        lowest and of the highest shares.
    """
    found: dict[str, Any] = {}
    drawn = [(weight, row) for weight, row in zip(weights, rows, strict=True) if row.draws is not None]
    total = math.fsum(weight for weight, _ in drawn)
    if total > 0.0:
        draws = sum(weight / total * row.draws for weight, row in drawn if row.draws is not None)
        shares = [normalise([value for value, _ in row.scores])[0] for _, row in drawn]
        mean = np.average(shares, axis=0, weights=[weight for weight, _ in drawn])
        found["error"] = js_error(list(mean), np.asarray(draws))
    bounds = [row.bounds for row in rows if row.bounds is not None]
    if bounds:
        found["bounds"] = np.average(bounds, axis=0, weights=weights).tolist()
    return found


def _draw(query: Query, contexts: Sequence[Weighted], session: Session, repeat: int) -> Weighted:
    if len(contexts) == 1:
        return contexts[0]
    rng = session.rng(query, f"draw {repeat}")
    drawn = rng.choices(contexts, weights=[weighted.weight for weighted in contexts])[0]
    session.note(query).setdefault("drawn", []).append(drawn.community)
    return drawn
