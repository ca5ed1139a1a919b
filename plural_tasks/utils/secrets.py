"""Keep keys out of what is shown: values of environment variables that hold secrets, and what has a key's shape."""

from __future__ import annotations

import os
import re

KEY_SHAPES = r"""
    \bhf_[A-Za-z0-9]{16,} | \b(?:sk|pk|rk|xai|gsk)[-_][A-Za-z0-9_-]{16,} | \bgh[pousr]_[A-Za-z0-9]{20,}
    | \bgithub_pat_\w{20,} | \bAKIA[0-9A-Z]{16}\b | \bAIza[\w-]{30,} | \bxox[a-z]-[\w-]{10,}
    | \bglpat-[\w-]{16,} | \beyJ[\w-]{10,}\.[\w-]{10,} | \b(?:Bearer|Basic)\s+[\w.~+/=-]{12,}
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY
"""
"""A regular expression (verbose) of what can hardly be anything but a key."""

_KEYS = re.compile(KEY_SHAPES, re.VERBOSE)
_VARIABLE = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS)$")
_SHORTEST = 8
"""Characters; a shorter value of an environment variable would be found by chance."""


def secret_values() -> dict[str, str]:
    """Values of environment variables whose names end in KEY, TOKEN, SECRET, … -> the variable, longest first.

    The place of a key is no secret: values that are paths of this machine are left out.
    """
    found = {
        value: name
        for name, value in os.environ.items()
        if _VARIABLE.search(name.upper()) and len(value) >= _SHORTEST and not os.path.exists(value)
    }
    return dict(sorted(found.items(), key=lambda pair: -len(pair[0])))


def hush(text: str) -> str:
    """Return ``text`` with the variable's name in place of a secret value, and ``[key]`` in place of other keys."""
    for value, name in secret_values().items():
        text = text.replace(value, f"[{name}]")
    return _KEYS.sub("[key]", text)


def holds_key(text: str) -> bool:
    """Is there anything in ``text`` that `hush` would take out?"""
    return hush(text) != text
