"""Fields of upstream records, checked as they are read; every refusal names the field."""

from __future__ import annotations

import ast
import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

from plural_tasks.schema import check_distribution

LONGEST_LITERAL = 1_000_000
"""Characters; the longest upstream literal has some 30,000."""


def identifier(row: Mapping[str, Any], field: str = "id") -> str:
    """Return a field that holds text or a whole number, as text."""
    value = row[field]
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"field {field!r}: found {value!r}, expected text or a whole number.")
    return str(value)


def text(row: Mapping[str, Any], field: str) -> str:
    """Return a field that holds text other than blanks."""
    value = row[field]
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"field {field!r}: found {value!r}, expected text.")
    return value


def texts(row: Mapping[str, Any], field: str) -> tuple[str, ...]:
    """Return a field that holds a list of texts, at least one."""
    values = row[field]
    if not isinstance(values, list) or not values:
        raise ValueError(f"field {field!r}: found {values!r}, expected a list of texts.")
    return tuple(text({f"{field}.{place}": value}, f"{field}.{place}") for place, value in enumerate(values))


def one_of(row: Mapping[str, Any], field: str, known: Sequence[str]) -> str:
    """Return the one of ``known`` that a field names, in whatever case."""
    value = text(row, field)
    for name in known:
        if value.strip().casefold() == name.casefold():
            return name
    raise ValueError(f"field {field!r}: found {value!r}, expected one of {', '.join(known)}.")


def shares(row: Mapping[str, Any], field: str, n_options: int) -> tuple[float, ...]:
    """Return a field that holds one share for each option, summing to 1."""
    values = row[field]
    if not isinstance(values, list) or not values or not all(isinstance(value, float | int) for value in values):
        raise ValueError(f"field {field!r}: found {values!r}, expected a list of shares.")
    check_distribution(values, n_options)
    return tuple(values)


def proportions(values: Sequence[float], field: str) -> tuple[float, ...]:
    """Return counts, percentages or rounded shares as shares that sum to 1.

    Raises:
        ValueError: If a value is negative or not finite, or all are 0.
    """
    if not all(isinstance(value, float | int) and math.isfinite(value) and value >= 0 for value in values):
        raise ValueError(f"field {field!r}: found {list(values)!r}, expected numbers of at least 0.")
    total = math.fsum(values)
    if total <= 0:
        raise ValueError(f"field {field!r}: found {list(values)!r}, of which none is above 0.")
    return tuple(value / total for value in values)


def literal(value: object, field: str) -> Any:
    """Return the Python literal that a text spells out: a list, mapping, number or text; nothing is executed.

    Raises:
        ValueError: If the text is anything else.
    """
    if not isinstance(value, str) or len(value) > LONGEST_LITERAL:
        raise ValueError(f"field {field!r}: found {_short(value)}, expected a Python literal.")
    try:
        return ast.literal_eval(value.strip())
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise ValueError(f"field {field!r}: found {_short(value)}, expected a Python literal.") from error


def cluster_of(asked: str) -> str:
    """Return the short name of a question, the same for texts that differ in case or white space only."""
    return hashlib.sha256(" ".join(asked.casefold().split()).encode()).hexdigest()[:12]


def _short(value: object, limit: int = 60) -> str:
    shown = repr(value[:limit]) if isinstance(value, str) else repr(value)[:limit]
    return shown + "…" if isinstance(value, str) and len(value) > limit else shown
