"""Smoothing and the Monte-Carlo error, with figures worked by hand or by integration."""

import math

import numpy as np
import pytest

from plural_tasks.metrics import js_distance
from plural_tasks.metrics.montecarlo import estimates, js_distances, js_error, replicates, smoothed


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global quad, beta
    from scipy.integrate import quad
    from scipy.stats import beta


def test_smoothing_adds_alpha_to_every_option() -> None:
    # (3 + .5), (1 + .5), (0 + .5) of 4 + 3 x .5 = 5.5
    assert smoothed([3, 1, 0], 0.5) == pytest.approx([3.5 / 5.5, 1.5 / 5.5, 0.5 / 5.5])
    assert smoothed([3, 1, 0], 0.0) == [0.75, 0.25, 0.0]
    assert smoothed([0, 0, 0], 0.5) == [0.0, 0.0, 0.0]


def test_the_error_is_the_mean_square_distance_by_hand() -> None:
    draws = np.array([[0.5, 0.5], [1.0, 0.0]])
    # Between (.5, .5) and (1, 0): middle (.75, .25); half of .5 log2(.5/.75) + .5 log2(.5/.25) and of log2(1/.75)
    # = (.2075187 + .4150375) / 2 = .3112781 bits; mean with 0: .1556391; root .3945111.
    assert js_error([0.5, 0.5], draws) == pytest.approx(math.sqrt(0.3112781 / 2), abs=1e-6)


@pytest.mark.parametrize("counts", [(9, 1), (20, 0), (3, 4)])
def test_for_two_options_it_is_an_integral_over_the_posterior(counts: tuple[int, int]) -> None:
    shares = smoothed(counts, 0.5)
    posterior = beta(counts[0] + 0.5, counts[1] + 0.5)
    square, _ = quad(lambda p: posterior.pdf(p) * js_distance([p, 1 - p], shares) ** 2, 1e-12, 1 - 1e-12, limit=200)
    errors = [js_error(shares, replicates(counts, 0.5, seed)) for seed in range(20)]
    assert float(np.mean(errors)) == pytest.approx(math.sqrt(square), rel=0.04)


def test_it_falls_with_the_root_of_the_number_of_answers() -> None:
    # JS divergence is about sum (d^2 / p) / (8 ln 2), whose mean is (K - 1) / (n + K alpha + 1): for K = 3, n = 600,
    # 2 / 602.5 / 5.545 = .000599, root .02447.
    counts = [300, 200, 100]
    errors = [js_error(smoothed(counts, 0.5), replicates(counts, 0.5, seed)) for seed in range(20)]
    assert float(np.mean(errors)) == pytest.approx(0.02447, rel=0.04)


def test_replicates_are_seeded_distributions() -> None:
    one, again, other = (replicates([2, 0, 1], 0.0, seed) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert one.sum(axis=1) == pytest.approx(np.ones(len(one)))
    assert (one[:, 1] < 1e-200).all()  # without smoothing what was never said stays so


def test_distances_row_by_row_are_those_of_the_metric() -> None:
    rows = np.array([[0.5, 0.5, 0.0], [0.2, 0.3, 0.5], [0.0, 0.0, 1.0]])
    other = [0.2, 0.3, 0.5]
    assert js_distances(rows, other) == pytest.approx([js_distance(row, other) for row in rows.tolist()], abs=1e-9)
    assert js_distances(rows, other)[1] == 0.0


def test_estimates_are_smoothed_shares_of_answers_drawn_from_a_distribution() -> None:
    one, again, other = (estimates([0.25, 0.75, 0.0], 4, 0.5, seed) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    # (k + .5) / (4 + 3 x .5), of which the mean for 4 x .25 = 1 is 1.5 / 5.5; what is never drawn has .5 / 5.5.
    assert set(np.round(one[:, 0] * 5.5, 9)) <= {0.5, 1.5, 2.5, 3.5, 4.5}
    assert float(one[:, 0].mean()) == pytest.approx(1.5 / 5.5, rel=0.05)
    assert one[:, 2] == pytest.approx(np.full(len(one), 0.5 / 5.5))
