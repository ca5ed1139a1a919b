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

_CROWD = r"(nearly all of us|most of us|about half of us|many of us|others|some|a few|more of us than anything else)"


def told(message: str, options: Sequence[str]) -> list[str]:
    """The options that a message names with how many give them, in its order; at least one, none twice."""
    spoken = {option.rstrip("."): option for option in options}
    found = re.findall(rf"(?:^|(?<=\. ))(.+?), say {_CROWD}\.", message)
    assert found, message
    assert len(found) == len(set(found)), message
    return [spoken[answer] for answer, _ in found]


def normalised(text: str) -> str:
    """Words in lower case, with one blank between them and round them."""
    words = re.findall(r"[^\W_]+", text.lower())
    return f" {' '.join(words)} "
