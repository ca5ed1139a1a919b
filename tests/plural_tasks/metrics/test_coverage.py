"""Coverage from matrices of shape (values, sentences); every figure is worked out beside it."""

import math
from typing import Any

import pytest

from plural_tasks.metrics.coverage import (
    THRESHOLD,
    contradiction_rate,
    coverage_per_sentence,
    is_covered,
    mean_coverage,
    value_coverage,
)

NAN = math.nan


@pytest.mark.parametrize(
    ("entailment", "by_value", "mean"),
    [
        # best sentence: .6 and .3; mean (.6 + .3) / 2
        ([[0.1, 0.6, 0.2], [0.3, 0.0, 0.1]], [0.6, 0.3], 0.45),
        ([[0.4]], [0.4], 0.4),
        # one sentence may cover several values
        ([[0.9], [0.7], [0.2]], [0.9, 0.7, 0.2], 0.6),
        # an empty answer covers nothing
        ([[], []], [0.0, 0.0], 0.0),
        ([[0.0, 0.0]], [0.0], 0.0),
        ([[1.0, 0.0], [0.0, 1.0]], [1.0, 1.0], 1.0),
    ],
)
def test_coverage_is_the_best_sentence_of_each_value(entailment: Any, by_value: Any, mean: float) -> None:
    assert value_coverage(entailment) == pytest.approx(by_value, abs=1e-12)
    assert mean_coverage(entailment) == pytest.approx(mean, abs=1e-12)


@pytest.mark.parametrize("row", [[NAN, 0.9], [0.9, NAN], [NAN]])
def test_an_unknown_score_is_no_coverage_at_all(row: list[float]) -> None:
    by_value = value_coverage([[0.2] * len(row), row])

    assert by_value[0] == 0.2
    assert math.isnan(by_value[1])
    assert math.isnan(mean_coverage([row, row]))


@pytest.mark.parametrize(("coverage", "covered"), [(0.331, 1.0), (0.33, 0.0), (0.0, 0.0), (-1.0, 0.0), (1.0, 1.0)])
def test_a_situation_is_covered_above_the_threshold(coverage: float, covered: float) -> None:
    assert THRESHOLD == 0.33
    assert is_covered(coverage) == covered


def test_what_is_covered_is_unknown_where_coverage_is() -> None:
    assert math.isnan(is_covered(NAN))
    assert is_covered(0.4, threshold=0.5) == 0.0


@pytest.mark.parametrize(("coverage", "count", "figure"), [(0.6, 3, 0.2), (0.6, 1, 0.6), (0.0, 0, 0.0)])
def test_coverage_per_sentence(coverage: float, count: int, figure: float) -> None:
    assert coverage_per_sentence(coverage, count) == pytest.approx(figure)


@pytest.mark.parametrize(
    ("entailment", "neutral", "contradiction", "rate"),
    [
        # sentence 1: .5 is the largest for value 1; sentence 2: neutral for both; sentence 3: .9 for value 2: 2 of 3
        (
            [[0.2, 0.1, 0.8], [0.6, 0.2, 0.1]],
            [[0.3, 0.7, 0.1], [0.2, 0.5, 0.0]],
            [[0.5, 0.2, 0.1], [0.2, 0.3, 0.9]],
            2 / 3,
        ),
        # both values contradict the same sentence: it counts once, 1 of 2
        ([[0.1, 0.9], [0.1, 0.9]], [[0.1, 0.1], [0.1, 0.1]], [[0.8, 0.0], [0.8, 0.0]], 1 / 2),
        # above .5 is not asked for, largest is
        ([[0.3]], [[0.3]], [[0.4]], 1.0),
        # a tie is none
        ([[0.4]], [[0.2]], [[0.4]], 0.0),
        ([[0.2]], [[0.4]], [[0.4]], 0.0),
        ([[0.9]], [[0.1]], [[0.0]], 0.0),
    ],
)
def test_contradiction_rate(entailment: Any, neutral: Any, contradiction: Any, rate: float) -> None:
    assert contradiction_rate(entailment, neutral, contradiction) == pytest.approx(rate, abs=1e-12)


@pytest.mark.parametrize(
    "matrices",
    [
        ([[]], [[]], [[]]),
        ([[0.5]], [[NAN]], [[NAN]]),
        ([[0.5, 0.1]], [[0.1, 0.1]], [[0.9, NAN]]),
        ([[NAN, 0.1]], [[0.1, 0.1]], [[0.9, 0.1]]),
    ],
)
def test_contradictions_that_cannot_be_told_are_unknown(matrices: Any) -> None:
    assert math.isnan(contradiction_rate(*matrices))


def test_coverage_needs_an_explanation() -> None:
    for figure in (value_coverage, mean_coverage):
        with pytest.raises(ValueError, match="at least one explanation"):
            figure([])
    with pytest.raises(ValueError, match="at least one explanation"):
        contradiction_rate([], [], [])


def test_matrices_have_one_shape() -> None:
    with pytest.raises(ValueError, match=r"one shape \(values, sentences\)"):
        mean_coverage([[0.1, 0.2], [0.3]])
    with pytest.raises(ValueError, match="one shape"):
        contradiction_rate([[0.1, 0.2]], [[0.1, 0.2]], [[0.1]])
    with pytest.raises(ValueError, match="one shape"):
        contradiction_rate([[0.1], [0.2]], [[0.1], [0.2]], [[0.1]])
