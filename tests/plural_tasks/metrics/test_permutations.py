"""Orders of options."""

import math

import pytest

from plural_tasks.metrics.permutations import option_orders, restore, show


@pytest.mark.parametrize(
    ("n", "k", "expected"),
    [
        (0, 3, [()]),
        (1, 2, [(0,)]),
        (2, 1, [(0, 1)]),
        (2, 2, [(0, 1), (1, 0)]),
        (2, 9, [(0, 1), (1, 0)]),
        (3, 2, [(0, 1, 2), (2, 1, 0)]),
        # rotations 012, 120, 201, each with its reverse
        (3, 6, [(0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 2, 1), (2, 0, 1), (1, 0, 2)]),
    ],
)
def test_orders(n, k, expected) -> None:
    assert option_orders(n, k) == expected


def test_every_option_stands_in_every_place_equally_often_at_twice_the_number_of_options() -> None:
    orders = option_orders(5, 10)
    for place in range(5):
        assert sorted(order[place] for order in orders) == sorted([0, 1, 2, 3, 4] * 2)


@pytest.mark.parametrize("k", [2, 4, 6])
def test_an_even_number_of_orders_puts_every_option_in_the_middle_on_average(k) -> None:
    orders = option_orders(4, k)
    for option in range(4):
        assert sum(order.index(option) for order in orders) / k == 1.5


def test_random_orders_are_different_and_the_same_for_the_same_seed() -> None:
    orders = option_orders(4, 20, seed="q1")
    assert len(set(orders)) == 20
    assert orders == option_orders(4, 20, seed="q1")
    assert orders[:8] == option_orders(4, 20, seed="q2")[:8]
    assert orders != option_orders(4, 20, seed="q2")
    assert len(option_orders(4, 99, seed="q1")) == math.factorial(4)


def test_none_is_no_number_of_orders() -> None:
    with pytest.raises(ValueError, match="is 0, expected at least 1"):
        option_orders(3, 0)


def test_restore_undoes_show() -> None:
    order = (2, 0, 1)
    assert show(["a", "b", "c"], order) == ["c", "a", "b"]
    assert restore(["c", "a", "b"], order) == ["a", "b", "c"]
    with pytest.raises(ValueError, match="2 values for 3 options"):
        restore(["c", "a"], order)
