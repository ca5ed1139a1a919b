"""Read the chosen option out of a free-text answer, or admit that there is none."""

from __future__ import annotations

import re
from collections.abc import Sequence

from plural_tasks.schema import LABELS

_OPENING = r"^[\s\"'*_`(\[]*"
_ANNOUNCED = r"\b(?:answer|option|choice)\b(?:\s+(?:is|would be))?\s*[:=]?\s*[\"'*_`(\[]*"
_STANDS = r"(?=\.(?!\w\.)|[):\]\"*_`,]|'(?!\w)|\s*$|\s*\n)"  # not the a of "e.g.", nor the I of "I'd"
_NO_WORD = r"(?-i:(?<![ai]))\b(?!')"  # not the article of "the answer is a compromise"
_JOINED = r"[\"'*_`)\].]*\s*(?:,|/|&|\band\b|\bor\b)\s*[\"'*_`(\[]*"


def parse_choice(answer: str, options: Sequence[str]) -> int | None:
    """Return the index of the option that ``answer`` picks, or None when it picks none or several.

    Tried in this order: a leading label that stands as a label (``B``, ``B.``, ``(B)``, ``B: …``, never the article
    in "A person …"); a label that is announced ("the answer is B"); the text of one option at the start; the text of
    exactly one option anywhere, as whole words and not after "not". A label that another one is joined to ("A or B",
    "A, C") picks several.
    """
    letters = "".join(LABELS[: len(options)])
    label = f"(?P<label>[{letters}])"
    for pattern in (f"{_OPENING}{label}{_STANDS}", f"{_ANNOUNCED}{label}(?:{_STANDS}|{_NO_WORD})"):
        found = re.search(pattern, answer, flags=re.IGNORECASE)
        if found:
            another = re.compile(f"{_JOINED}[{letters}](?:{_STANDS}|(?<![AI])\\b(?!'))")
            return None if another.match(answer, found.end()) else LABELS.index(found["label"].upper())
    return _by_text(answer, options)


def _by_text(answer: str, options: Sequence[str]) -> int | None:
    # Longest first, so that "Somewhat favorable" is not taken for "favorable".
    order = sorted(range(len(options)), key=lambda index: -len(options[index]))
    rest = answer
    hits = []
    for index in order:
        pattern = rf"(?<!\w)(?<!\bnot ){re.escape(options[index].strip().rstrip('.'))}(?!\w)"
        if re.search(_OPENING + pattern, answer, flags=re.IGNORECASE):
            return index
        if re.search(pattern, rest, flags=re.IGNORECASE):
            hits.append(index)
            rest = re.sub(pattern, " ", rest, flags=re.IGNORECASE)
    return hits[0] if len(hits) == 1 else None
