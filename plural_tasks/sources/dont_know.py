"""Answer options that state no opinion: don't know, refusals, codes for missing answers."""

from __future__ import annotations

import re
from collections.abc import Sequence

PHRASES = frozenset(
    {
        "can't choose",
        "can't say",
        "cannot choose",
        "cannot say",
        "decline to answer",
        "declined to answer",
        "dk",
        "do not know",
        "don't know",
        "hard to say",
        "haven't heard enough",
        "haven't heard enough to say",
        "i don't know",
        "i'm not sure",
        "missing",
        "multiple answers mail (evs)",  # a code of the European Values Study for spoilt postal forms
        "no answer",
        "no opinion",
        "no response",
        "not asked",
        "not available",
        "not sure",
        "other missing",
        "prefer not to answer",
        "prefer not to say",
        "ref",
        "refuse",
        "refuse to answer",
        "refused",
        "total n=",  # the last line of a printed table, taken for an option in a few Pew questions
        "undecided",
        "unknown",
        "unsure",
    }
)
"""Whole phrases, lower-case. An option is one of them, or several joined by "/", ",", ";" or "or".

Left out on purpose, for they answer the question or say that it does not apply: "Neither", "Depends", "Never heard of",
"Does not apply", "It doesn't matter".
"""

_ASIDE = re.compile(r"\((?:vol\w*\.?|do not read|only if volunteered)\)|\[[^\]]*volunteered[^\]]*\]")
_JOINT = re.compile(r"\s*[/,;]\s*|\s+or\s+")


def dont_know(options: Sequence[str]) -> tuple[int, ...]:
    """Return the indices of the options that state no opinion."""
    return tuple(index for index, option in enumerate(options) if states_no_opinion(option))


def states_no_opinion(option: str) -> bool:
    """Say whether an option is made of `PHRASES` alone; case, quotes and notes like "(VOL)" do not matter."""
    plain = _ASIDE.sub(" ", option.casefold().replace("’", "'").replace("‘", "'"))
    plain = " ".join(plain.strip("\"' .").split())
    return bool(plain) and all(part in PHRASES for part in _JOINT.split(plain))
