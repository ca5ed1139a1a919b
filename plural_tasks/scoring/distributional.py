"""Distributional tasks: the model's distribution over the options beside the population's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from plural_tasks.metrics.corrected import (
    DISTANCES,
    corrected_distances,
    corrected_match,
    has_answer,
    is_scorable,
    most_likely,
    substantive,
)
from plural_tasks.metrics.groups import group_of
from plural_tasks.metrics.paper import paper_js_distance, paper_most_likely_match
from plural_tasks.scoring.elicited import Distribution, LogLikelihood, always, read_distribution

Scored = dict[str, Any]

WORST = 1.0
"""The largest ``js_distance``: that of an answer that is not among the options."""


def distributional(doc: Mapping[str, Any], results: Sequence[LogLikelihood]) -> Scored:
    """Score one document; ``corrected`` figures and, behind ``paper_``, those of the published code.

    Corrected figures compare the mean distribution over the document's orders with the population's, over the options
    that state an opinion (both renormalised); a document with fewer than two such options, or with a known fault, is
    left out (NaN). Where the model put no mass on any option the uniform distribution is compared and counted in
    ``fallback_rate``.

    Args:
        doc: Document with ``options``, ``orders``, ``gold_distribution``, ``dont_know``, ``ordinal``.
        results: ``(log-likelihood, is_greedy)`` for each option as shown, one order after the other.

    Returns:
        The figures that task_configs/README.md explains. ``js_distance_stderr``, ``by_…`` and ``worst_group`` hold
        ``js_distance`` with the names that it is put together by; ``baseline_majority`` is the input of
        `plural_tasks.aggregate.majority`.
    """
    answer = read_distribution(doc, results)
    gold, dont_know = doc["gold_distribution"], doc["dont_know"]
    corrected = dict.fromkeys(DISTANCES, math.nan)
    if not doc["fault"]:
        corrected = corrected_distances(answer.shares, gold, dont_know=dont_know, ordinal=doc["ordinal"])
    value = corrected["js_distance"]
    return {
        **corrected,
        "argmax_match": _match(answer, doc),
        "option_mass": answer.mass,
        "order_spread": answer.spread,
        "fallback_rate": answer.fallback if has_answer(answer.shares, dont_know) else 1.0,
        "n_scored": value,
        "js_distance_stderr": (value, doc["cluster"]),
        "js_distance_of_questions": (value, doc["cluster"]),
        "by_group": (value, doc["attribute"], doc["cluster"]),
        "by_stratum": (value, group_of(doc), doc["cluster"]),
        "worst_group": (value, group_of(doc), doc["cluster"]),
        **_baselines(doc),
        **_paper(answer.first, gold),
    }


def _is_scored(doc: Mapping[str, Any]) -> bool:
    return not doc["fault"] and is_scorable(doc["gold_distribution"], doc["dont_know"])


def _match(answer: Distribution, doc: Mapping[str, Any]) -> float:
    """Share of the model's most likely options that are among the population's most frequent; 0 without an answer."""
    gold, dont_know = doc["gold_distribution"], doc["dont_know"]
    if not _is_scored(doc):
        return math.nan
    said = [0.0] * len(gold) if answer.fallback == 1.0 else answer.shares
    return corrected_match(substantive(said, dont_know), most_likely(substantive(gold, dont_know)))


def _baselines(doc: Mapping[str, Any]) -> Scored:
    """``js_distance`` of constant answers: uniform, what is shown first, the place that does best over the task."""
    n = len(doc["options"])
    if not _is_scored(doc):
        return {"baseline_uniform": math.nan, "baseline_first": math.nan, "baseline_majority": (WORST, [])}
    constant = [_distance(always(doc, place), doc) for place in range(n)]
    return {
        "baseline_uniform": _distance([1.0 / n] * n, doc),
        "baseline_first": constant[0],
        "baseline_majority": (WORST, constant),
    }


def _distance(shares: Sequence[float], doc: Mapping[str, Any]) -> float:
    return corrected_distances(shares, doc["gold_distribution"], dont_know=doc["dont_know"])["js_distance"]


def _paper(shares: Sequence[float] | None, gold: Sequence[float]) -> Scored:
    answer = shares if shares is not None else [1.0 / len(gold)] * len(gold)  # as the published code does
    return {
        "paper_js_distance": paper_js_distance(answer, gold),
        "paper_argmax_match": float(paper_most_likely_match(answer, gold)),
    }
