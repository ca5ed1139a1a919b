"""Steerable tasks: the option that the attribute implies, scored by log-likelihood or read from an answer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from plural_tasks.metrics.corrected import corrected_match, most_likely
from plural_tasks.metrics.groups import group_of
from plural_tasks.metrics.paper import paper_most_likely_match, paper_three_way
from plural_tasks.schema import LABELS
from plural_tasks.scoring.elicited import LogLikelihood, always, first_text, read_choices, read_distribution

Scored = dict[str, Any]


def steerable_scored(doc: Mapping[str, Any], results: Sequence[LogLikelihood]) -> Scored:
    """Score whether the most likely option is one that the attribute implies.

    The distribution is the mean over the document's orders. Any tied gold is right; among several most likely options
    the share that is right counts. Without mass on any option the answer is wrong and ``fallback_rate`` counts it. A
    document with a single option, or with a known fault, is left out (NaN).

    Args:
        doc: Document with ``options``, ``orders``, ``gold``, ``gold_distribution``.
        results: ``(log-likelihood, is_greedy)`` for each option as shown, one order after the other.

    Returns:
        The figures that task_configs/README.md explains.
    """
    answer = read_distribution(doc, results)
    said = [0.0] * len(doc["options"]) if answer.fallback == 1.0 else answer.shares
    picked = most_likely(said)
    constant = [corrected_match(always(doc, place), doc["gold"]) for place in range(len(said))]
    first = answer.first if answer.first is not None else [1.0] * len(doc["options"])
    published = doc["gold_distribution"] or [float(index in doc["gold"]) for index in range(len(doc["options"]))]
    return {
        **_figures(doc, corrected_match(said, doc["gold"]), constant),
        "option_mass": answer.mass,
        "order_spread": answer.spread,
        "fallback_rate": answer.fallback,
        "paper_accuracy": float(paper_most_likely_match(first, published)),
        **_classes(doc, [picked[0] if picked else None]),
    }


def steerable_generated(doc: Mapping[str, Any], results: Sequence[Any]) -> Scored:
    """Score whether the generated answer picks an option that the attribute implies.

    The mean over the document's orders. An answer from which no option can be read counts as wrong and in
    ``fallback_rate``.

    Args:
        doc: Document with ``options``, ``orders``, ``gold``.
        results: One answer for each order.

    Returns:
        The figures that task_configs/README.md explains; ``paper_`` figures are read from the first order's answer.
    """
    choices = read_choices(doc, results)
    right = sum(choice in doc["gold"] for choice in choices.picked) / len(choices.picked)
    constant = [
        sum(order[place] in doc["gold"] for order in doc["orders"]) / len(doc["orders"])
        for place in range(len(doc["options"]))
    ]
    label = paper_three_way(first_text(results[0]))
    pair = (LABELS[doc["gold"][0]], label)
    return {
        **_figures(doc, right, constant),
        "order_spread": choices.spread,
        "fallback_rate": choices.fallback,
        "paper_accuracy": float(pair[0] == pair[1]),
        **_classes(doc, choices.picked),
        **{f"paper_{name}": pair for name in ("balanced_accuracy", "macro_f1", *BINARY)},
    }


BINARY = ("binary_accuracy", "binary_balanced_accuracy", "binary_macro_f1")


def _is_unscorable(doc: Mapping[str, Any]) -> bool:
    return len(doc["options"]) < 2 or bool(doc["fault"])


def _figures(doc: Mapping[str, Any], right: float, constant: Sequence[float]) -> Scored:
    """What both kinds of answer have; ``constant`` is the score of always answering with each place as shown."""
    n, gold, left_out = len(doc["options"]), doc["gold"], _is_unscorable(doc)
    if left_out:
        right, constant = math.nan, ()
    return {
        "accuracy": right,
        "n_scored": right,
        "accuracy_stderr": (right, doc["cluster"]),
        "accuracy_of_questions": (right, doc["cluster"]),
        "by_group": (right, doc["attribute"], doc["cluster"]),
        "by_category": (right, group_of(doc), doc["cluster"]),
        "worst_group": (right, group_of(doc), doc["cluster"]),
        "baseline_uniform": math.nan if left_out else len(gold) / n,
        "baseline_first": math.nan if left_out else constant[0],
        "baseline_majority": (0.0, list(constant)),
        "baseline_unsteered": (doc["cluster"], [] if left_out else [float(index in gold) for index in range(n)]),
    }


def _classes(doc: Mapping[str, Any], picked: Sequence[int | None]) -> Scored:
    """Input of the figures over classes: the right option's text and the picked ones (None: not readable)."""
    record = (doc["options"][doc["gold"][0]], [None if index is None else doc["options"][index] for index in picked])
    return {name: record for name in ("balanced_accuracy", "macro_f1", *BINARY)}
