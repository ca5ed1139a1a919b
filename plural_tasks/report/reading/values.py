"""Figures of single documents, as the harness logged them, put into columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from plural_tasks.metrics.constants import best_of_question, best_place
from plural_tasks.report.reading.aggregates import EITHER, is_record
from plural_tasks.report.reading.samples import LoggedDocument

_CONSTANT = "baseline_"
ORACLES = ("unsteered",)
"""Constant answers that know each question's gold: shown, but no bar that a model has to pass."""

_BOOKKEEPING = ("n_scored", "worst_group", "judge")
MAIN = {"overton": ("coverage", "lexical_coverage"), "steerable": ("accuracy",), "distributional": ("js_distance",)}
"""Mode -> the figure that stands for a task; the first that was measured."""


_SHARES = (
    *("accuracy", "balanced_accuracy", "macro_f1", "binary_accuracy", "binary_balanced_accuracy", "binary_macro_f1"),
    *("js_distance", "tv_distance", "wasserstein", "argmax_match", "option_mass", "order_spread", "fallback_rate"),
    *(
        "coverage",
        "lexical_coverage",
        "coverage_reverse",
        "coverage_33",
        "contradiction_rate",
        "acc",
        "acc_norm",
        "exact_match",
    ),
)
_NATURAL = ("js_distance_nat", "paper_js_distance")


def range_of(metric: str) -> tuple[float, float]:
    """The smallest and the largest value that a metric can have; infinite where that is not known."""
    name = metric.split(",")[0].removesuffix("_of_questions")
    if name in _NATURAL:
        return 0.0, math.sqrt(math.log(2.0))
    if is_constant(name) or name.removeprefix("paper_") in _SHARES:
        return (-1.0 if name == "paper_coverage" else 0.0), 1.0  # the published coverage of an empty answer is -1
    return -math.inf, math.inf


def clipped(metric: str, low: float, high: float) -> tuple[float, float]:
    """An interval without what the metric cannot be; a t interval knows no bounds. NaN stays NaN."""
    least, most = range_of(metric)
    return (low, high) if math.isnan(low) else (max(low, least), min(high, most))


def is_constant(metric: str) -> bool:
    """Tell whether this is the figure of a constant answer (``baseline_uniform``, …), which knows no model."""
    return metric.startswith(_CONSTANT)


def constant_name(metric: str) -> str:
    """How the row of a constant answer is called."""
    return metric.removeprefix(_CONSTANT)


def is_figure(metric: str) -> bool:
    """Tell whether this is a figure of the model, and not the input of standard errors and breakdowns."""
    name = metric.split(",")[0]
    return not (
        is_constant(name) or name in _BOOKKEEPING or name.endswith(("_se", "_stderr")) or name.startswith("by_")
    )


def series(documents: Sequence[LoggedDocument], metric: str) -> list[float] | None:
    """One number for each document; NaN for what was not scored.

    What is logged as a record becomes a number here. ``baseline_majority`` and ``baseline_unsteered``: the score of the
    answer that does best over the task, or over the question (`plural_tasks.metrics.constants`). ``binary_accuracy``
    (the right answer, the picked ones): the share that is right, NaN where "Either" is.

    Returns:
        None where the metric is logged as records that only an aggregate makes sense of.
    """
    logged = [document.values.get(metric) for document in documents]
    numbers = [_number(value) for value in logged]
    if all(number is not None for number in numbers):
        return [number for number in numbers if number is not None]
    if is_constant(metric):
        return _chosen(logged)
    records = [record for record in logged if isinstance(record, list) and is_record(record)]
    if metric.split(",")[0] == "binary_accuracy" and len(records) == len(logged):
        return [math.nan if right == EITHER else picked.count(right) / len(picked) for right, picked in records]
    return None


def _number(value: Any) -> float | None:
    if value is None:
        return math.nan
    return float(value) if isinstance(value, (bool, int, float)) else None


def _chosen(logged: Sequence[Any]) -> list[float] | None:
    """The score of the constant answer that does best, over all documents or over each question's."""
    records: list[Any] = [record for record in logged if isinstance(record, list) and len(record) == 2]
    if len(records) != len(logged) or not all(isinstance(scores, list) for _, scores in records):
        return None
    if all(isinstance(name, str) for name, _ in records):
        return best_of_question(records)
    return best_place(records) if all(isinstance(worst, (int, float)) for worst, _ in records) else None


def main_metric(mode: str, metrics: Sequence[str]) -> str:
    """The figure that stands for a task: that of its mode, else the first one of the task's own list."""
    return next((name for name in MAIN.get(mode, ()) if name in metrics), metrics[0])
