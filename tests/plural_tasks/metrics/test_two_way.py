"""Two-way clustered errors: worked by hand, and whether the intervals of simulated studies hold the truth."""

from __future__ import annotations

import math
import random

import pytest

from plural_tasks.human_study.design import assign
from plural_tasks.metrics.two_way import fewest_effective, two_way_interval, two_way_se
from plural_tasks.metrics.uncertainty import clustered_interval, clustered_se
from plural_tasks.pairwise import rates
from plural_tasks.pairwise.summary import leaning

VALUES = [1, 1, 1, 1, 1, 0, 1, 0, 0]
ROWS, COLUMNS = [1, 1, 1, 2, 2, 2, 3, 3, 3], [1, 2, 3] * 3


def test_the_variance_by_hand() -> None:
    # Rows of a table: 1 1 1 / 1 1 0 / 1 0 0; mean 6/9 = 2/3. Deviations 1/3 (six of them) and -2/3 (three).
    # By row: sums 1, 0, -1; 3/2 x 2 = 3. By column: 1, 0, -1 too: 3.
    # By cell: 6 x 1/9 + 3 x 4/9 = 2; 9/8 x 2 = 9/4. 3 + 3 - 9/4 = 15/4, over n^2 = 81
    assert clustered_se(VALUES, ROWS) ** 2 == pytest.approx(3 / 81)
    assert two_way_se(VALUES, ROWS, COLUMNS) ** 2 == pytest.approx(15 / 4 / 81)
    # t(2) = 4.302653; three clusters of three each way
    reach = 4.302653 * math.sqrt(15 / 4 / 81)
    assert two_way_interval(VALUES, ROWS, COLUMNS) == pytest.approx((2 / 3 - reach, 2 / 3 + reach), abs=1e-6)


def test_several_rows_of_both_clusters_are_one_cell() -> None:
    # Every row twice: all sums double, so 4 x 3 by row and column, by cell 9/8 x 4 x 2 = 9; (12 + 12 - 9) / 18^2
    twice = [[*values, *values] for values in (VALUES, ROWS, COLUMNS)]
    assert two_way_se(*twice) ** 2 == pytest.approx(15 / 18**2)


def test_it_is_never_below_the_larger_of_both_one_way_errors() -> None:
    # Columns 1 1 / 0 0: by row sums 0, 0; by column 1, -1: 2 x 2 = 4; by cell 4/3 x 4 x 1/4 = 4/3. 0 + 4 - 4/3 < 4
    values, rows, columns = [1, 0, 1, 0], [1, 1, 2, 2], [1, 2, 1, 2]
    assert two_way_se(values, rows, columns) == two_way_se(values, columns, rows) == pytest.approx(math.sqrt(4) / 4)
    # 1 0 / 0 1: 0 by row and by column, 4/3 by cell, so -4/3: 0, not a root of a negative figure
    assert two_way_se([1, 0, 0, 1], rows, columns) == 0.0


def test_the_scarcer_clusters_give_the_degrees_of_freedom() -> None:
    # Raters with 3 and 1 rows: 16 / 10 = 1.6 effective ones; four situations with one each
    assert fewest_effective("wxyz", "aaab") == fewest_effective("aaab", "wxyz") == pytest.approx(1.6)
    low, high = two_way_interval([1, 0, 1, 0], "wxyz", "aaab")
    # Mean 1/2; by situation 4/3 x 4/4 = 4/3, by rater sums 1/2, -1/2: 2 x 1/2 = 1, by both 4/3. Floor 4/3. t(0.6)
    from scipy.stats import t

    assert high - low == pytest.approx(2 * t.ppf(0.975, 0.6) * math.sqrt(4 / 3) / 4)


def test_one_rater_or_one_situation_has_no_error() -> None:
    for one, other in (("xxx", "abc"), ("abc", "xxx")):
        assert math.isnan(two_way_se([1, 0, 1], one, other))
        assert all(math.isnan(end) for end in two_way_interval([1, 0, 1], one, other))
    assert all(math.isnan(end) for end in two_way_interval([], [], []))


def test_rows_without_a_figure_are_left_out_and_bad_input_is_refused() -> None:
    padded = two_way_interval([*VALUES, math.nan], [*ROWS, 4], [*COLUMNS, 4])
    assert padded == two_way_interval(VALUES, ROWS, COLUMNS)
    with pytest.raises(ValueError, match="confidence"):
        two_way_interval(VALUES, ROWS, COLUMNS, level=95)
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        two_way_se([1, 2], ["a", "b"], ["x"])


def study(rng: random.Random, sd: float) -> tuple[list, list, list, list]:
    """100 pairs, 10 raters, 3 ratings each; every rater has a taste and a habit, N(0, sd) in logits, of mean 0."""
    verdicts, leans, situations, raters = [], [], [], []
    for rater, load in enumerate(assign(100, 10, 3, rng)):
        taste, habit = rng.gauss(0, sd), rng.gauss(0, sd)
        for place, pair in enumerate(load):
            side = 1 if place % 2 else -1
            first = rng.random() < 1 / (1 + math.exp(-(habit + side * taste)))
            verdicts.append("a" if first == (side == 1) else "b")
            leans.append(1.0 if first else -1.0)
            situations.append(pair)
            raters.append(rater)
    return verdicts, leans, situations, raters


@pytest.mark.parametrize("what", ["win rate", "lean"])
def test_intervals_hold_the_truth_where_raters_differ(what) -> None:
    rng, hits = random.Random(11), {"one-way": 0, "two-way": 0}
    for _ in range(300):
        verdicts, leans, situations, raters = study(rng, 1.0)
        if what == "win rate":
            found, truth = [rates(verdicts, situations).interval, rates(verdicts, situations, raters).interval], 0.5
        else:
            found, truth = [clustered_interval(leans, situations), leaning(leans, situations, raters)["interval"]], 0.0
        for name, (low, high) in zip(hits, found, strict=True):
            hits[name] += low <= truth <= high

    # Binomial: 300 draws at .95 have a standard deviation of .013.
    assert hits["one-way"] / 300 < 0.75
    assert 0.90 <= hits["two-way"] / 300 < 0.99
