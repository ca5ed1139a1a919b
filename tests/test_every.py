import pytest

from tests.every import every


def _small(number: int) -> None:
    assert number < 10, f"{number} is too large"


def test_all_failures_are_listed_with_their_places() -> None:
    with pytest.raises(AssertionError) as raised:
        every([("first", 3), ("second", 12), ("third", 9), ("fourth", 40)], _small)

    assert [line for line in str(raised.value).splitlines() if " < " not in line] == [
        "2 of 4 failed",
        "second: AssertionError: 12 is too large",
        "fourth: AssertionError: 40 is too large",
    ]


def test_errors_of_another_kind_are_failures_too() -> None:
    with pytest.raises(AssertionError, match="first: ZeroDivisionError"):
        every([("first", 0)], lambda number: print(1 / number))


def test_what_is_right_passes() -> None:
    every([("first", 3), ("second", 9)], _small)


def test_no_data_is_a_failure() -> None:
    with pytest.raises(AssertionError, match="nothing to check"):
        every([], _small)
