"""Recognise secrets: by an argument's name, by the shape of a key, and by the values of environment variables."""

from __future__ import annotations

import os
import re
from itertools import pairwise

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

_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SECRET_WORD = re.compile(
    r"o?auth|authorization|bearer|cookies?|credentials?|headers?|jwt|\w*passw(?:or)?ds?|passphrase|passcode|pwd|\w*secrets?"
    r"|(?:api|access|subscription|account|private|signing|encryption|master|ssh|pass)keys?"
    r"|(?:auth|access|api|hub|hf|bearer|refresh|session|security|openai|github)tokens?|\w+apikeys?"
)
"""A word that speaks of a secret wherever it stands in the name."""
_KEY_OF = {*("access", "account", "api", "encryption", "master", "private", "signing", "ssh", "subscription")}
"""Words before ``key`` that make it one that opens something, whatever follows."""
_TOKEN_OF = {*("access", "api", "auth", "hf", "hub", "huggingface", "id", "oauth", "refresh", "security", "session")}
"""Words before ``token`` that make it a credential, whatever follows."""
_TOKENISER = {
    *("additional", "assistant", "audio", "begin", "beginning", "bos", "cls", "end", "eoi", "eom", "eos", "eot", "fim"),
    *("image", "mask", "max", "min", "next", "pad", "prefix", "sep", "special", "start", "stop", "suffix", "text"),
    *("think", "unk", "video"),
}
"""Words of a name in which ``token`` is a piece of text."""
_DATA_KEY = {*("cache", "column", "dict", "feature", "field", "foreign", "json", "label", "primary", "sort", "text")}
"""Words before ``key`` that make it the key of a table or a mapping."""
_ABOUT = {*("dir", "env", "file", "folder", "kind", "limit", "method", "mode", "name", "path", "type", "variable")}
"""Last words of a name that says where a secret is or of what kind, and does not hold it."""
_FILLERS = {*("json", "list", "str", "string", "value", "values")}
"""Last words that do not change what a name speaks of."""


def is_secret_name(name: str) -> bool:
    """Decide whether an argument of this name holds a secret: a key, a password, a token, or headers with one.

    The one rule for three uses, each of which also looks at the value: keys are refused among a model's arguments, left
    out of a published record, and left out of a community's identity (where they would give every user messages of
    their own). The name is cut into words at signs and capitals (``hfToken``, ``X-Api-Key``).

    - ``password``, ``secret``, ``credential``, ``bearer``, ``auth``, ``authorization``, ``cookie`` and ``header`` are
      secret anywhere in the name, and so is ``key`` or ``token`` after a word such as ``api`` or ``access``.
    - Any other ``key``, and ``token``, is secret as the last word, for a key that gets out is worse than an argument
      that is left out; not where a word beside it names the tokeniser (``eos_token``, ``think_end_token``) or a table
      (``sort_key``): such arguments decide what a model says, and two communities that differ in them are two.
    - A name that ends in ``env``, ``file``, ``type``, … says where a secret is or of what kind, and is none.

    Args:
        name: Name of an argument, a header or a field, in any spelling.
    """
    words = [word for word in (part.rstrip("0123456789") for part in _words(name)) if word]
    while len(words) > 1 and words[-1] in _FILLERS:
        words.pop()
    if not words or words[-1] in _ABOUT:
        return False
    return (
        any(_SECRET_WORD.fullmatch(word) for word in words)
        or any(
            (before in _KEY_OF and word in ("key", "keys")) or (before in _TOKEN_OF and word in ("token", "tokens"))
            for before, word in pairwise(words)
        )
        or words == ["session"]
        or words[-2:] == ["session", "id"]
        or words[-1] in ("pass", "pat", "signature")
        or (words[-1] in ("key", "keys") and not _DATA_KEY.intersection(words))
        or (words[-1] == "token" and not _TOKENISER.intersection(words))
    )


def _words(name: str) -> list[str]:
    """Words of a name in lower case, cut at every sign that is no letter or digit, and where capitals begin."""
    return re.findall(r"[a-z0-9]+", _BOUNDARY.sub("_", name).lower())


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


def redact(text: str) -> str:
    """Return ``text`` with the variable's name in place of a secret value, and ``[key]`` in place of other keys."""
    for value, name in secret_values().items():
        text = text.replace(value, f"[{name}]")
    return _KEYS.sub("[key]", text)


def holds_key(text: str) -> bool:
    """Tell whether ``text`` holds anything that `redact` would take out."""
    return redact(text) != text
