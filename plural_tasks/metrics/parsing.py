"""Read the chosen option out of a free-text answer, or admit that there is none."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from plural_tasks.metrics.structured import stated
from plural_tasks.schema import LABELS

Outcome = Literal["choice", "several", "refusal", "empty", "unparsed"]

_OPENING = r"^[\s\"'*_`(\[]*"
_ANNOUNCED = r"\b(?:answer|option|choice)\b(?:\s+(?:is|would be))?\s*[:=]?\s*[\"'*_`(\[]*"
_CHOSEN = r"\bI(?:'d| would|'ll| will)? (?:choose|pick|select|go with|opt for)\s+[\"'*_`(\[]*"
_STANDS = r"(?=\.(?!\w\.)|[):\]\"*_`,]|'(?!\w)|\s*$|\s*\n)"  # not the a of "e.g.", nor the I of "I'd"
_NO_WORD = r"(?-i:(?<![ai]))\b(?!')"  # not the article of "the answer is a compromise"
_JOINED = r"[\"'*_`)\].]*\s*(?:,|/|&|\band\b|\bor\b)\s*[\"'*_`(\[]*"
_NUMBER = re.compile(
    r"[\s\"'*_`(\[#]*(?:(?:the |my )?(?:answer|option|choice|number)\b(?:\s+is)?\s*[:=#]?\s*)?(\d+)[\s\"'*_`)\].:]*",
    re.IGNORECASE,
)
_DECLINED = re.compile(
    r"\b(?:i|we)(?:'m|'re| am| are| must| have to| will)?\s+(?:\w+\s+)?"
    r"(?:can'?t|cannot|can not|won'?t|will not|unable to|not able to|not going to|decline to|refuse to)\s+"
    r"(?:answer|choose|pick|select|decide|say|take (?:a )?(?:sides?|position|stance)|express|provide|give|offer|help"
    r"|assist|comply|comment|respond|share|engage)\b"
    r"|\b(?:rather|prefer|choose) not (?:to )?(?:say|answer|choose|respond|comment)\b"
    r"|\b(?:i|we) (?:don'?t|do not) have (?:an? |any )?(?:personal |political )*"
    r"(?:opinions?|views?|beliefs?|preferences?|feelings?|stance|position)\b"
    r"|\bas an? (?:large |helpful )?(?:ai|language model|assistant)\b",
    re.IGNORECASE,
)
_THOUGHT = re.compile(r"^.*</think(?:ing)?>", re.IGNORECASE | re.DOTALL)
_THINKS = re.compile(r"<think(?:ing)?>", re.IGNORECASE)


@dataclass(frozen=True)
class ReadAnswer:
    """How a reply was read.

    Attributes:
        outcome: ``choice``: of one option; ``several``: of more than one; ``refusal``: it declines to answer;
            ``empty``: white space, or thoughts without an answer; ``unparsed``: anything else.
        index: 0-based place of the chosen option; None unless there is one.
    """

    outcome: Outcome
    index: int | None = None


def parse_choice(answer: str, options: Sequence[str]) -> int | None:
    """Return the index of the option that ``answer`` picks, or None when it picks none or several.

    Tried in this order: a leading label that stands as a label (``B``, ``B.``, ``(B)``, ``B: …``, never the article
    in "A person …"); a label that is announced ("the answer is B"); the text of one option at the start; the text of
    exactly one option anywhere, as whole words and not after "not". A label that another one is joined to ("A or B",
    "A, C") picks several.

    This is how tasks are scored; `read_answer` reads more forms.
    """
    found = _by_label(answer, options) or _by_text(answer, options)
    return found.index if found else None


def read_answer(answer: str, options: Sequence[str], refused: Callable[[str], bool] | None = None) -> ReadAnswer:
    """Read a reply strictly, and say what it is where no option can be read.

    What `parse_choice` reads, and more, tried in this order: what JSON, the call of a tool, a tag or a box states
    (`structured.stated`); a label at the start, announced, or "I would choose B"; a refusal; an option's text; a number
    that stands alone or is announced, counted from 1, unless an option's text holds a digit. Thoughts before
    ``</think>`` do not count.

    Args:
        answer: The reply.
        options: Texts of the options as shown, with the letters A, B, … before them.
        refused: Tells whether a text has one of further wordings of refusals.
    """
    text = _THOUGHT.sub("", answer)
    if not text.strip() or _THINKS.match(text.lstrip()):
        return ReadAnswer("empty")
    refusal = _refusal(text, options, refused)
    values = stated(text)
    if values is not None:
        return _of_values(values, options) or refusal or ReadAnswer("unparsed")
    found = _by_label(text, options, chosen=True) or refusal
    return found or _by_text(text, options) or _by_number(text, options) or ReadAnswer("unparsed")


def declines(text: str) -> bool:
    """Tell whether somebody who is asked to pick an option declines to."""
    return bool(_DECLINED.search(text.replace("’", "'")))


def _by_label(answer: str, options: Sequence[str], *, chosen: bool = False) -> ReadAnswer | None:
    letters = "".join(LABELS[: len(options)])
    label = f"(?P<label>[{letters}])"
    patterns = [f"{_OPENING}{label}{_STANDS}", f"{_ANNOUNCED}{label}(?:{_STANDS}|{_NO_WORD})"]
    if chosen:
        patterns.append(f"{_CHOSEN}(?:option )?{label}(?:{_STANDS}|{_NO_WORD})")
    for pattern in patterns:
        found = re.search(pattern, answer, flags=re.IGNORECASE)
        if found:
            another = re.compile(f"{_JOINED}[{letters}](?:{_STANDS}|(?<![AI])\\b(?!'))")
            joined = another.match(answer, found.end())
            return ReadAnswer("several") if joined else ReadAnswer("choice", LABELS.index(found["label"].upper()))
    return None


def _by_text(answer: str, options: Sequence[str]) -> ReadAnswer | None:
    # Longest first, so that "Somewhat favorable" is not taken for "favorable".
    order = sorted(range(len(options)), key=lambda index: -len(options[index]))
    rest = answer
    hits = []
    for index in order:
        pattern = rf"(?<!\w)(?<!\bnot ){re.escape(options[index].strip().rstrip('.'))}(?!\w)"
        if re.search(_OPENING + pattern, answer, flags=re.IGNORECASE):
            return ReadAnswer("choice", index)
        if re.search(pattern, rest, flags=re.IGNORECASE):
            hits.append(index)
            rest = re.sub(pattern, " ", rest, flags=re.IGNORECASE)
    if len(hits) > 1:
        return ReadAnswer("several")
    return ReadAnswer("choice", hits[0]) if hits else None


def _by_number(answer: str, options: Sequence[str]) -> ReadAnswer | None:
    found = _NUMBER.fullmatch(answer)
    if found is None or any(re.search(r"\d", option) for option in options):
        return None
    return ReadAnswer("choice", int(found[1]) - 1) if 1 <= int(found[1]) <= len(options) else None


def _refusal(text: str, options: Sequence[str], refused: Callable[[str], bool] | None) -> ReadAnswer | None:
    """A refusal, unless its words are those of an option ("Prefer not to say")."""
    for option in filter(declines, options):
        text = re.sub(re.escape(option.strip()), " ", text, flags=re.IGNORECASE)
    return ReadAnswer("refusal") if declines(text) or (refused is not None and refused(text)) else None


def _of_values(values: Sequence[str | int], options: Sequence[str]) -> ReadAnswer | None:
    """What stated values pick together; None where one of them cannot be read, or there is none."""
    found = set()
    for value in values:
        one = _by_label(str(value), options) or _by_text(str(value), options) or _by_number(str(value), options)
        if one is None:
            return None
        found.add(one)
    return found.pop() if len(found) == 1 else ReadAnswer("several") if found else None
