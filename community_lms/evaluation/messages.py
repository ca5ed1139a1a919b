"""Faults of messages: empty, refused or degenerate, and how many were cut off."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from community_lms.messages.message import Message
from plural_tasks.metrics.refusals import refused

GRAM = 4
"""Words of an n-gram."""
REPEATED = 0.3
"""Share of repeated n-grams above which a message is degenerate."""
FEWEST = 4
"""Messages with fewer n-grams are too short to be called repetitive."""

_UNSPACED = 40  # characters from which on a text of a few words is taken for writing without spaces

Fault = Literal["empty", "refused", "degenerate"]


def fault(text: str) -> Fault | None:
    """Return the fault of a message, the first of these that holds; None if there is none.

    ``empty``: nothing but white space. ``refused``: it has a wording of `plural_tasks.metrics.refusals`.
    ``degenerate``: it holds no letter, or more than `REPEATED` of its n-grams were there before (`repetition`).
    """
    if not text.strip():
        return "empty"
    if refused(text):
        return "refused"
    letters = any(character.isalpha() for character in text)
    return None if letters and repetition(text) <= REPEATED else "degenerate"


def repetition(text: str, size: int = GRAM) -> float:
    """Share of a text's n-grams of words that were there before: 1 - distinct / all (seq-rep-n of Welleck et al. 2020).

    Returns:
        A number in 0..1; 0 for texts of fewer than `FEWEST` n-grams. Words are runs of letters and digits in lower
        case; in writing without spaces (fewer than ``size`` words in 40 characters or more) each character is one.
    """
    words = re.findall(r"\w+", text.lower())
    if len(words) < size and len(text) >= _UNSPACED:
        words = [character for word in words for character in word]
    grams = [tuple(words[place : place + size]) for place in range(len(words) - size + 1)]
    return 1.0 - len(set(grams)) / len(grams) if len(grams) >= FEWEST else 0.0


def message_figures(messages: Iterable[Message], max_new_tokens: int) -> dict[str, Any]:
    """Count messages.

    Returns:
        ``n``; the shares ``empty``, ``refused``, ``degenerate`` (a message counts once) and ``cut_off`` (as long as is
        allowed; among the messages whose length is known, as is ``mean_tokens``), None without messages to count;
        ``repetition``: mean of `repetition`.
    """
    listed = list(messages)
    faults = [fault(message.text) for message in listed]
    lengths = [message.tokens for message in listed if message.tokens is not None]
    kinds: Sequence[Fault] = ("empty", "refused", "degenerate")
    return {
        "n": len(listed),
        **{kind: _share(faults.count(kind), len(listed)) for kind in kinds},
        "cut_off": _share(sum(length >= max_new_tokens for length in lengths), len(lengths)),
        "mean_tokens": _share(sum(lengths), len(lengths)),
        "repetition": _share(sum(repetition(message.text) for message in listed), len(listed)),
    }


def _share(part: float, whole: int) -> float | None:
    return part / whole if whole else None
