import pytest

from plural_tasks.sources.dont_know import PHRASES, dont_know, states_no_opinion


@pytest.mark.parametrize(
    "option",
    [
        "DK/Refused",
        "Don't know",
        "Don’t know",
        "Don't know/Refused",
        "DK / No answer",
        "Refused (VOL)",
        "Don't know (DO NOT READ)",
        "No answer",
        "Don't know or refused",
        "Other missing; Multiple answers Mail (EVS)",
        "Missing; Not available",
        "Total                  N=",
        "Not sure",
        '"I\'m not sure"',
        "Haven't heard enough (VOL)",
        "NO OPINION.",
    ],
)
def test_states_no_opinion(option: str) -> None:
    assert states_no_opinion(option)


@pytest.mark.parametrize(
    "option",
    [
        "Yes",
        "Neither (VOL)",
        "Depends (VOL)",
        "Never heard of",
        "Not mentioned",
        "Does not apply",
        "It doesn't matter",
        "None (VOL)",
        "Yes, I know someone",
        "No, I do not know anyone",
        "Don't know any of them",
        "I am not sure if there were guns in my household",
        "No answer is right",
        "Don't know or none",
        "Neither/Refused",
        "Refused to vote",
        "Not at all",
        "or",
        "/",
        "",
        "(VOL)",
    ],
)
def test_states_an_opinion(option: str) -> None:
    assert not states_no_opinion(option)


def test_dont_know_gives_the_places() -> None:
    assert dont_know(["Yes", "DK/Refused", "No", "No answer"]) == (1, 3)
    assert dont_know(["Yes", "No"]) == dont_know([]) == ()


def test_the_phrases_can_be_matched() -> None:
    assert all(states_no_opinion(phrase) for phrase in PHRASES)
