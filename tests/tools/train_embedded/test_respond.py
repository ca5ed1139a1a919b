"""From a mean stance to shares of answers: every form of question, both ways round, draws and reasons."""

import random
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from math import sqrt
from statistics import NormalDist

import pytest

from tests.tools.train_embedded.made import PLAIN, THEME
from tools.train_embedded.respond import (
    FORMS,
    SPREAD,
    Asked,
    _lower,
    ask_about,
    draw_stances,
    equal_edges,
    forms_of,
    reason_for,
)


def test_steps_are_equally_wide() -> None:
    assert equal_edges(2) == (0.0,)
    assert equal_edges(4) == (-1.0, 0.0, 1.0)
    assert equal_edges(5) == pytest.approx((-1.2, -0.4, 0.4, 1.2))


def test_shares_are_the_areas_between_the_edges() -> None:
    asked = Asked("?", ("low", "middle", "high"), (0, 1, 2), (-0.9, 0.9))
    # Around 0 with standard deviation 0.9: Phi(-1) = 0.1587 on either side.
    assert asked.shares(0.0) == pytest.approx((0.1587, 0.6827, 0.1587), abs=1e-4)
    # Around 0.9: Phi(-2) = 0.0228 below, half above.
    assert asked.shares(0.9) == pytest.approx((0.0228, 0.4772, 0.5), abs=1e-4)
    assert sum(asked.shares(1.7)) == pytest.approx(1.0)


def test_shares_follow_the_options_into_another_order() -> None:
    asked = Asked("?", ("low", "middle", "high"), (0, 1, 2), (-0.9, 0.9))
    turned = asked.reordered((2, 0, 1))
    assert turned.options == ("high", "low", "middle")
    assert turned.shares(0.9) == pytest.approx((0.5, 0.0228, 0.4772), abs=1e-4)
    assert [turned.stance(place) for place in range(3)] == pytest.approx([1.45, -1.45, 0.0])


def test_what_carries_less_far_is_answered_nearer_to_the_middle() -> None:
    half = Asked("?", ("no", "yes"), (0, 1), (0.0,), carries=0.5)
    assert half.shares(1.8)[1] == pytest.approx(NormalDist().cdf(1.0))  # 0.9 of mean over 0.9 of spread


def scale(low: int, high: int) -> tuple[str, ...]:
    between = [str(number) for number in range(low + 1, high)]
    return (f"{low} (completely disagree)", *between, f"{high} (completely agree)")


# Form -> its lists of options, from minus to plus for what is on the statement's side.
OPTIONS: dict[str, set[tuple[str, ...]]] = {
    "yes_no": {("No", "Yes")},
    "agree": {
        ("Strongly disagree", "Disagree", "Neither agree nor disagree", "Agree", "Strongly agree"),
        ("Strongly disagree", "Somewhat disagree", "Neither agree nor disagree", "Somewhat agree", "Strongly agree"),
        ("Strongly disagree", "Disagree", "Agree", "Strongly agree"),
        ("Disagree completely", "Rather disagree", "Rather agree", "Agree completely"),
        ("Disagree", "Agree"),
    },
    "favour": {
        ("Against", "For"),
        ("Oppose", "Neither favor nor oppose", "Favor"),
        ("I am against it", "I am not sure", "I am for it"),
    },
    "statements": {("Wells should be shallow.", "Wells should be deep.")},
    "spending": {("Too much", "About right", "Too little")},
    "graded": {("Very shallow", "Rather shallow", "Rather deep", "Very deep")},
    "scale": {scale(0, 10), scale(1, 10), scale(1, 5)},
}
CLAIMS = {
    "Wells should be deep.": (1, 1.0),
    "Wells should be shallow.": (-1, 1.0),
    **dict.fromkeys(THEME.plus, (1, 0.7)),
    **dict.fromkeys(THEME.minus, (-1, 0.7)),
}
LEADS = {"agree": ("Do you agree or disagree? ", "How far do you agree with this: ", "Someone says: ")}
LEADS["scale"] = ("Where do you stand on this? ",)
QUESTIONS = {
    "yes_no": "Should wells be deep?",
    "favour": "Are you for or against this: digging a deep well?",
    "statements": "Which of these is closer to your own view?",
    "spending": "Is the money that this country spends on wells too little, about right or too much?",
    "graded": "How deep should a well be?",
}


def test_every_form_is_worked_by_hand() -> None:
    assert set(OPTIONS) == set(QUESTIONS) | set(LEADS) == set(FORMS)


@pytest.mark.parametrize("form", QUESTIONS)
def test_options_of_forms_with_one_side(form: str) -> None:
    rng = random.Random(1)
    asked = [FORMS[form](THEME, rng) for _ in range(100)]
    assert {one.options for one in asked} == OPTIONS[form]
    assert {one.question for one in asked} == {QUESTIONS[form]}
    assert all(one.steps == tuple(range(len(one.options))) and one.carries == 1.0 for one in asked)


