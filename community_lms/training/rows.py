"""Read rows one by one from local files or from the Hub, each knowing its place; nothing is read ahead but a block."""

from __future__ import annotations

import csv
import glob
import gzip
import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from plural_tasks.sources.base import LocatedRow
from plural_tasks.utils.errors import ModPluralError, one_line

BLOCK = 1 << 20
"""Characters, or bytes, read at once."""
LONGEST = 1 << 28
"""Characters of one element of a JSON list; what is longer is taken for a list that is broken off."""

_BETWEEN = re.compile(r"[\s,]*")
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


def rows(
    path: str, *, split: str | None = None, revision: str | None = None, subset: str | None = None
) -> Iterator[LocatedRow]:
    """Read the rows of a file, of all files of a folder (sorted by path), or of a data set of the Hub.

    Args:
        path: A ``.jsonl``, ``.json`` (a list, or one object a line), ``.parquet``, ``.csv``, ``.tsv`` or ``.txt`` (one
            text a line) file, where ``.jsonl.gz`` and ``.txt.gz`` are read too; a folder of these; or ``owner/name``.
        split: Split of a Hub data set; may be left out where there is one only.
        revision: Commit, tag or branch of a Hub data set.
        subset: Configuration of a Hub data set that has several.

    Raises:
        ModPluralError: If there is no such place, or it cannot be read; names file and line, or row.
    """
    local = Path(path).expanduser()
    if local.exists():
        for file in data_files(local):
            yield from file_rows(file)
    elif is_on_hub(path):
        yield from hub_rows(path, split=split, revision=revision, subset=subset)
    else:
        raise ModPluralError(
            f"{path}: no such file or folder, nor a name as the Hub has it (owner/name). Files end in "
            f"{', '.join(READERS)}."
        )


def is_on_hub(path: str) -> bool:
    """Say whether this names a data set of the Hub: ``owner/name``, and nothing that lies here."""
    local = Path(path).expanduser()
    return not local.exists() and _HUB_NAME.fullmatch(path) is not None and format_of(local) is None


def data_files(path: Path) -> list[Path]:
    """Return the file, or all readable files below the folder, sorted.

    Raises:
        ModPluralError: If there is none, or the file has another ending.
    """
    if path.is_file():
        if format_of(path) is None:
            raise ModPluralError(f"{path}: unknown kind of file. Expected an ending of {', '.join(READERS)}.")
        return [path]
    visible = (file for file in path.rglob("*") if not any(p.startswith(".") for p in file.relative_to(path).parts))
    found = sorted(file for file in visible if file.is_file() and format_of(file) is not None)
    if not found:
        raise ModPluralError(f"{path}: holds no file that ends in {', '.join(READERS)}.")
    return found


def format_of(path: Path) -> str | None:
    """Return the ending that says how a file is read; None for files that are not."""
    name = path.name.casefold()
    packed = name.endswith((".jsonl.gz", ".txt.gz"))
    ending = Path(name.removesuffix(".gz") if packed else name).suffix
    return ending if ending in READERS else None


def file_rows(path: Path) -> Iterator[LocatedRow]:
    """Read the rows of one file; see `rows`."""
    empty = True
    try:
        for row in READERS[str(format_of(path))](path):
            empty = False
            yield row
    except ModPluralError:
        raise
    except UnicodeDecodeError as error:
        raise ModPluralError(f"{path}: is not UTF-8 text.") from error
    except Exception as error:  # of the operating system, csv, pyarrow, fsspec: they have no common base
        raise ModPluralError(f"{path}: cannot be read ({one_line(error)[:200]}).") from error
    if empty:
        raise ModPluralError(f"{path}: holds no record, expected at least one.")


def hub_rows(name: str, *, split: str | None, revision: str | None, subset: str | None) -> Iterator[LocatedRow]:
    """Stream the rows of a data set of the Hub; see `rows`."""
    import datasets

    try:
        found = datasets.load_dataset(name, subset, split=split, revision=revision, streaming=True)
    except Exception as error:  # the client's errors, and those of the HTTP library under it, have no common base
        raise _unreachable(name, error) from error
    if isinstance(found, dict):
        if len(found) > 1:
            raise ModPluralError(f"{name}: has the splits {', '.join(found)}; say with 'split' which of them is meant.")
        split, found = next(iter(found.items()))
    number = 0
    try:
        for number, row in enumerate(found, start=1):
            yield LocatedRow(row, f"{name} ({split}), row {number}")
    except Exception as error:
        raise _unreachable(f"{name} ({split}), after row {number}", error) from error
    if not number:
        raise ModPluralError(f"{name} ({split}): holds no record, expected at least one.")


