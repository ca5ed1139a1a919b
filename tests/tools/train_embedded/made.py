"""A theme and helpers for tests of the embedded pools' tool."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tools.train_embedded.themes import Theme

FIELDS: dict[str, Any] = {
    "id": "made/wells",
    "topic": "wells",
    "statement": "Wells should be deep.",
    "opposite": "Wells should be shallow.",
    "question": "Should wells be deep?",
    "situation": "Digging a deep well",
    "spend": "wells",
    "plus": ["Deep water is cold.", "Deep wells last.", "Frogs stay out."],
    "minus": ["Digging is hard.", "Buckets get lost.", "Ropes are dear."],
    "between": ["It depends on the ground.", "Deep enough will do."],
    "options": ["Very shallow", "Rather shallow", "Rather deep", "Very deep"],
    "asks": "How deep should a well be?",
}
THEME = Theme.model_validate(FIELDS)
PLAIN = THEME.model_copy(update={"spend": None, "options": (), "asks": None})

_LEADS = ("My answer is: ", "I say: ", "We say: ", "For us it is: ", "Put me down for: ")
_TAILS = ("", ", I would say", ", as most of us see it")


def stated(message: str, options: Sequence[str]) -> str:
    """The one option that a message states."""
    found = candidates(message, options)
    assert len(found) == 1, (message, options, found)
    return found[0]


def candidates(message: str, options: Sequence[str]) -> list[str]:
    """The options that a message may state, read by the wordings of `tools.train_embedded.voice` as listed here.

    More than one only where it ends early, cut as by a token limit, in words that options share.
    """
    rest = next((message.removeprefix(lead) for lead in _LEADS if message.startswith(lead)), message)
    return [option for option in options if any(_begins(message, rest, option, tail) for tail in _TAILS)]


def _begins(message: str, rest: str, option: str, tail: str) -> bool:
    answer = option.rstrip(".")
    cut = len(message.split()) >= 12 and f"{answer}{tail}.".startswith(rest)
    return rest == f"{answer}{tail}." or rest.startswith(f"{answer}{tail}. ") or cut


def normalised(text: str) -> str:
    """Words in lower case, with one blank between them and round them."""
    words = re.findall(r"[^\W_]+", text.lower())
    return f" {' '.join(words)} "