@pytest.mark.parametrize("form", LEADS)
def test_both_sides_are_put_up_for_agreement(form: str) -> None:
    rng, claims = random.Random(1), Counter()
    for _ in range(1500):
        asked = FORMS[form](THEME, rng)
        claim = next(asked.question.removeprefix(lead) for lead in LEADS[form] if asked.question.startswith(lead))
        sign, carries = CLAIMS[claim]
        assert asked.options in OPTIONS[form]
        assert asked.carries == carries
        # Whoever is for the claim agrees.
        shares = asked.shares(1.5 * sign)
        assert shares[-1] == max(shares)
        assert asked.steps == tuple(range(len(asked.options)))[::sign]
        claims[claim] += 1
    assert set(claims) == set(CLAIMS)
    # Half of the claims are on the statement's side: 750 +- 4 x 19.4; three of five are the theme's own: 900 +- 4 x 19.
    assert abs(sum(claims[claim] for claim, (sign, _) in CLAIMS.items() if sign > 0) - 750) <= 77
    assert abs(sum(claims[claim] for claim, (_, carries) in CLAIMS.items() if carries == 1.0) - 900) <= 76


def test_the_middle_of_spending_is_narrow() -> None:
    assert FORMS["spending"](THEME, random.Random(0)).edges == (-0.6, 0.4)


def test_forms_that_a_theme_does_not_suit_are_never_drawn() -> None:
    assert set(forms_of(PLAIN)) == {"yes_no", "agree", "favour", "statements", "scale"}
    assert set(forms_of(THEME)) == set(FORMS)
    # 6 of every theme, 3 of spending, 2 graded, 1 scale.
    assert Counter(forms_of(THEME))["spending"] == 3
    assert len(forms_of(THEME)) == 12


def test_options_are_read_out_in_both_directions_and_the_shares_stay_theirs() -> None:
    rng = random.Random(2)
    asked = [ask_about(THEME, rng, form="graded") for _ in range(400)]
    orders = Counter(one.options for one in asked)
    assert set(orders) == {THEME.options, THEME.options[::-1]}
    # 400 fair draws: 200 +- 4 x 10.
    assert 160 <= orders[THEME.options] <= 240
    for one in asked:
        shares = dict(zip(one.options, one.shares(1.2), strict=True))
        assert [round(shares[option], 3) for option in THEME.options] == [0.007, 0.084, 0.321, 0.588]


SIDES: dict[str, Callable[[str], bool]] = {
    "plus": THEME.plus.__contains__,
    "minus": THEME.minus.__contains__,
    "between": THEME.between.__contains__,
}


def near(share: float, expected: float, n: int) -> bool:
    """Within four standard errors of a share."""
    return abs(share - expected) <= 4 * sqrt(expected * (1 - expected) / n)


def test_stances_drawn_together_come_from_equal_slices_of_the_distribution() -> None:
    rng = random.Random(5)
    normal = NormalDist(0.4, SPREAD)
    firsts = []
    for _ in range(500):
        drawn = draw_stances(0.4, 4, rng)
        firsts.append(drawn[0])
        # A quarter of the distribution each; what lies beyond -2 and 2 is cut, and stays in its quarter.
        assert sorted(int(min(normal.cdf(stance), 0.999) * 4) for stance in drawn) == [0, 1, 2, 3]
    # In any order: the first is any of them, half of the time below the middle, 250 +- 4 x 11.2.
    assert abs(sum(stance < 0.4 for stance in firsts) - 250) <= 44.7
    assert all(-2.0 <= stance <= 2.0 for stance in draw_stances(1.9, 4, rng))


@pytest.mark.parametrize(
    ("stance", "shares"),
    [
        (-2.0, {"minus": 1.0}),
        (-0.3, {"minus": 1.0}),
        (-0.29, {"minus": 0.3, "between": 0.7}),
        (0.0, {"plus": 0.3, "between": 0.7}),
        (0.29, {"plus": 0.3, "between": 0.7}),
        (0.3, {"plus": 1.0}),
        (2.0, {"plus": 1.0}),
    ],
)
def test_reasons_come_from_the_side_of_the_stance(stance: float, shares: dict[str, float]) -> None:
    rng, n = random.Random(4), 4000
    reasons = [reason_for(THEME, stance, rng) for _ in range(n)]
    for side, belongs in SIDES.items():
        assert near(sum(map(belongs, reasons)) / n, shares.get(side, 0.0), n), side


def test_steps_of_every_form_cover_the_scale() -> None:
    rng = random.Random(6)
    for form in FORMS:
        asked = FORMS[form](THEME, rng)
        assert sorted(asked.steps) == list(range(len(asked.options)))
        assert all(low < high for low, high in pairwise(asked.edges))
        assert len(asked.edges) == len(asked.options) - 1


def test_only_ordinary_words_lose_their_capital() -> None:
    assert [_lower(text) for text in ("Digging wells", "US troops", "A well")] == [
        "digging wells",
        "US troops",
        "a well",
    ]
