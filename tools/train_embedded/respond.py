"""Questions on a theme, and how a community answers them.

Stances are normal around the community's mean; the options of a question are steps of
the scale from -2 to 2, the first and the last open to the outside. What a share of its people answers follows from that
and is the same whichever way round the question is put.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import NormalDist

from tools.train_embedded.themes import Theme

SPREAD = 0.9
"""Standard deviation of stances where nothing else is said."""

UNSURE = 0.3
"""Stances nearer to 0 than this stand in the middle."""

BESIDE = 0.7
"""How far the stance on a theme carries to a reason that is put up for agreement by itself."""

LONG = 8
"""From so many options on, they are numbers of a scale, which keeps its direction."""


@dataclass(frozen=True)
class Asked:
    """A closed question.

    Attributes:
        question: What is asked.
        options: The answers to choose from, in the order in which they are read out.
        steps: The step of the scale from minus to plus, from 0, that each option stands for.
        edges: Stances at which one step ends and the next begins, ascending; one fewer than options.
        carries: How far a stance on the theme carries to this question, from 0 to 1.
    """

    question: str
    options: tuple[str, ...]
    steps: tuple[int, ...]
    edges: tuple[float, ...]
    carries: float = 1.0

    def shares(self, mean: float, spread: float = SPREAD) -> tuple[float, ...]:
        """Share of each option, in the order of `options`, among people with this mean and spread of stances."""
        stances = NormalDist(mean * self.carries, spread)
        below = [0.0, *(stances.cdf(edge) for edge in self.edges), 1.0]
        shares = [high - low for low, high in pairwise(below)]
        return tuple(shares[step] for step in self.steps)

    def stance(self, option: int) -> float:
        """The middle of the step that an option stands for."""
        bounds = (-2.0, *self.edges, 2.0)
        step = self.steps[option]
        return (bounds[step] + bounds[step + 1]) / 2

    def reordered(self, order: Sequence[int]) -> Asked:
        """The same question with the options read out in another order."""
        options, steps = (tuple(values[place] for place in order) for values in (self.options, self.steps))
        return replace(self, options=options, steps=steps)


def ask_about(theme: Theme, rng: random.Random, *, form: str | None = None) -> Asked:
    """Ask one question on the theme, in a form drawn from those that suit it, the options in a random direction."""
    asked = FORMS[form or rng.choice(forms_of(theme))](theme, rng)
    return asked.reordered(range(len(asked.options))[:: rng.choice((1, -1))])


def reason_for(theme: Theme, stance: float, rng: random.Random) -> str:
    """A reason from the stance's side."""
    if abs(stance) < UNSURE and rng.random() < 0.7:
        return rng.choice(theme.between)
    return rng.choice(theme.plus if stance >= 0 else theme.minus)


def draw_stances(mean: float, count: int, rng: random.Random) -> list[float]:
    """Stances of several people, one from each of ``count`` equally likely slices of the distribution, in any order.

    Cut to -2..2. Their mean strays from the community's far less than that of as many independent draws.
    """
    shares = [(place + max(rng.random(), 1e-9)) / count for place in range(count)]
    stances = [max(-2.0, min(2.0, NormalDist(mean, SPREAD).inv_cdf(share))) for share in shares]
    rng.shuffle(stances)
    return stances


def forms_of(theme: Theme) -> list[str]:
    """Forms that suit a theme, some of them several times: they are drawn more often."""
    forms = ["yes_no", "agree", "agree", "agree", "favour", "statements"]
    if theme.spend:
        forms = [*forms, "spending", "spending", "spending"]
    if theme.options:
        forms = [*forms, "graded", "graded"]
    return [*forms, "scale"]


def equal_edges(count: int) -> tuple[float, ...]:
    """Edges of ``count`` equal steps of the scale from -2 to 2."""
    return tuple(-2.0 + 4.0 * place / count for place in range(1, count))


_AGREEMENT: Sequence[tuple[str, ...]] = (
    ("Strongly disagree", "Disagree", "Neither agree nor disagree", "Agree", "Strongly agree"),
    ("Strongly disagree", "Somewhat disagree", "Neither agree nor disagree", "Somewhat agree", "Strongly agree"),
    ("Strongly disagree", "Disagree", "Agree", "Strongly agree"),
    ("Disagree completely", "Rather disagree", "Rather agree", "Agree completely"),
    ("Disagree", "Agree"),
)
_LEADS = ("Do you agree or disagree?", "How far do you agree with this:", "Someone says:")
_FAVOUR: Sequence[tuple[str, ...]] = (
    ("Against", "For"),
    ("Oppose", "Neither favor nor oppose", "Favor"),
    ("I am against it", "I am not sure", "I am for it"),
)


def _graded_question(question: str, options: Sequence[str], edges: Sequence[float] = ()) -> Asked:
    return Asked(question, tuple(options), tuple(range(len(options))), tuple(edges) or equal_edges(len(options)))


def _claim(theme: Theme, rng: random.Random) -> tuple[str, bool, float]:
    """What may be put up for agreement, whether it is on the statement's side, and how far the stance carries to it.

    Both sides are put up alike, so that it is the words that decide and not the theme.
    """
    plus = rng.random() < 0.5
    if rng.random() < 0.6:
        return (theme.statement if plus else theme.opposite), plus, 1.0
    return rng.choice(theme.plus if plus else theme.minus), plus, BESIDE


def _claimed(lead: str, ladder: Sequence[str], theme: Theme, rng: random.Random) -> Asked:
    """Agreement with a claim; on the opposite's side the ladder is climbed from the other end."""
    claim, plus, carries = _claim(theme, rng)
    asked = _graded_question(f"{lead} {claim}", ladder)
    steps = asked.steps if plus else asked.steps[::-1]
    return replace(asked, steps=steps, carries=carries)


def _yes_no(theme: Theme, rng: random.Random) -> Asked:
    return _graded_question(theme.question, ("No", "Yes"))


def _agree(theme: Theme, rng: random.Random) -> Asked:
    return _claimed(rng.choice(_LEADS), rng.choice(_AGREEMENT), theme, rng)


def _favour(theme: Theme, rng: random.Random) -> Asked:
    return _graded_question(f"Are you for or against this: {_lower(theme.situation)}?", rng.choice(_FAVOUR))


def _statements(theme: Theme, rng: random.Random) -> Asked:
    return _graded_question("Which of these is closer to your own view?", (theme.opposite, theme.statement))


def _spending(theme: Theme, rng: random.Random) -> Asked:
    # Few want less of anything: the middle is narrow, and "too much" is said from a clear minus on.
    asked = f"Is the money that this country spends on {theme.spend} too little, about right or too much?"
    return _graded_question(asked, ("Too much", "About right", "Too little"), (-0.6, 0.4))


def _graded(theme: Theme, rng: random.Random) -> Asked:
    return _graded_question(str(theme.asks), theme.options)


def _scale(theme: Theme, rng: random.Random) -> Asked:
    low, high = rng.choice(((0, 10), (1, 10), (1, 5)))
    options = [str(number) for number in range(low, high + 1)]
    options[0], options[-1] = f"{low} (completely disagree)", f"{high} (completely agree)"
    return _claimed("Where do you stand on this?", options, theme, rng)


FORMS: dict[str, Callable[[Theme, random.Random], Asked]] = {
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
