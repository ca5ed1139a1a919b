"""Predicted distributions: distances from the population's, and whether the most likely options agree."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from plural_tasks.metrics import js_distance
from plural_tasks.metrics.corrected import (
    DISTANCES,
    corrected_distances,
    corrected_match,
    has_answer,
    is_scorable,
    most_likely,
    substantive,
)
from plural_tasks.metrics.paper import paper_js_distance, paper_most_likely_match
from plural_tasks.rescore.figure import RescoredFigure, mean_figure, unpublished
from plural_tasks.rescore.outputs import Prediction
from plural_tasks.schema import SteerableItem

BASE_2 = "logarithm to base 2 instead of the natural one (x 1.2011)"
NO_MASS = "a prediction without mass, at which the published scorer stops, is compared as uniform"
UNSCORABLE = "rows without two options that state an opinion, or without gold mass on them, are left out"
DONT_KNOW = "options that state no opinion are left out on both sides, the rest renormalised"

TIED_GOLD = "any of the tied golds is right, not the first alone"
TIED_PREDICTION = "a tied prediction is right in the share of its tied options that are, not by the first"
NO_ANSWER = "a prediction without mass is wrong, not a choice of the first option"
FAULT = "rows whose gold is known to be wrong (options cut, answers lost) are left out"
SINGLE = "rows with a single option, always right, are left out"

Row = Callable[[Prediction], float]


def distribution_figures(outputs: Sequence[Prediction]) -> list[RescoredFigure]:
    """Figures of a distributional task, or of a steerable one answered by distributions (OpinionQA)."""
    clusters = [output.item.cluster for output in outputs]
    blank = [not has_answer(output.shares, output.item.dont_know) for output in outputs]
    corrected = [_corrected(output) for output in outputs]

    def distance(name: str, steps: Sequence[tuple[str, Row]]) -> RescoredFigure:
        found = [(reason, [row(output) for output in outputs]) for reason, row in steps]
        substantive_only = [
            _corrected_all(output)[name] if output.item.fault else figures[name]
            for output, figures in zip(outputs, corrected, strict=True)
        ]
        last = [(DONT_KNOW, substantive_only), (FAULT, [figures[name] for figures in corrected])]
        return mean_figure(name, [_paper(output) for output in outputs], [*found, *last], clusters, blank)

    return [
        distance("js_distance", [(BASE_2, _base_2), (NO_MASS, _with_uniform(2.0)), (UNSCORABLE, _scorable(2.0))]),
        distance("js_distance_nat", [(NO_MASS, _with_uniform(math.e)), (UNSCORABLE, _scorable(math.e))]),
        *(
            unpublished(name, [figures[name] for figures in corrected], clusters, blank)
            for name in ("tv_distance", "wasserstein", "entropy")
        ),
        _match_figure(outputs, clusters),
    ]


def _paper(output: Prediction) -> float:
    return paper_js_distance(output.shares, output.gold)


def _base_2(output: Prediction) -> float:
    return js_distance(output.shares, output.gold) if any(output.shares) else math.nan


def _with_uniform(base: float) -> Row:
    def row(output: Prediction) -> float:
        shares = output.shares if any(output.shares) else [1.0] * len(output.gold)
        return js_distance(shares, output.gold, base=base)

    return row


def _scorable(base: float) -> Row:
    compare = _with_uniform(base)
    return lambda output: compare(output) if is_scorable(output.gold, output.item.dont_know) else math.nan


def _corrected(output: Prediction) -> dict[str, float]:
    return dict.fromkeys(DISTANCES, math.nan) if output.item.fault else _corrected_all(output)


def _corrected_all(output: Prediction) -> dict[str, float]:
    item = output.item
    return corrected_distances(output.shares, output.gold, dont_know=item.dont_know, ordinal=item.ordinal)


def _match_figure(outputs: Sequence[Prediction], clusters: Sequence[str]) -> RescoredFigure:
    if any(isinstance(output.item, SteerableItem) for output in outputs):
        # A group may well answer "Not sure" most often: all options count where one answer is asked for.
        name, excluded = "accuracy", [(SINGLE, _accuracy)]
        blank = [not any(output.shares) for output in outputs]
    else:
        name, excluded = "argmax_match", [(UNSCORABLE, _match_of_scorable), (DONT_KNOW, _match_of_substantive)]
        blank = [not has_answer(output.shares, output.item.dont_know) for output in outputs]
    last = excluded[-1][1]
    steps = [
        *((TIED_GOLD, _any_gold), (TIED_PREDICTION, _tied_prediction), (NO_ANSWER, _wrong_without_mass), *excluded),
        (FAULT, lambda output: math.nan if output.item.fault else last(output)),
    ]
    return mean_figure(
        name,
        [float(paper_most_likely_match(output.shares, output.gold)) for output in outputs],
        [(reason, [row(output) for output in outputs]) for reason, row in steps],
        clusters,
        blank,
    )


def _any_gold(output: Prediction) -> float:
    return float(output.shares.index(max(output.shares)) in most_likely(output.gold))


def _tied_prediction(output: Prediction) -> float:
    return _right(output) if any(output.shares) else _any_gold(output)


def _wrong_without_mass(output: Prediction) -> float:
    return _right(output) if any(output.shares) else 0.0


def _right(output: Prediction) -> float:
    """The share of the most likely options that are right, single options included."""
    chosen, gold = most_likely(output.shares), most_likely(output.gold)
    return sum(index in gold for index in chosen) / len(chosen)


def _accuracy(output: Prediction) -> float:
    return corrected_match(output.shares, most_likely(output.gold))


def _match_of_scorable(output: Prediction) -> float:
    return _wrong_without_mass(output) if is_scorable(output.gold, output.item.dont_know) else math.nan


def _match_of_substantive(output: Prediction) -> float:
    gold, unknown = output.gold, output.item.dont_know
    if not is_scorable(gold, unknown):
        return math.nan
    return corrected_match(substantive(output.shares, unknown), most_likely(substantive(gold, unknown)))
