"""Turn untrusted data (YAML, JSON, command-line values) into validated objects with readable errors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from plural_tasks.errors import ModPluralError, nearest

T = TypeVar("T", bound="Checked")


class Checked(BaseModel):
    """Base of every validated record: frozen, and an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def parse(model: type[T], data: object, *, where: str) -> T:
    """Validate ``data`` as ``model``.

    Args:
        model: The record type.
        data: What was read; a mapping, or the error says so.
        where: File and position, put in front of every message.

    Raises:
        ModPluralError: On the first problem, naming place, field, what was found and what was expected.
    """
    if not isinstance(data, Mapping):
        raise ModPluralError(
            f"{where}: found {type(data).__name__}, expected a mapping with the fields {', '.join(fields_of(model))}."
        )
    try:
        return model.model_validate(dict(data))
    except ValidationError as error:
        raise ModPluralError(f"{where}: {describe(error, fields_of(model))}") from error


def fields_of(model: type[BaseModel]) -> list[str]:
    """Names under which ``model`` reads its fields."""
    return [info.alias or name for name, info in model.model_fields.items()]


def describe(error: ValidationError, valid: Sequence[str]) -> str:
    """Say the first problem of a validation in one sentence; ``valid`` are the names a field may have."""
    first = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in first["loc"]) or "record"
    found = _shorten(first.get("input"))
    more = f" ({error.error_count() - 1} more problems.)" if error.error_count() > 1 else ""
    if first["type"] == "extra_forbidden":
        name = str(first["loc"][-1])
        close = nearest(name, valid)
        hint = f" Did you mean {close!r}?" if close else f" Valid: {', '.join(valid)}."
        return f"unknown field {field!r}.{hint}{more}"
    if first["type"] == "missing":
        return f"field {field!r} is missing.{more}"
    message = str(first["msg"]).removeprefix("Value error, ")
    if first["type"] == "value_error":
        at = f"field {field!r}: " if first["loc"] else ""
        return f"{at}{message}{more}"
    return f"field {field!r}: {message}, found {found}.{more}"


def _shorten(value: object, limit: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def read_yaml(path: Path) -> object:
    """Read a YAML file.

    Raises:
        ModPluralError: If the file cannot be read or is not YAML; names file, line and column.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModPluralError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise ModPluralError(f"{path}: is not UTF-8 text (byte {error.start}).") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        problem = getattr(error, "problem", None) or "cannot be parsed"
        raise ModPluralError(f"{place}: malformed YAML ({problem}).") from error


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        ModPluralError: If the file cannot be read or is not JSON; names file, line and column.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModPluralError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise ModPluralError(f"{path}: is not UTF-8 text (byte {error.start}).") from error
    except json.JSONDecodeError as error:
        raise ModPluralError(f"{path}:{error.lineno}:{error.colno}: malformed JSON ({error.msg}).") from error
