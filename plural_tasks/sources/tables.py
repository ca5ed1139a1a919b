"""CSV and Parquet tables as records that know their place."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from plural_tasks.sources.base import LocatedRow
from plural_tasks.utils.errors import ModPluralError, one_line


def member(folder: Path, name: str) -> Path:
    """Return the file ``name`` of a folder that keeps the layout of the public place, or all files side by side.

    Raises:
        ModPluralError: If the folder holds no such file.
    """
    for path in (folder / name, folder / PurePosixPath(name).name):
        if path.is_file():
            return path
    raise ModPluralError(f"{folder}: holds no {name}.")


def read_table(path: Path, columns: Sequence[str]) -> Iterator[LocatedRow]:
    """Read a table whose first line names its columns: Parquet by its ending, CSV otherwise.

    Args:
        path: The file.
        columns: What the caller needs; other columns of a CSV file come along.

    Raises:
        ModPluralError: If the file cannot be read, lacks a column, or a row has more or fewer fields than the header.
    """
    return _parquet_rows(path, columns) if path.suffix == ".parquet" else _csv_rows(path, columns)


def _csv_rows(path: Path, columns: Sequence[str]) -> Iterator[LocatedRow]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            _check_columns(path, header, columns)
            for number, values in enumerate((row for row in reader if row), start=1):
                where = f"{path}, row {number} (line {reader.line_num})"
                if len(values) != len(header):
                    raise ModPluralError(f"{where}: found {len(values)} fields, expected {len(header)}.")
                yield LocatedRow(dict(zip(header, values, strict=True)), where)
    except OSError as error:
        raise ModPluralError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise ModPluralError(f"{path}: is not UTF-8 text (byte {error.start}).") from error
    except csv.Error as error:
        raise ModPluralError(f"{path}:{reader.line_num}: malformed CSV ({error}).") from error


def _parquet_rows(path: Path, columns: Sequence[str]) -> Iterator[LocatedRow]:
    import pyarrow
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(path)
        _check_columns(path, file.schema_arrow.names, columns)
        rows = file.read(columns=list(columns)).to_pylist()
    except (OSError, pyarrow.ArrowException) as error:
        raise ModPluralError(f"{path}: cannot be read as Parquet ({one_line(error)[:200]}).") from error
    for number, row in enumerate(rows, start=1):
        yield LocatedRow(row, f"{path}, row {number}")


def _check_columns(path: Path, found: Sequence[str], columns: Sequence[str]) -> None:
    missing = [name for name in columns if name not in found]
    if missing:
        raise ModPluralError(f"{path}: the column {missing[0]!r} is missing; found {', '.join(found) or 'none'}.")
