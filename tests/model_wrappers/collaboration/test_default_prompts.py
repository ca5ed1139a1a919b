"""The default prompt set's lists: numbers of which none begins another, and who is wanted before who is listed."""

import pytest

from model_wrappers.collaboration.prompts import load_prompts
from model_wrappers.collaboration.selection import numbers, parse_number


def listing(template: str, count: int) -> str:
    people = [
        {"name": f"n{at}", "community": f"n{at}", "description": f"d{at}", "text": f"t{at}", "number": number}
        for at, number in enumerate(numbers(count))
    ]
    name = {"route": "communities", "select": "messages"}[template]
    return load_prompts("default").render(template, question="Q?", attribute="who is wanted", **{name: people})


@pytest.mark.parametrize("template", ["route", "select"])
@pytest.mark.parametrize(("count", "shown"), [(3, ["1", "2", "3"]), (11, [f"{at:02d}" for at in range(1, 12)])])
def test_lists_of_ten_and_more_count_with_two_digits(template: str, count: int, shown: list[str]) -> None:
    lines = listing(template, count).splitlines()
    for at, number in enumerate(shown):
        assert f"{number}. d{at}" in lines
        assert (f"{number}. t{at}" in lines) is (template == "select")
        assert parse_number(number, count) == at + 1
    assert not any(one != other and other.startswith(one) for one in shown for other in shown)


@pytest.mark.parametrize("template", ["route", "select"])
def test_who_is_wanted_stands_before_the_list_of_who_speaks(template: str) -> None:
    prompt = listing(template, 4)
    assert prompt.index("who is wanted") < prompt.index("1. d0")
    assert prompt.endswith("Number:")
