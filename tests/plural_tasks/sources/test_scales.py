import pytest

from plural_tasks.sources.scales import is_ordinal


@pytest.mark.parametrize(
    "options",
    [
        "Strongly agree | Agree | Neither agree nor disagree | Disagree | Strongly disagree",
        "Completely agree | Mostly agree | Mostly disagree | Completely disagree",
        "Very favorable | Somewhat favorable | Somewhat unfavorable | Very unfavorable",
        "Very unfavourable | Somewhat unfavourable | Somewhat favourable | Very favourable",
        "Very good | Somewhat good | Somewhat bad | Very bad",
        "Very good thing | Somewhat good | Somewhat bad | Very bad thing",
        "Very good for society | Neither good nor bad for society | Very bad for society",
        "Very satisfied | Somewhat satisfied | Not too satisfied | Not at all satisfied",
        "Very satisfied | Somewhat dissatisfied | Very dissatisfied",
        "Very confident | Somewhat confident | Not too confident | Not confident at all",
        "Always | Often | Sometimes | Rarely | Never",
        "Never | Rarely | Often",
        "Often justified | Sometimes justified | Rarely justified | Never justified",
        "All of the time | Most of the time | Only some of the time | Never",
        "A lot of confidence | Some confidence | Not too much confidence | No confidence at all",
        "Great deal | Fair amount | Not too much | Not at all",
        "Major threat | Minor threat | Not a threat",
        "Very big problem | Moderately big problem | Small problem | Not a problem at all",
        "One of the most important priorities | A very important priority | A lower priority | Not a priority at all",
        "Too little | About right | Too much",
        "All or most | Some | Only a few | None",
        "Excellent | Good | Only fair | Poor",
        "Approve | Disapprove",
        "1 | 2 | 3 | 4",
        "Never justifiable | 2 | 3 | Always justifiable",
        "10 | 9 | 8",
    ],
)
def test_well_known_scales(options: str) -> None:
    assert is_ordinal(options.split(" | "))
    assert is_ordinal(options.split(" | ")[::-1])


@pytest.mark.parametrize(
    "options",
    [
        "Yes | No",
        "Better | Worse | About the same",
        "Good | Bad | Neither",
        "Very good | Very bad | Somewhat good | Somewhat bad",
        "Good | Bad | Good thing | Bad thing",
        "Too much | Not enough | About right",
        "Very favorable | Somewhat favorable | Somewhat unfavorable | Very unfavorable | Never heard of",
        "Very happy | Somewhat satisfied",
        "A lot of confidence | Some influence | No confidence at all",
        "Major threat | Minor problem | Not a threat",
        "Favor Israel | Oppose Palestine",
        "Good | Bad | Very bad idea of mine | Very bad",
        "Israel | Palestinians",
        "Freedom | Equality | Not at all",
        "Some | Some of them",
        "2 | 4 | 6",
        "1 | 3 | 2",
        "1 | Two | 3 | 4",
        "1 | Some | 2 | 3",
        "Low | 1 | High",
        "Agree",
        "",
    ],
)
def test_what_is_in_doubt_is_no_scale(options: str) -> None:
    assert not is_ordinal(options.split(" | "))


def test_dont_know_options_stand_beside_the_scale() -> None:
    options = ["DK", "Approve", "Disapprove", "Refused"]

    assert not is_ordinal(options)
    assert is_ordinal(options, (0, 3))
    assert not is_ordinal(options, (0, 2, 3))
    assert not is_ordinal([])
