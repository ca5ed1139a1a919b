"""Intervals that are drawn at random; those with a formula are in cases/uncertainty.json."""

import math
import random
from statistics import fmean, stdev

import pytest

from plural_tasks.metrics import clustered_bootstrap, clustered_interval, clustered_se, macro_f1


def weighted_mean(values):
    return lambda weights: sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)


def test_without_clusters_it_is_the_ordinary_standard_error() -> None:
    rng = random.Random(1)
    values = [rng.gauss(0, 1) for _ in range(50)]

    assert clustered_se(values, range(50)) == pytest.approx(stdev(values) / math.sqrt(50), rel=1e-12)


def test_clusters_that_repeat_a_row_give_the_error_of_the_rows_without_repetition() -> None:
    rng = random.Random(2)
    values = [rng.gauss(0, 1) for _ in range(40)]
    thrice = [value for value in values for _ in range(3)]

    assert clustered_se(thrice, [place // 3 for place in range(120)]) == pytest.approx(
        clustered_se(values, range(40)), rel=1e-12
    )


@pytest.mark.slow
def test_the_interval_holds_the_true_mean_in_95_of_100_samples() -> None:
    # 12 clusters of 5 rows: cluster effect N(0, 1), noise N(0, .5). 2000 samples: a share within .95 ± .015.
    rng = random.Random(3)
    clusters = [place // 5 for place in range(60)]
    hits = 0
    for _ in range(2000):
        effects = [rng.gauss(0, 1) for _ in range(12)]
        low, high = clustered_interval([effects[name] + rng.gauss(0, 0.5) for name in clusters], clusters)
        hits += low <= 0.0 <= high

    assert hits / 2000 == pytest.approx(0.95, abs=0.015)


def test_bootstrap_draws_whole_clusters() -> None:
    # Two clusters of means 0 and 1: a draw of two has the mean 0, 1/2 or 1 with the shares 1/4, 1/2, 1/4.
    seen = []

    def statistic(weights):
        seen.append(tuple(weights))
        return weighted_mean([0, 0, 1, 1])(weights)

    assert clustered_bootstrap(statistic, ["a", "a", "b", "b"], level=0.9) == (0.0, 1.0)
    assert set(seen) == {(2, 2, 0, 0), (1, 1, 1, 1), (0, 0, 2, 2)}
    assert len(seen) == 1000
    # Binomial: 500 of 1000 with a standard deviation of 16.
    assert seen.count((1, 1, 1, 1)) == pytest.approx(500, abs=65)


def test_bootstrap_agrees_with_the_formula_where_both_apply() -> None:
    rng = random.Random(4)
    effects = [rng.gauss(0, 1) for _ in range(200)]
    clusters = [place // 2 for place in range(400)]
    values = [effects[name] + rng.gauss(0, 1) for name in clusters]
    low, high = clustered_bootstrap(weighted_mean(values), clusters, resamples=2000)

    # sqrt((G - 1) / G) apart, and a percentile of 2000 draws is known to about 5 %.
    assert (high - low) / 2 == pytest.approx(1.96 * clustered_se(values, clusters), rel=0.1)
    assert (high + low) / 2 == pytest.approx(fmean(values), abs=0.02)


def test_bootstrap_is_the_same_for_the_same_seed_only() -> None:
    values, clusters = [1, 5, 2, 8, 9, 4], [1, 2, 3, 4, 5, 6]
    first = clustered_bootstrap(weighted_mean(values), clusters, resamples=50, seed=7)

    assert clustered_bootstrap(weighted_mean(values), clusters, resamples=50, seed=7) == first
    assert clustered_bootstrap(weighted_mean(values), clusters, resamples=50, seed=8) != first


def test_bootstrap_of_a_figure_over_classes() -> None:
    gold, predicted = ["A", "A", "B", "B"], ["A", "A", "B", "B"]

    def statistic(weights):
        return macro_f1(gold, predicted, ["A", "B"], weights)

    # Whatever is drawn is predicted right; a class that is not drawn is left out.
    assert clustered_bootstrap(statistic, [1, 2, 3, 4], resamples=20) == (1.0, 1.0)


def test_bootstrap_leaves_out_draws_without_a_figure() -> None:
    # The second cluster cannot be scored; a draw of it alone has no figure.
    def statistic(weights):
        return 3.0 if weights[0] else math.nan

    assert clustered_bootstrap(statistic, ["a", "b"], resamples=30) == (3.0, 3.0)


@pytest.mark.parametrize("clusters", [[], ["a", "a"]])
def test_bootstrap_needs_two_clusters(clusters) -> None:
    assert all(math.isnan(end) for end in clustered_bootstrap(lambda _: 1.0, clusters))


def test_bootstrap_of_nothing_scorable() -> None:
    assert all(math.isnan(end) for end in clustered_bootstrap(lambda _: math.nan, [1, 2], resamples=3))


def test_bootstrap_refuses_what_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="0 resamples"):
        clustered_bootstrap(lambda _: 1.0, [1, 2], resamples=0)
    with pytest.raises(ValueError, match="a confidence of 1"):
        clustered_bootstrap(lambda _: 1.0, [1, 2], level=1.0)
