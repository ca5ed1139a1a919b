"""The most likely option, and what is tied with it: one rule for the gold and for what is scored."""

import pytest

from plural_tasks.metrics.corrected import most_likely
from plural_tasks.sources.wording import opinion_item


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ((0.2, 0.5, 0.3), (1,)),
        ((0.4, 0.4, 0.2), (0, 1)),
        ((0.25, 0.25, 0.25, 0.25), (0, 1, 2, 3)),
        ((1.0,), (0,)),
        # 0.1 + 0.2 differs from 0.3 in the last bit
        ((0.1 + 0.2, 0.3, 0.4 - 0.4), (0, 1)),
        ((0.5, 0.49999, 0.00001), (0,)),
        # 7e-10 of .5 is 1.4e-9, more than the tolerance of 1e-9; 2e-10 of it is 4e-10, less
        ((0.5, 0.5 - 7e-10), (0,)),
        ((0.5, 0.5 - 2e-10), (0, 1)),
    ],
)
def test_most_likely(shares: tuple[float, ...], expected: tuple[int, ...]) -> None:
    assert tuple(most_likely(shares)) == expected


def test_the_gold_of_a_question_is_tied_where_its_score_is() -> None:
    shares = (0.5, 0.5 - 7e-10)
    item = opinion_item("1", "Is it so?", "SEX", "Female", ("Yes", "No"), shares, ordinal=False)
    assert item.gold == (0,) == tuple(most_likely(shares))
