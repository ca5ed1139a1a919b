"""How a chosen answer and a reason become something that a person says."""

from __future__ import annotations

import random

_OPENINGS = (
    "{answer}. {reason}",
    "My answer is: {answer}. {reason}",
    "I say: {answer}. {reason}",
    "We say: {answer}. {reason}",
    "For us it is: {answer}. {reason}",
    "Put me down for: {answer}. {reason}",
    "{answer}, I would say. {reason}",
    "{answer}, as most of us see it. {reason}",
)
_BARE = ("{answer}.", "My answer is: {answer}.", "We say: {answer}.", "{answer}, as most of us see it.")


def say(answer: str, reason: str, rng: random.Random) -> str:
    """The answer word for word, then the reason."""
    form = rng.choice(_OPENINGS if reason else _BARE)
    return form.format(answer=answer.rstrip("."), reason=reason).strip()


def comment_on(reasons: list[str], rng: random.Random) -> str:
    """What someone says of a situation when no answers are offered: one reason or two."""
    return " ".join(rng.sample(reasons, min(len(reasons), rng.choice((1, 2, 2)))))