def splits(name: str, *, revision: str | None = None, subset: str | None = None) -> list[str]:
    """Return the names of the splits of a data set of the Hub.

    Raises:
        ModPluralError: If it cannot be reached.
    """
    import datasets

    try:
        return [str(split) for split in datasets.get_dataset_split_names(name, subset, revision=revision)]
    except Exception as error:
        raise _unreachable(name, error) from error


def _unreachable(where: str, error: Exception) -> ModPluralError:
    reason = one_line(error)[:300]
    name = where.split(" ")[0]
    if "gated" in reason:
        return ModPluralError(
            f"{where}: is gated. Accept its terms at https://huggingface.co/datasets/{name} and run `hf auth login`, "
            "or download it there and give the path of the files."
        )
    return ModPluralError(
        f"{where}: cannot be read from the Hub ({reason}). Check name, split, revision and connection, or download it "
        "and give the path of the files."
    )


def _text_lines(path: Path) -> Iterator[tuple[int, str]]:
    opener: Any = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, start=1):
            yield number, line.strip()


def _json_lines(path: Path) -> Iterator[LocatedRow]:
    for number, line in _text_lines(path):
        if not line:
            continue
        where = f"{path}:{number}"
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            raise ModPluralError(f"{where}:{error.colno}: malformed JSON ({error.msg}).") from error
        yield _row(value, where)


def _json(path: Path) -> Iterator[LocatedRow]:
    with path.open(encoding="utf-8-sig") as file:
        first = next((char for char in iter(lambda: file.read(1), "") if not char.isspace()), "")
    if first != "[":
        yield from _json_lines(path)
        return
    for number, value in enumerate(_elements(path), start=1):
        yield _row(value, f"{path}, record {number}")


def _elements(path: Path) -> Iterator[Any]:
    """Elements of a JSON list that may be larger than memory; one of them and a block are held."""
    decode, number = json.JSONDecoder().raw_decode, 0
    with path.open(encoding="utf-8-sig") as file:
        text = file.read(BLOCK).lstrip()[1:]
        place = 0
        while True:
            place = _BETWEEN.match(text, place).end()  # type: ignore[union-attr]  # matches the empty text
            if text.startswith("]", place):
                return
            try:
                value, place = decode(text, place)
            except json.JSONDecodeError as error:
                text = text[place:]
                more = file.read(max(BLOCK, len(text))) if len(text) < LONGEST else ""
                if not more:
                    raise ModPluralError(f"{path}, record {number + 1}: malformed JSON ({error.msg}).") from error
                text, place = text + more, 0
                continue
            number += 1
            yield value


def _row(value: Any, where: str) -> LocatedRow:
    if not isinstance(value, dict):
        raise ModPluralError(f"{where}: found {type(value).__name__}, expected a record with named fields.")
    return LocatedRow(value, where)


def _parquet(path: Path) -> Iterator[LocatedRow]:
    import datasets

    files = {"train": [glob.escape(str(path.resolve()))]}
    found = datasets.load_dataset("parquet", data_files=files, split="train", streaming=True)
    for number, row in enumerate(found, start=1):
        yield LocatedRow(row, f"{path}, row {number}")


def _table(path: Path, delimiter: str = ",") -> Iterator[LocatedRow]:
    csv.field_size_limit(LONGEST)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, delimiter=delimiter, strict=True)
        try:
            for row in reader:
                where = f"{path}:{reader.line_num}"
                if None in row or None in row.values():
                    raise ModPluralError(
                        f"{where}: has another number of fields than the header, {len(reader.fieldnames or ())}."
                    )
                yield LocatedRow(row, where)
        except csv.Error as error:
            raise ModPluralError(f"{path}:{reader.line_num}: malformed table ({error}).") from error


def _tabs(path: Path) -> Iterator[LocatedRow]:
    return _table(path, "\t")


def _plain(path: Path) -> Iterator[LocatedRow]:
    return (LocatedRow({"comment": line}, f"{path}:{number}") for number, line in _text_lines(path) if line)


READERS: dict[str, Callable[[Path], Iterable[LocatedRow]]] = {
    ".jsonl": _json_lines,
    ".json": _json,
    ".parquet": _parquet,
    ".csv": _table,
    ".tsv": _tabs,
    ".txt": _plain,
}
