"""Keys among the arguments of a model: refused, because arguments are written down, or read from the environment.

The harness writes a model's arguments into its log, its results and the metadata of every task. A key is therefore
given by the environment: as the variable that a backend reads by itself, or as ``env:VARIABLE`` in an argument's place.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from typing import Any

from plural_tasks.utils.errors import ModPluralError
from plural_tasks.utils.secrets import holds_key, is_secret_name, redact

_INDIRECT = re.compile(r"(?P<scheme>(?:Bearer|Basic)\s+)?env:(?P<variable>[A-Za-z_][A-Za-z0-9_]*)")
_WITH_PASSWORD = re.compile(r"://[^/\s@]+@")
_NONE = ("", "none", "true", "false", "null", "empty")


def refuse_keys(arguments: Mapping[str, Any], *, where: str) -> None:
    """Check that no key stands among the arguments of a model.

    Raises:
        ModPluralError: Naming the argument, not its value, and saying how to give a key.
    """
    for name, value in arguments.items():
        if isinstance(value, Mapping):
            refuse_keys(value, where=f"{where}, {name}")
        elif isinstance(value, str) and _is_key(str(name), value):
            raise ModPluralError(
                f"{where}: {name} holds what looks like a key, which would be written into results and logs. Leave it "
                "out and set the environment variable that the backend reads (OPENAI_API_KEY, ANTHROPIC_API_KEY, "
                f"HF_TOKEN), or set one of your own and write {name}=env:VARIABLE."
            )


def _is_key(name: str, value: str) -> bool:
    if _INDIRECT.fullmatch(value.strip()) or value.strip().lower() in _NONE:
        return False
    return is_secret_name(name) or holds_key(value) or _WITH_PASSWORD.search(value) is not None


def from_environment(arguments: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    """Return the arguments with the variable's value in the place of every ``env:VARIABLE`` that stands for a key.

    Raises:
        ModPluralError: If a variable is not set.
    """
    return {name: _revealed(str(name), value, where) for name, value in arguments.items()}


def _revealed(name: str, value: Any, where: str) -> Any:
    if isinstance(value, Mapping):
        return from_environment(value, where=f"{where}, {name}")
    found = _INDIRECT.fullmatch(value.strip()) if isinstance(value, str) and is_secret_name(name) else None
    if found is None:
        return value
    key = os.environ.get(found["variable"], "").strip()
    if not key:
        raise ModPluralError(
            f"{where}: {name} names the environment variable {found['variable']}, which is not set; set it."
        )
    return f"{found['scheme'] or ''}{key}"


def without_keys(value: Any) -> Any:
    """Return arguments as they may be shown: ``[key]`` where one stands."""
    if isinstance(value, Mapping):
        return {
            name: "[key]" if isinstance(inner, str) and _is_key(str(name), inner) else without_keys(inner)
            for name, inner in value.items()
        }
    return redact(value) if isinstance(value, str) else value


def keep_keys_out(record: logging.LogRecord) -> bool:
    """Take keys out of a log record (a filter of `logging`); servers repeat them, and the harness logs arguments."""
    if isinstance(record.args, Mapping):
        record.args = without_keys(record.args)
    elif record.args:
        record.args = tuple(without_keys(value) for value in record.args)
    try:
        text = record.getMessage()
    except (TypeError, ValueError):  # a record that cannot be written, which logging says itself
        return True
    if holds_key(text):
        record.msg, record.args = redact(text), ()
    return True


def quieten_logs() -> None:
    """Keep keys out of what the harness and its clients log from now on."""
    clients = ("lm_eval", "openai", "httpx", "anthropic")
    named = [name for name in list(logging.root.manager.loggerDict) if name.split(".")[0] in clients]
    for name in (*named, "asyncio"):  # which logs the errors of requests in flight, with their headers
        logging.getLogger(name).addFilter(keep_keys_out)
