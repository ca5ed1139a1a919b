"""From a stance to an answer: steps of the scale, every form of question, draws and reasons."""

import random
from collections import Counter
from collections.abc import Callable
from math import sqrt
from statistics import NormalDist

import pytest

from tests.tools.train_embedded.made import PLAIN, THEME
from tools.train_embedded.respond import (
    FORMS,
    SPREAD,
    _forms,
    _lower,
    draw_stance,
    draw_stances,
    reason_for,
    reply,
    step,
)

STANCES = (-2.0, -0.1, 0.1, 2.0)


@pytest.mark.parametrize(
    ("count", "steps"),
    [
        # floor((stance + 2) / 4 x count), at most count - 1:
        (2, (0, 0, 1, 1)),  # 0, 0.95, 1.05, 2
        (3, (0, 1, 1, 2)),  # 0, 1.425, 1.575, 3
        (4, (0, 1, 2, 3)),  # 0, 1.9, 2.1, 4
        (5, (0, 2, 2, 4)),  # 0, 2.375, 2.625, 5
        (10, (0, 4, 5, 9)),  # 0, 4.75, 5.25, 10
        (11, (0, 5, 5, 10)),  # 0, 5.225, 5.775, 11
    ],
)
def test_steps_of_the_scale(count: int, steps: tuple[int, ...]) -> None:
    assert tuple(step(stance, count) for stance in STANCES) == steps


def test_steps_are_equally_wide() -> None:
    # Four steps: -2 to -1, -1 to 0, 0 to 1, 1 to 2.
    assert [step(stance, 4) for stance in (-1.01, -1.0, -0.01, 0.0, 0.99, 1.0)] == [0, 1, 1, 2, 2, 3]


def scale(low: int, high: int) -> tuple[str, ...]:
    between = [str(number) for number in range(low + 1, high)]
    return (f"{low} (completely disagree)", *between, f"{high} (completely agree)")


# Form -> each list of options, and the place of the answer at -2, -0.1, 0.1 and 2 (by the steps above).
EXPECTED: dict[str, dict[tuple[str, ...], tuple[int, ...]]] = {
    "yes_no": {("No", "Yes"): (0, 0, 1, 1)},
    "agree": {
        ("Strongly disagree", "Disagree", "Neither agree nor disagree", "Agree", "Strongly agree"): (0, 2, 2, 4),
        (
            "Strongly disagree",
            "Somewhat disagree",
            "Neither agree nor disagree",
            "Somewhat agree",
            "Strongly agree",
        ): (0, 2, 2, 4),
        ("Strongly disagree", "Disagree", "Agree", "Strongly agree"): (0, 1, 2, 3),
        ("Disagree completely", "Rather disagree", "Rather agree", "Agree completely"): (0, 1, 2, 3),
        ("Disagree", "Agree"): (0, 0, 1, 1),
    },
    "favour": {
        ("Against", "For"): (0, 0, 1, 1),
        ("Oppose", "Neither favor nor oppose", "Favor"): (0, 1, 1, 2),
        ("I am against it", "I am not sure", "I am for it"): (0, 1, 1, 2),
    },
    "statements": {("Wells should be shallow.", "Wells should be deep."): (0, 0, 1, 1)},
    # Cut at -0.6 and 0.4.
    "spending": {("Too much", "About right", "Too little"): (0, 1, 1, 2)},
    "graded": {("Very shallow", "Rather shallow", "Rather deep", "Very deep"): (0, 1, 2, 3)},
    "scale": {scale(0, 10): (0, 5, 5, 10), scale(1, 10): (0, 4, 5, 9), scale(1, 5): (0, 2, 2, 4)},
}
QUESTIONS = {
    "yes_no": {"Should wells be deep?"},
    "agree": {
        "Do you agree or disagree? Wells should be deep.",
        "How far do you agree with this: Wells should be deep.",
        "Someone says: Wells should be deep.",
    },
    "favour": {"Are you for or against this: digging a deep well?"},
    "statements": {"Which of these is closer to your own view?"},
    "spending": {"Is the money that this country spends on wells too little, about right or too much?"},
    "graded": {"How deep should a well be?"},
    "scale": {"Where do you stand on this? Wells should be deep."},
}


def test_every_form_is_worked_by_hand() -> None:
    assert set(EXPECTED) == set(QUESTIONS) == set(FORMS)


@pytest.mark.parametrize("form", list(FORMS))
def test_options_and_answer_of_every_form(form: str) -> None:
    rng, found, asked = random.Random(1), {}, set()
    for place, stance in enumerate(STANCES):
        for _ in range(80):
            question, options, chosen = FORMS[form](THEME, stance, rng)
            found.setdefault(tuple(options), {})[place] = chosen
            asked.add(question)
    assert {options: tuple(places[at] for at in range(4)) for options, places in found.items()} == EXPECTED[form]
    assert asked == QUESTIONS[form]


def test_the_middle_of_spending_is_narrow() -> None:
    chosen = [FORMS["spending"](THEME, stance, random.Random(0))[2] for stance in (-0.61, -0.6, 0.39, 0.4)]
    assert chosen == [0, 1, 1, 2]


def test_forms_that_a_theme_does_not_suit_are_never_drawn() -> None:
    assert set(_forms(PLAIN)) == {"yes_no", "agree", "favour", "statements", "scale"}
    assert set(_forms(THEME)) == set(FORMS)
    # 5 of every theme, 3 of spending, 2 graded, 1 scale.
    assert Counter(_forms(THEME))["spending"] == 3
    assert len(_forms(THEME)) == 11


def test_options_are_read_out_in_both_directions_and_the_answer_stays_the_same() -> None:
    rng = random.Random(2)
    replies = [reply(THEME, 2.0, rng, form="graded") for _ in range(400)]
    orders = Counter(answered.options for answered in replies)
    assert set(orders) == {THEME.options, THEME.options[::-1]}
    # 400 fair draws: 200 +- 4 x 10.
    assert 160 <= orders[THEME.options] <= 240
    assert {answered.options[answered.chosen] for answered in replies} == {"Very deep"}
    assert {answered.stance for answered in replies} == {2.0}
    assert {answered.reason for answered in replies} == set(THEME.plus)


N = 20_000


def near(share: float, expected: float, n: int = N) -> bool:
    """Within four standard errors of a share."""
    return abs(share - expected) <= 4 * sqrt(expected * (1 - expected) / n)


@pytest.mark.parametrize("mean", [-1.5, 0.0, 0.5])
def test_stances_are_normal_around_the_mean_and_cut_at_the_ends(mean: float) -> None:
    rng = random.Random(3)
    drawn = [draw_stance(mean, rng) for _ in range(N)]
    normal = NormalDist(mean, 0.9)
    for at in (-1.99, -1.0, 0.0, 0.3, 1.0, 1.99):
        assert near(sum(stance <= at for stance in drawn) / N, normal.cdf(at)), at
    assert -2.0 == min(drawn) <= max(drawn) <= 2.0
    assert near(sum(stance == 2.0 for stance in drawn) / N, 1 - normal.cdf(2.0))
    assert near(sum(stance == -2.0 for stance in drawn) / N, normal.cdf(-2.0))


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


SIDES: dict[str, Callable[[str], bool]] = {
    "plus": THEME.plus.__contains__,
    "minus": THEME.minus.__contains__,
    "between": THEME.between.__contains__,
}


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


def test_only_ordinary_words_lose_their_capital() -> None:
    assert [_lower(text) for text in ("Digging wells", "US troops", "A well")] == [
        "digging wells",
        "US troops",
        "a well",
    ]
