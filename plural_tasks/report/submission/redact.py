"""Keep secrets and private places out of what is published.

Three nets, for one is never enough: arguments whose names speak of secrets are dropped, addresses lose user names and
queries and paths their folders, and the finished text is searched for what looks like a key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from plural_tasks.utils.arguments import without_folders
from plural_tasks.utils.errors import ModPluralError
from plural_tasks.utils.secrets import KEY_SHAPES, is_secret_name, secret_values

_SHAPES = re.compile(
    KEY_SHAPES + r"""| (?i:api[-_]?key|passw(?:or)?d|secret|token)["']?\s*[:=]\s*["']?[^\s"',}]{6,}""", re.VERBOSE
)
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://[^\s'\"<>]+", re.IGNORECASE)


def _is_secret(name: object, value: object) -> bool:
    return is_secret_name(str(name)) and not isinstance(value, bool)  # add_bos_token=True is none


def clean(value: Any) -> Any:
    """Return ``value`` (JSON) without secrets: see the module; a text that looks like a key becomes ``"(removed)"``."""
    if isinstance(value, Mapping):
        return {str(name): clean(inner) for name, inner in value.items() if not _is_secret(name, inner)}
    if isinstance(value, (list, tuple)):
        return [clean(inner) for inner in value]
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith(("{", "[")):  # base_args given as text
        try:
            return clean(json.loads(value))
        except ValueError:
            pass
    bare = without_folders(_ADDRESS.sub(_bare, value))
    return "(removed)" if _SHAPES.search(bare) else bare


def dropped(value: Any) -> list[str]:
    """Names of the arguments that `clean` drops, at any depth."""
    if isinstance(value, Mapping):
        inner = [name for part in value.values() for name in dropped(part)]
        return sorted({*inner, *(str(name) for name, part in value.items() if _is_secret(name, part))})
    if isinstance(value, (list, tuple)):
        return sorted({name for part in value for name in dropped(part)})
    return []


def secret_places(value: Any, place: str = "") -> list[tuple[str, str]]:
    """Places where JSON holds names that speak of secrets: ``(place, name)`` of each, in order.

    A number under such a name counts only among a model's arguments: elsewhere names may be those of communities.
    """
    if isinstance(value, (list, tuple)):
        return [found for number, part in enumerate(value) for found in secret_places(part, f"{place}.{number}")]
    if not isinstance(value, Mapping):
        return []
    arguments = place.startswith(("model.arguments", "model.generation"))
    made = []
    for name, part in value.items():
        if _is_secret(name, part) and part is not None and (arguments or not isinstance(part, (int, float))):
            made.append((place or "the record", str(name)))
        made += secret_places(part, f"{place}.{name}" if place else str(name))
    return made


def _bare(match: re.Match[str]) -> str:
    """The address without user name, password, query and fragment, all of which carry keys."""
    try:
        parts = urlsplit(match[0])
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "(removed)"
    return urlunsplit((parts.scheme, (parts.hostname or "") + port, parts.path, "", ""))


def check_clean(text: str, *, where: str) -> None:
    """Check that a text to be published holds nothing that looks like a key.

    Values of environment variables whose names end in KEY, TOKEN, SECRET, … are looked for as well.

    Raises:
        ModPluralError: Saying what was found, without the secret itself.
    """
    found = _SHAPES.search(text)
    if found:
        raise ModPluralError(
            f"{where}: holds what looks like a secret ({found[0][:4]}…, {len(found[0])} characters); remove it first."
        )
    for value, name in secret_values().items():
        if value in text:
            raise ModPluralError(f"{where}: holds the value of the environment variable {name}; remove it first.")
