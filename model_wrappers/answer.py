"""Let the base LLM answer prompts, and mix what it says where a query has several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import logsumexp

from model_wrappers.base_lm import ask
from model_wrappers.query import Query
from model_wrappers.session import Session, Weighted
from plural_tasks.metrics import normalise

Planned = Sequence[tuple[Query, Sequence[Weighted]]]
Scored = tuple[float, bool]


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
            instances.append(_instance(requests[place], query, picked.context, dict(requests[place].args[1])))
    answers = ask(session.base, "generate_until", instances)
    results = [""] * len(requests)
    for place, answer in zip(places, answers, strict=True):
        results[place] = answer
    for query, _ in planned:
        session.note(query)["answers"] = [results[place] for place in query.positions]
    return results


def score(planned: Planned, requests: Sequence[Any], session: Session) -> list[Scored]:
    """Return ``(log-likelihood, is_greedy)`` for each request.

    One prompt: the base LLM's own figures. Several: with declared options, each prompt's distribution over the whole
    option set is normalised and mixed by weight, and the logarithm of (share x mean mass on the options) is returned,
    so that a softmax over the options gives the mixture back; without, the likelihoods themselves are mixed. Either
    way the figures do not depend on which options the harness happened to ask for.
    """
    jobs = [(query, contexts, _continuations(query, requests)) for query, contexts in planned]
    instances = [
        _instance(requests[query.positions[0]], query, weighted.context, spelling)
        for query, contexts, (continuations, declared) in jobs
        for weighted in contexts
        for continuation in continuations
        for spelling in _spellings(query, continuation, declared, session)
    ]
    scores = iter(ask(session.base, "loglikelihood", instances))
    results: list[Scored] = [(-math.inf, False)] * len(requests)
    for query, contexts, (continuations, declared) in jobs:
        spelt = [len(_spellings(query, continuation, declared, session)) for continuation in continuations]
        table = [[_any_of([next(scores) for _ in range(ways)]) for ways in spelt] for _ in contexts]
        mixed = dict(zip(continuations, _mix(contexts, table, declared), strict=True))
        for place in query.positions:
            results[place] = mixed[requests[place].args[1]]
        if not declared:
            session.note(query)["options"] = [continuation.strip() for continuation in continuations]
        _note_shares(query, contexts, table, list(mixed.values()), session)
        if declared and not any(session.note(query)["distribution"]):
            session.fall_back(query, "no_mass")
    return results


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


def _spellings(query: Query, continuation: str, declared: bool, session: Session) -> list[str]:
    """The ways to say an option that are scored: a letter may follow the prompt with a space or without one."""
    label = continuation.strip()
    if not (session.label_variants and declared and label in query.labels):
        return [continuation]
    return list(dict.fromkeys([continuation, f" {label}", label]))


def _any_of(scores: Sequence[Scored]) -> Scored:
    """What is scored in several ways has the sum of their probabilities."""
    if len(scores) == 1:
        return scores[0]
    known = [value for value, _ in scores if not math.isnan(value)]
    return float(logsumexp(known)) if known else math.nan, any(greedy for _, greedy in scores)


def _note_shares(
    query: Query,
    contexts: Sequence[Weighted],
    table: list[list[Scored]],
    mixed: list[Scored],
    session: Session,
) -> None:
    note = session.note(query)
    shares, mass = normalise([value for value, _ in mixed])
    note["distribution"], note["option_mass"] = shares, mass
    if len(contexts) > 1:
        note["distributions"] = [
            {
                "community": weighted.community,
                "weight": weighted.weight,
                "shares": normalise([value for value, _ in row])[0],
            }
            for weighted, row in zip(contexts, table, strict=True)
        ]


def _draw(query: Query, contexts: Sequence[Weighted], session: Session, repeat: int) -> Weighted:
    if len(contexts) == 1:
        return contexts[0]
    rng = session.rng(query, f"draw {repeat}")
    drawn = rng.choices(contexts, weights=[weighted.weight for weighted in contexts])[0]
    session.note(query).setdefault("drawn", []).append(drawn.community)
    return drawn


def _instance(request: Any, query: Query, context: Any, second: Any) -> Any:
    """A new request for the base LLM; the harness's own stays as it is, because its hash is taken after the call."""
    from lm_eval.api.instance import Instance

    return Instance(
        request_type=request.request_type,
        doc={},  # gold must not travel
        arguments=(context, second),
        idx=request.idx,
        metadata=(query.task, query.doc_id, request.repeats),
    )
