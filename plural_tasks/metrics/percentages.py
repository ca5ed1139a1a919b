"""Read the percentages that a reply states for the options of a question."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from plural_tasks.metrics.parsing import declines
from plural_tasks.metrics.structured import json_objects
from plural_tasks.schema import LABELS

TOLERANCE = 2.0
"""Percentage points that a sum may miss 100 by: three times 33 makes 99."""

Problem = Literal["refusal", "unparsed", "negative", "conflicting", "missing", "off_sum", "fractions"]

_NUMBER = r"(?P<value>[-−–]?\d+(?:[.,]\d+)?)"
_PERCENT = re.compile(rf"(?<![\w.,]){_NUMBER}\s*(?:%|percent\b|per cent\b)", re.IGNORECASE)
_BARE = re.compile(rf"(?<![\w.,]){_NUMBER}(?![\w%]|[.,]\d)")
_RANGE = re.compile(r"(\d+)\s*%?\s*(?:[-–—]|to)\s*(\d+)")
_OPENING = r"^[\s\"'*_`(\[•-]*"
_PIECES = re.compile(r"\n|;|,(?!\d)|\|")
_THOUGHT = re.compile(r"^.*</think(?:ing)?>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class StatedPercentages:
    """What a reply states.

    Attributes:
        shares: Sum to 1; None where no distribution can be made of the reply without guessing.
        total: Sum of what is stated, in percent; NaN where nothing is.
        problems: What is inconsistent. Only ``off_sum``, ``fractions`` and a ``missing`` option for which the others
            leave nothing are mended: by normalising, by a factor of 100, and by 0.
    """

    shares: tuple[float, ...] | None
    total: float
    problems: tuple[Problem, ...]


def read_percentages(reply: str, options: Sequence[str], tolerance: float = TOLERANCE) -> StatedPercentages:
    """Read lines such as ``A: 40%``, ``- Yes: 40 %``, ``(B) No = 60``, or a JSON object of labels or texts.

    Args:
        reply: The model's.
        options: Texts of the options as shown, with the letters A, B, … before them.
        tolerance: Percentage points that the sum may miss 100 by before it counts as ``off_sum``.

    Returns:
        The shares with every inconsistency. There are none (``shares`` is None) for a ``refusal``, where nothing is
        stated (``unparsed``), for a ``negative`` number, two ``conflicting`` ones for an option, a sum of 0, and a
        ``missing`` option beside others that do not sum to 100.
    """
    text = _THOUGHT.sub("", reply)
    found: dict[int, set[float]] = {}
    for option, value in [*_from_json(text, options)] or [*_from_lines(text, options)]:
        found.setdefault(option, set()).add(value)
    if not found:
        return StatedPercentages(None, math.nan, ("refusal" if declines(text) else "unparsed",))
    if any(len(values) > 1 for values in found.values()):
        return StatedPercentages(None, math.nan, ("conflicting",))
    return _judge({option: values.pop() for option, values in found.items()}, len(options), tolerance, "%" in text)


def _judge(values: dict[int, float], count: int, tolerance: float, percent: bool) -> StatedPercentages:
    problems: list[Problem] = []
    total = math.fsum(values.values())
    if any(value < 0 for value in values.values()):
        return StatedPercentages(None, total, ("negative",))
    if not percent and abs(100 * total - 100) <= tolerance:
        problems.append("fractions")
        values, total = {option: 100 * value for option, value in values.items()}, 100 * total
    off = abs(total - 100) > tolerance
    if len(values) < count:
        problems.append("missing")
    if off:
        problems.append("off_sum")
    if total == 0 or (off and len(values) < count):
        return StatedPercentages(None, total, tuple(problems))
    return StatedPercentages(tuple(values.get(option, 0.0) / total for option in range(count)), total, tuple(problems))


def _from_json(text: str, options: Sequence[str]) -> Iterator[tuple[int, float]]:
    for one in json_objects(text):
        yield from _pairs(one, options)


def _pairs(value: Any, options: Sequence[str]) -> Iterator[tuple[int, float]]:
    """Options by name with their numbers, also inside of lists and other objects."""
    if isinstance(value, list):
        for inner in value:
            yield from _pairs(inner, options)
    if not isinstance(value, dict):
        return
    for name, inner in value.items():
        option, number = _option(str(name), options), _number(inner)
        if option is not None and number is not None:
            yield option, number
        else:
            yield from _pairs(inner, options)
    named = [option for inner in value.values() if (option := _named(inner, options)) is not None]
    numbers = [number for inner in value.values() if (number := _number(inner)) is not None]
    if len(named) == len(numbers) == 1:  # {"option": "A", "percentage": 40}
        yield named[0], numbers[0]


def _named(value: Any, options: Sequence[str]) -> int | None:
    return _option(value, options) if isinstance(value, str) else None


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        found = re.fullmatch(rf"\s*{_NUMBER}\s*(?:%|percent)?\s*", value)
        return _float(found["value"]) if found else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _from_lines(text: str, options: Sequence[str]) -> Iterator[tuple[int, float]]:
    for piece in _PIECES.split(text):
        found = _leading(piece, options)
        if found is None:
            continue
        option, rest = found
        for number in _numbers(rest):
            yield option, number


def _numbers(text: str) -> set[float]:
    """The percentages in a text, else its plain numbers; of a range both ends."""
    ends = _RANGE.search(text)
    if ends:
        return {float(end) for end in ends.groups()}
    percentages = {_float(one["value"]) for one in _PERCENT.finditer(text)}
    return percentages or {_float(one["value"]) for one in _BARE.finditer(text)}


def _leading(piece: str, options: Sequence[str]) -> tuple[int, str] | None:
    """The option that a piece of text begins with, by text, label or both, and what follows it.

    A label is one where punctuation, a number or its option's text follows; another option's text contradicts it.
    """
    rest = re.sub(_OPENING, "", piece)
    index = _text_of(rest, options)
    if index is not None:
        return index, rest[len(_bare(options[index])) :]
    letters = "".join(LABELS[: len(options)])
    label = re.match(rf"(?:option\s+)?([{letters}])(?![\w'])", rest, flags=re.IGNORECASE)
    if label is None:
        return None
    stands = re.match(r"\s*(?:[\"'*_`)\].:(=–—-]|\d|$)", rest[label.end() :])
    option, rest = LABELS.index(label[1].upper()), re.sub(r"^[\s\"'*_`)\].:]*", "", rest[label.end() :])
    index = _text_of(rest, options)
    if index is None:
        return (option, rest) if stands else None
    return (option, rest[len(_bare(options[option])) :]) if index == option else None


def _text_of(text: str, options: Sequence[str]) -> int | None:
    """The option whose text stands at the beginning; the longest, so that "Not at all" is not taken for "Not"."""
    for index in sorted(range(len(options)), key=lambda index: -len(options[index])):
        option = _bare(options[index])
        if text.lower().startswith(option.lower()) and not re.match(r"\w", text[len(option) :]):
            return index
    return None


def _bare(option: str) -> str:
    return option.strip().rstrip(".")


def _option(name: str, options: Sequence[str]) -> int | None:
    found = _leading(name, options)
    return found[0] if found and not re.search(r"\w", found[1]) else None


def _float(text: str) -> float:
    return float(text.replace(",", ".").replace("−", "-").replace("–", "-"))
