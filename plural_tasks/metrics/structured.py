"""What a reply states in a form made for machines: JSON, calls of tools, tags."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_NAMES = (
    "answer|final_answer|choice|option|label|letter|selected|selection|selected_option|chosen|chosen_option|pick"
    "|response|result"
)
_KEYS = frozenset(_NAMES.split("|"))
_WRAPPERS = frozenset(
    {"arguments", "parameters", "args", "input", "function", "tool_input", "tool_call", "tool_calls", "function_call"}
)
_CUT = re.compile(rf"[\"'](?:{_NAMES})[\"']\s*:\s*(?:[\"'](?P<text>[^\"']*)[\"']|(?P<number>\d+)\b)", re.IGNORECASE)
_CALL = re.compile(
    r"\b(?:answer|choose|select|pick|submit)\w*\(\s*(?:\w+\s*=\s*)?(?P<quote>[\"']?)(?P<text>[^\"'()]+)(?P=quote)\s*\)",
    re.IGNORECASE,
)
_TAG = re.compile(r"<(answer|choice|option)>(?P<text>.*?)</\1>", re.IGNORECASE | re.DOTALL)
_BOXED = re.compile(r"\\boxed\{(?:\\text\{)?(?P<text>[^{}]+)\}")


def json_objects(text: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects in a text that stand in no other one, whatever is around them."""
    decoder, place = json.JSONDecoder(), text.find("{")
    while place != -1:
        try:
            found, end = decoder.raw_decode(text, place)
        except ValueError:
            end = place + 1
        else:
            yield found
        place = text.find("{", end)


def stated(text: str) -> list[str | int] | None:
    """Return what a reply names as its answer in JSON, in the call of a tool, in a tag, or in a box.

    Returns:
        Texts and numbers, equal ones once; empty where there is such a form without an answer in it; None where the
        reply has none of these forms. JSON that was cut off is read as far as it goes.
    """
    objects = list(json_objects(text))
    said = [value for one in objects for value in _answers(one)]
    if not objects and text.lstrip().startswith("{"):
        said = [found["text"] or int(found["number"] or 0) for found in _CUT.finditer(text)]
        return _distinct(said)
    for form in (_CALL, _TAG, _BOXED):
        said += [found["text"].strip() for found in form.finditer(text)]
    return _distinct(said) if said or objects else None


def _distinct(values: list[str | int]) -> list[str | int]:
    return list(dict.fromkeys(values))


def _answers(value: Any) -> Iterator[str | int]:
    """Values of the keys that hold an answer, also inside of what a tool is called with."""
    if isinstance(value, list):
        for inner in value:
            yield from _answers(inner)
    if not isinstance(value, dict):
        return
    for name, inner in value.items():
        key = str(name).strip().lower().replace(" ", "_")
        if key in _KEYS:
            yield from _plain(inner)
        elif key in _WRAPPERS:
            yield from _answers(_decoded(inner))


def _plain(value: Any) -> Iterator[str | int]:
    """Yield the texts and whole numbers in a value; of an object those of its own answer."""
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        yield value
    elif isinstance(value, list):
        for inner in value:
            yield from _plain(inner)
    else:
        yield from _answers(value)


def _decoded(value: Any) -> Any:
    """Decode the arguments of a tool, which the OpenAI protocol carries as a text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return None
