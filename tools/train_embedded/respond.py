"""A respondent: one person's stance on a theme, the question they are asked, and what they say.

Stances are normal around the community's mean with standard deviation `SPREAD`, cut to -2..2; options are steps of that
scale. A reason comes from the side that the stance is on.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from tools.train_embedded.themes import Theme

SPREAD = 0.9
UNSURE = 0.3
"""Stances nearer to 0 than this stand in the middle."""


@dataclass(frozen=True)
class Reply:
    """One respondent's reply.

    Attributes:
        question: What was asked.
        options: The answers to choose from, in the order they were read out; empty for an open question.
        chosen: Index of the answer; -1 for an open question.
        reason: Why, in the respondent's words.
        stance: From -2 (the opposite) to 2 (the statement).
    """

    question: str
    options: tuple[str, ...]
    chosen: int
    reason: str
    stance: float


def draw_stance(mean: float, rng: random.Random) -> float:
    """One person's stance."""
    return max(-2.0, min(2.0, rng.gauss(mean, SPREAD)))


def draw_stances(mean: float, count: int, rng: random.Random) -> list[float]:
    """Stances of several people, one from each of ``count`` equally likely slices of the distribution, in any order.

    Their mean strays from the community's far less than that of as many independent draws.
    """
    shares = [(place + max(rng.random(), 1e-9)) / count for place in range(count)]
    stances = [max(-2.0, min(2.0, NormalDist(mean, SPREAD).inv_cdf(share))) for share in shares]
    rng.shuffle(stances)
    return stances


def reason_for(theme: Theme, stance: float, rng: random.Random) -> str:
    """A reason from the stance's side."""
    if abs(stance) < UNSURE and rng.random() < 0.7:
        return rng.choice(theme.between)
    return rng.choice(theme.plus if stance >= 0 else theme.minus)


def reply(theme: Theme, stance: float, rng: random.Random, *, form: str | None = None) -> Reply:
    """Ask one question on the theme, in a form drawn from those that suit it, and answer it.

    The options are read out in a random direction where they are graded, in a random order where they are not.
    """
    kinds = [form] if form else _forms(theme)
    question, options, chosen = FORMS[rng.choice(kinds)](theme, stance, rng)
    order = list(range(len(options)))
    if rng.random() < 0.5:
        order.reverse()
    return Reply(
        question=question,
        options=tuple(options[place] for place in order),
        chosen=order.index(chosen),
        reason=reason_for(theme, stance, rng),
        stance=stance,
    )


def _forms(theme: Theme) -> list[str]:
    forms = ["yes_no", "agree", "agree", "favour", "statements"]
    if theme.spend:
        forms = [*forms, "spending", "spending", "spending"]
    if theme.options:
        forms = [*forms, "graded", "graded"]
    return [*forms, "scale"]


def step(stance: float, count: int) -> int:
    """Which of ``count`` equal steps of the scale from -2 to 2 a stance falls on, from 0."""
    return min(count - 1, int((stance + 2.0) / 4.0 * count))


_AGREEMENT: Sequence[tuple[str, ...]] = (
    ("Strongly disagree", "Disagree", "Neither agree nor disagree", "Agree", "Strongly agree"),
    ("Strongly disagree", "Somewhat disagree", "Neither agree nor disagree", "Somewhat agree", "Strongly agree"),
    ("Strongly disagree", "Disagree", "Agree", "Strongly agree"),
    ("Disagree completely", "Rather disagree", "Rather agree", "Agree completely"),
    ("Disagree", "Agree"),
)
_FAVOUR: Sequence[tuple[str, ...]] = (
    ("Against", "For"),
    ("Oppose", "Neither favor nor oppose", "Favor"),
    ("I am against it", "I am not sure", "I am for it"),
)

Asked = tuple[str, Sequence[str], int]


def _yes_no(theme: Theme, stance: float, rng: random.Random) -> Asked:
    return theme.question, ("No", "Yes"), int(stance >= 0)


def _agree(theme: Theme, stance: float, rng: random.Random) -> Asked:
    options = rng.choice(_AGREEMENT)
    lead = rng.choice(("Do you agree or disagree?", "How far do you agree with this:", "Someone says:"))
    return f"{lead} {theme.statement}", options, step(stance, len(options))


def _favour(theme: Theme, stance: float, rng: random.Random) -> Asked:
    options = rng.choice(_FAVOUR)
    return f"Are you for or against this: {_lower(theme.situation)}?", options, step(stance, len(options))


def _statements(theme: Theme, stance: float, rng: random.Random) -> Asked:
    return "Which of these is closer to your own view?", (theme.opposite, theme.statement), int(stance >= 0)


def _spending(theme: Theme, stance: float, rng: random.Random) -> Asked:
    # Few want less of anything: the middle is narrow, and "too much" is said from a clear minus on.
    chosen = 0 if stance < -0.6 else 1 if stance < 0.4 else 2
    asked = f"Is the money that this country spends on {theme.spend} too little, about right or too much?"
    return asked, ("Too much", "About right", "Too little"), chosen


def _graded(theme: Theme, stance: float, rng: random.Random) -> Asked:
    return str(theme.asks), theme.options, step(stance, len(theme.options))


def _scale(theme: Theme, stance: float, rng: random.Random) -> Asked:
    low, high = rng.choice(((0, 10), (1, 10), (1, 5)))
    options = [str(number) for number in range(low, high + 1)]
    options[0], options[-1] = f"{low} (completely disagree)", f"{high} (completely agree)"
    return f"Where do you stand on this? {theme.statement}", options, step(stance, len(options))


FORMS: dict[str, Callable[[Theme, float, random.Random], Asked]] = {
    "yes_no": _yes_no,
    "agree": _agree,
    "favour": _favour,
    "statements": _statements,
    "spending": _spending,
    "graded": _graded,
    "scale": _scale,
}


def _lower(text: str) -> str:
    """Lower-case the first letter, but of nothing like `US` or `NATO`."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]
