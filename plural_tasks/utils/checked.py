"""Turn untrusted data (YAML, JSON, command-line values) into validated objects with readable errors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from plural_tasks.utils.errors import ModPluralError, nearest

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

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
        raise ModPluralError(f"{where}: {describe(error, fields_of(_owner(model, error)))}") from error


def fields_of(model: type[BaseModel]) -> list[str]:
    """Names under which ``model`` reads its fields."""
    return [info.alias or name for name, info in model.model_fields.items()]


def _owner(model: type[BaseModel], error: ValidationError) -> type[BaseModel]:
    """The record type, ``model`` or one inside it, whose field the first problem is about."""
    for part in _first(error)["loc"][:-1]:
        info = model.model_fields.get(str(part))
        types = (info.annotation, *get_args(info.annotation)) if info else ()
        inner = [kind for kind in types if get_origin(kind) is None and isinstance(kind, type)]
        model = next((kind for kind in inner if issubclass(kind, BaseModel)), model)
    return model


def _first(error: ValidationError) -> ErrorDetails:
    """The problem to report: an unknown field if there is one, for it may be the missing field misspelt."""
    problems = error.errors(include_url=False)
    return next((problem for problem in problems if problem["type"] == "extra_forbidden"), problems[0])


def describe(error: ValidationError, valid: Sequence[str]) -> str:
    """Say the first problem of a validation in one sentence; ``valid`` are the names a field may have."""
    first = _first(error)
    field = ".".join(str(part) for part in first["loc"]) or "record"
    found = _shorten(first.get("input"))
    others = error.error_count() - 1
    more = f" ({others} more problem{'s' if others > 1 else ''}.)" if others else ""
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


def read_text(path: Path) -> str:
    """Read a UTF-8 file.

    Raises:
        ModPluralError: If the file cannot be read or is not UTF-8; names the file.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ModPluralError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise ModPluralError(f"{path}: is not UTF-8 text (byte {error.start}).") from error


def read_yaml(path: Path) -> object:
    """Read a YAML file.

    Raises:
        ModPluralError: If the file cannot be read or is not YAML; names file, line and column.
    """
    try:
        return yaml.safe_load(read_text(path))
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
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise ModPluralError(f"{path}:{error.lineno}:{error.colno}: malformed JSON ({error.msg}).") from error
