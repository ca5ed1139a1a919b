"""Properties of the distances; cases with figures are in cases/."""

import math

import pytest

from plural_tasks.metrics import js_distance, normalise, tv_distance, wasserstein
from plural_tasks.metrics.lexical import content_words

PAIRS = [
    ([1.0, 0.0], [0.5, 0.5]),
    ([0.5, 0.5, 0.0], [0.0, 0.5, 0.5]),
    ([0.75, 0.25], [0.25, 0.75]),
    ([0.1, 0.2, 0.3, 0.4], [0.4, 0.1, 0.2, 0.3]),
]


@pytest.mark.parametrize("distance", [js_distance, tv_distance, wasserstein])
@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_distances_are_symmetric_and_do_not_depend_on_scale(distance, p, q) -> None:
    assert distance(p, q) == pytest.approx(distance(q, p), abs=1e-12)
    assert distance([8 * share for share in p], q) == pytest.approx(distance(p, q), abs=1e-12)
    assert 0.0 < distance(p, q) <= 1.0


@pytest.mark.parametrize("distance", [js_distance, tv_distance, wasserstein])
@pytest.mark.parametrize("shares", [[1.0], [0.5, 0.5], [0.1, 0.2, 0.7], [1 / 3, 1 / 3, 1 / 3], [1e-9, 1 - 1e-9]])
def test_equal_distributions_have_no_distance(distance, shares) -> None:
    assert distance(shares, list(shares)) == pytest.approx(0.0, abs=1e-8)


def test_the_order_of_options_matters_to_wasserstein_alone() -> None:
    pair, turned = ([1, 0, 0], [0, 1, 0]), ([0, 0, 1], [1, 0, 0])

    assert tv_distance(*pair) == tv_distance(*turned) == 1.0
    assert js_distance(*pair) == js_distance(*turned) == 1.0
    assert (wasserstein(*pair), wasserstein(*turned)) == (0.5, 1.0)


def test_normalise_does_not_overflow() -> None:
    shares, mass = normalise([1e300, 1e300])

    assert shares == [0.5, 0.5]
    assert math.isfinite(mass)


def test_content_words_are_long_lower_case_and_no_function_words() -> None:
    # "of", "a", "is" are short, "The", "and", "without" are function words, digits and signs are no letters.
    found = content_words("The Duty of a Nurse is care, and without 24h rest_breaks größer!")

    assert found == {"duty", "nurse", "care", "rest", "breaks", "größer"}
