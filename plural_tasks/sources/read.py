"""Read a source's file into items, naming file, record and field of the first fault."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from plural_tasks.schema import Item
from plural_tasks.sources.base import LocatedRow, Source
from plural_tasks.utils.checked import describe, read_json
from plural_tasks.utils.errors import ModPluralError


def read_items(source: Source, path: Path) -> list[Item]:
    """Return all items of ``path``, in file order.

    Raises:
        ModPluralError: If the file is not laid out as the source's are, a record lacks a field or holds a value that
            the schema refuses, an id occurs twice, or there is no record.
    """
    rows = source.rows(path) if source.rows else _json_rows(path)
    items: list[Item] = []
    seen: set[str] = set()
    for number, row in enumerate(rows, start=1):
        where = row.where if isinstance(row, LocatedRow) else f"{path}, record {number}"
        item = _read(source, row, where)
        if item.id in seen:
            raise ModPluralError(f"{where}: the id {item.id!r} occurs twice.")
        seen.add(item.id)
        items.append(item)
    if not items:
        raise ModPluralError(f"{path}: holds no record, expected at least one.")
    return items


def _json_rows(path: Path) -> Iterable[Any]:
    rows = read_json(path)
    if not isinstance(rows, list):
        raise ModPluralError(f"{path}: found {type(rows).__name__}, expected a JSON list of records.")
    if not rows:
        raise ModPluralError(f"{path}: the list is empty, expected at least one record.")
    return rows


def _read(source: Source, row: Any, where: str) -> Item:
    if not isinstance(row, Mapping):
        raise ModPluralError(f"{where}: found {type(row).__name__}, expected a record with named fields.")
    if not isinstance(row, LocatedRow):
        where = f"{where} (id {row.get('id')!r})"
    try:
        return source.to_item(row)
    except ValidationError as error:
        raise ModPluralError(f"{where}: {describe(error, ())}") from error
    except KeyError as error:
        raise ModPluralError(f"{where}: field {error.args[0]!r} is missing; found {', '.join(row)}.") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise ModPluralError(f"{where}: {error}") from error
