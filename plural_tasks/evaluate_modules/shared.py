"""What the modules' scripts have in common."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

DISTRIBUTIONS = """
Args:
    predictions: for each question the predicted shares over its options (list of numbers, on any scale).
    references: for each question the shares of the population, over as many options.
Returns:
    the mean over the questions.
"""

LABELS = """
Args:
    predictions: predicted labels (text); None for an answer that could not be read, which is wrong.
    references: true labels (text).
    sample_weight: weight of each row; 1/k for each of k permutations of a question's options.
Returns:
    the score, 0..1.
"""

ANSWERS = """
Args:
    predictions: for each situation the answer (text).
    references: for each situation the explanations that the answer should cover (list of texts).
    judge: name of a judge, as plural_tasks.judges.load_judge takes it, or a judge.
Returns:
    means over the situations: coverage, coverage_33 (share of situations above 0.33), coverage_per_sentence,
    n_sentences.
"""


def distribution_info(description: str | None) -> Any:
    """The ``evaluate.MetricInfo`` of a distance between distributions."""
    import datasets

    shares = datasets.Sequence(datasets.Value("float64"))
    return _info(description, DISTRIBUTIONS, shares, shares)


def label_info(description: str | None) -> Any:
    """The ``evaluate.MetricInfo`` of a figure over classes."""
    import datasets

    label = datasets.Value("string")
    return _info(description, LABELS, label, label)


def answer_info(description: str | None) -> Any:
    """The ``evaluate.MetricInfo`` of a figure of answers beside what they should say."""
    import datasets

    text = datasets.Value("string")
    return _info(description, ANSWERS, text, datasets.Sequence(text))


def _info(description: str | None, inputs: str, prediction: Any, reference: Any) -> Any:
    import datasets
    import evaluate

    return evaluate.MetricInfo(
        description=description or "",
        citation="",
        inputs_description=inputs,
        features=datasets.Features({"predictions": prediction, "references": reference}),
    )


def mean_distance(
    distance: Callable[..., float], predictions: Sequence[Sequence[float]], references: Sequence[Sequence[float]]
) -> float:
    """Mean of ``distance`` over pairs of distributions; NaN without any."""
    return mean([distance(p, q) for p, q in zip(predictions, references, strict=True)])


def mean(values: Sequence[float]) -> float:
    """Mean of the values; NaN without any."""
    return math.fsum(values) / len(values) if values else math.nan
