"""Read arguments written as ``name=value,name=value``, as the harness takes those of a model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_PATH = re.compile(r"^(?:[/~]|\.{1,2}/|[A-Za-z]:[\\/])")
_CONSTANTS = {"true": True, "false": False, "none": None}


def parse_arguments(arguments: Mapping[str, Any] | str | None) -> dict[str, Any]:
    """Return arguments of a model as a mapping, however they were given.

    Results files hold a mapping where the harness's command line ran, and the text itself where Python did. A text is
    read as `lm_eval.utils.simple_parse_args_string` reads it (which is not called: importing it loads the harness),
    but for one thing: a comma inside brackets or quotes, or before a part that has no ``=``, belongs to the value,
    where the harness would cut a list in two, or make a name of the second half of a key.

    Args:
        arguments: A mapping; or a text. Anything else that a results file may hold counts as no arguments.

    Returns:
        Name -> value. Values of a text are numbers, ``True``, ``False`` and ``None`` where they are written so, without
        their quotes where they stand in quotes, and text otherwise (JSON too); a name without ``=`` has the value "".
    """
    if isinstance(arguments, Mapping):
        return {str(name): value for name, value in arguments.items()}
    if not isinstance(arguments, str):
        return {}
    texts: dict[str, str] = {}
    name = None
    for part in _split(arguments):
        before, sign, after = part.partition("=")
        if sign and re.fullmatch(r"\s*\w+\s*", before):
            name = before.strip()
            texts[name] = after
        elif name is not None:
            texts[name] += f",{part}"
        elif part.strip():
            texts[part.strip()] = ""
    return {name: _value(text) for name, text in texts.items()}


def _split(text: str) -> list[str]:
    """Cut at commas outside brackets and quotes; at all commas where one of those is never closed."""
    parts, depth, quote, before = [""], 0, "", ","
    for sign in text:
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"" and before in "=,:[{(":  # an apostrophe inside a word opens nothing
            quote = sign
        elif sign in "[{(":
            depth += 1
        elif sign in "]})":
            depth = max(depth - 1, 0)
        elif sign == "," and not depth:
            parts.append("")
            before = sign
            continue
        parts[-1] += sign
        before = before if sign.isspace() else sign
    found = text.split(",") if quote or depth else parts
    return [part for part in found if part]


def _value(text: str) -> Any:
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    if text.lower() in _CONSTANTS:
        return _CONSTANTS[text.lower()]
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def without_folders(text: str) -> str:
    """The last part of a path on this machine; any other text as it is."""
    if not _PATH.match(text) or "\n" in text:
        return text
    return re.split(r"[\\/]", text.rstrip("\\/"))[-1]
