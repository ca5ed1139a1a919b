"""Split a generated answer into sentences: by rules, without a model, the same everywhere."""

from __future__ import annotations

import re

_LETTER = re.compile(r"[^\W\d_]")

# A list marker or heading at the start of a line: "- ", "• ", "1. ", "(2) ", "b) ", "iv. ", "## ".
_NUMBER = r"\(?(?:\d{1,3}|[a-h]|[ivx]{1,5})[.):]"
_MARKER = re.compile(rf"^(?:(?:[-*+•‣◦–—·▪●]|#{{1,6}}|>|\*{{0,2}}(?:{_NUMBER})\*{{0,2}})\s+)+", re.IGNORECASE)
_EMPHASIS = re.compile(r"\*{1,3}|(?<!\w)_{1,3}|_{1,3}(?!\w)|`+")

# The end of a sentence, with closing quotes and brackets. CJK and Devanagari ends need no blank after them.
_END = re.compile(r"(?:(?P<mark>[.!?…]+)(?P<closing>[\"'”’»)\]*_]*)(?=\s)|[。！？।॥][」』”’）]*)\s*")
_OPENING = re.compile(r"[\"'“‘«(\[*_¿¡]*")
_LAST_WORD = re.compile(r"[\w.&'’-]*$")
_INITIALS = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]")
_INLINE_NUMBER = re.compile(rf"(?:^|:)\W*(?:{_NUMBER})\W*$", re.IGNORECASE)

# Followed by what they belong to, never the last word of a sentence.
_NEVER_LAST = frozenset(
    """
    approx capt cf cmdr col cpl dr e.g gen gov hon i.e incl lt maj messrs mr mrs ms mt pres prof rep rev sen sgt st
    viz vs
    """.split()  # noqa: SIM905
)
# Not the last word where a number follows.
_BEFORE_NUMBER = frozenset("art ch eq fig figs no nos op p pp sec vol vols".split())  # noqa: SIM905
# May be the last word: a sentence ends where the next word is capitalised.
_MAYBE_LAST = frozenset("a.d a.m al b.c bros co corp dept est etc inc jr ltd p.m ph.d sr".split())  # noqa: SIM905
# After an initial or an acronym ("J.", "U.S.") a capital letter says little; these words do open sentences.
_OPENERS = frozenset(
    """
    a after all although an and another any as at because both but by despite each even every finally first for from
    furthermore given he her his how however i if in instead it its many moreover most my no nor not on one or other
    others our overall people perhaps second several she since so some still such that the their then there therefore
    these they third this those though thus to ultimately we what when where whether which while who why with yes yet
    you your
    """.split()  # noqa: SIM905
)


def sentences(text: str) -> list[str]:
    """Split an answer into sentences.

    A line end is a boundary. Within a line, a sentence ends at ``.``, ``!``, ``?``, ``…`` and the full stops of
    Chinese, Japanese and Hindi; not after abbreviations ("e.g.", "Dr."), initials ("J. Smith"), acronyms ("U.S.
    troops") and list numbers ("2. Care"), and not in numbers ("3.50"). List markers, heading signs and Markdown
    emphasis are taken away; what holds no letter is left out.
    """
    found = []
    for line in text.splitlines():
        plain = _EMPHASIS.sub("", _MARKER.sub("", line.strip()))
        found += [_MARKER.sub("", part.strip()).strip() for part in _split_line(plain)]
    return [sentence for sentence in found if _LETTER.search(sentence)]


def _split_line(line: str) -> list[str]:
    parts, start = [], 0
    for end in _END.finditer(line):
        if end["mark"] is None or _ends(line[start : end.end()], end, line[end.end() :]):
            parts.append(line[start : end.end()])
            start = end.end()
    return [*parts, line[start:]]


def _ends(sentence: str, end: re.Match[str], rest: str) -> bool:
    """Tell whether ``end``, a mark followed by a blank and ``rest``, ends ``sentence``."""
    following = rest[_OPENING.match(rest).end() :]  # type: ignore[union-attr]  # the pattern matches nothing, too
    lower = following[:1].islower()
    if end["mark"] != ".":
        # "Why?" he asked; an ellipsis within a sentence.
        return not (lower and (end["closing"] or end["mark"] not in ("!", "?")))
    if _INLINE_NUMBER.search(sentence):
        return False
    if end["closing"]:
        return not lower
    before = sentence[: end.start("mark") - end.end()]
    return _ends_after(_LAST_WORD.search(before)[0], following, lower)  # type: ignore[index]


def _ends_after(word: str, following: str, lower: bool) -> bool:
    """Tell whether a full stop after ``word``, with ``following`` behind it, ends the sentence."""
    known = word.lower().strip("'’-")
    if known in _NEVER_LAST or (known in _BEFORE_NUMBER and following[:1].isdigit()):
        return False
    if known in _MAYBE_LAST:
        return not lower
    if _INITIALS.fullmatch(known):
        return re.split(r"\W", following.lower(), maxsplit=1)[0] in _OPENERS and not lower
    return True
