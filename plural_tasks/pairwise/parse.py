"""Read a judge's reply, or admit that it cannot be read."""

from __future__ import annotations

import re

from plural_tasks.pairwise.verdicts import Position

_DECORATION = re.compile(r"[*_`\"'“”‘’()\[\]<>#]")
_ANNOUNCED = re.compile(
    r"(?:(?:my|the|final|overall)\s+)*(?:verdict|answer|judge?ment)\s*(?::|=|\bis\b:?)\s*(.+)", re.I
)
_CHOICE = re.compile(r"(?:answer\s+)?(a|b|tie)\s*[.!]?", re.I)
_THOUGHT = re.compile(r"^.*</think(?:ing)?>", re.I | re.S)
_THINKING = re.compile(r"<think(?:ing)?>", re.I)
_PLACES: dict[str, Position] = {"a": "first", "b": "second", "tie": "tie"}


def parse_verdict(reply: str) -> Position | None:
    """Return which answer the reply prefers, or None when it does not say so plainly.

    Only a line that is a verdict and nothing else counts: ``A``, ``B`` or ``tie``, in any case, after ``Answer`` or
    not, with or without marks around it (``**B**``, ``(A).``), or announced (``Verdict: tie``). Announced lines go
    before bare ones, and those that count must agree. "A is better" does not count, nor does a reply cut
    off in its thoughts; thoughts that a reasoning model closes with ``</think>`` are passed over.
    """
    said = _THOUGHT.sub("", reply)
    if _THINKING.search(said):
        return None
    lines = [" ".join(_DECORATION.sub(" ", line).split()) for line in said.splitlines()]
    announced = [found[1] for line in lines if (found := _ANNOUNCED.fullmatch(line))]
    for candidates in (announced, lines):
        places = {_PLACES[found[1].lower()] for line in candidates if (found := _CHOICE.fullmatch(line))}
        if places:
            return places.pop() if len(places) == 1 else None
    return None
