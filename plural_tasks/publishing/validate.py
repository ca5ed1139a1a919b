"""Check items, wherever they are: a source, a built folder, or somebody's own file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from plural_tasks.publishing import cards
from plural_tasks.publishing.checks import CheckReport, Placed, Problem, check_items
from plural_tasks.publishing.load import read_parquet
from plural_tasks.publishing.manifest import MANIFEST, Manifest, SplitEntry, data_file, read_manifest
from plural_tasks.publishing.rows import digest, features, from_row
from plural_tasks.publishing.write import to_splits
from plural_tasks.schema import Item, Mode, Split
from plural_tasks.sources import SOURCES, locate, read_items
from plural_tasks.sources.locate import Override
from plural_tasks.utils.checked import read_json, read_text
from plural_tasks.utils.errors import ModPluralError, one_line


def check_source(name: str, *, data: Override = None, against: Manifest | None = None) -> CheckReport:
    """Check a source's items and, where ``against`` is given, that they are those of a published manifest.

    Raises:
        ModPluralError: If the source cannot be found or read.
    """
    source = SOURCES[name]
    items = read_items(source, locate(source, data))
    differences = list(_differences(name, items, against)) if against is not None else []
    return check_items({name: [(f"{name}, id {item.id!r}", item) for item in items]}, problems=differences)


def check_file(path: Path) -> CheckReport:
    """Check a JSON list or JSON lines of items, each with its fields and, where that is not plain, its ``mode``.

    Raises:
        ModPluralError: If the file as a whole cannot be read, or holds nothing.
    """
    problems: list[Problem] = []
    placed: list[Placed] = []
    for where, row in _records(path, problems):
        mode = _mode(row)
        if mode is None:
            problems.append(Problem(where, "states no mode: overton, steerable or distributional."))
        else:
            _place({**row, "mode": mode}, row.get("split", "test"), where, placed, problems)
    if not placed and not problems:
        raise ModPluralError(f"{path}: holds no item, expected at least one.")
    return check_items({path.name: placed}, problems=problems)


def check_folder(folder: Path) -> CheckReport:
    """Check a built folder: every row, the digests, the types, and that card, manifest and files belong together.

    Raises:
        ModPluralError: If the folder has no manifest that can be read.
    """
    manifest = read_manifest(folder)
    problems = [Problem(str(folder / cards.README), text) for text in cards.check_card(folder, manifest)]
    found: dict[str, list[Placed]] = {name: [] for name in manifest.sources}
    for name, source, split, entry in manifest.splits():
        if entry.file == data_file(name, split):
            found[name] += _check_split(folder / entry.file, source.mode, split, entry, problems)
        else:
            problems.append(Problem(entry.file, f"{MANIFEST} names this file, expected {data_file(name, split)}."))
    known = {folder / file for file in manifest.files}
    for path in sorted({*folder.rglob("*.parquet")} - known):
        problems.append(Problem(str(path), f"is not in {MANIFEST} and will not be pushed.", fatal=False))
    return check_items(found, problems=problems)


def _check_split(path: Path, mode: Mode, split: Split, entry: SplitEntry, problems: list[Problem]) -> list[Placed]:
    try:
        rows, odd = read_parquet(path, typed_as=features(mode))
    except ModPluralError as error:
        problems.append(Problem.of(str(path), error))
        return []
    if odd:
        problems.append(Problem(str(path), f"not the columns and types of the mode {mode}: {', '.join(odd)}."))
        return []
    if len(rows) != entry.rows or digest(rows) != entry.sha256:
        problems.append(Problem(str(path), f"its {len(rows)} rows are not those of {MANIFEST}; build it anew."))
    placed: list[Placed] = []
    for number, row in enumerate(rows, start=1):
        _place(row, split, f"{path}, row {number}", placed, problems)
    return placed


def _place(row: Mapping[str, Any], split: str, where: str, placed: list[Placed], problems: list[Problem]) -> None:
    """Append the item of a row to ``placed``, or what is wrong with it to ``problems``."""
    try:
        placed.append((where, from_row(row, split, where=where)))
    except ModPluralError as error:
        problems.append(Problem.of(where, error))


def _records(path: Path, problems: list[Problem]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if path.suffix == ".jsonl":
        lines = enumerate(read_text(path).split("\n"), start=1)
        rows: Iterable[tuple[str, Any]] = _parsed_lines(path, lines, problems)
    else:
        data = read_json(path) if path.stat().st_size else []
        if not isinstance(data, list):
            raise ModPluralError(f"{path}: found {type(data).__name__}, expected a JSON list of items (or .jsonl).")
        rows = ((f"{path}, row {number}", row) for number, row in enumerate(data, start=1))
    for where, row in rows:
        if isinstance(row, Mapping):
            yield where, row
        else:
            problems.append(Problem(where, f"found {type(row).__name__}, expected an item with named fields."))


def _parsed_lines(path: Path, lines: Iterable[tuple[int, str]], problems: list[Problem]) -> Iterator[tuple[str, Any]]:
    for number, line in lines:
        if not line.strip():
            continue
        try:
            yield f"{path}, row {number}", json.loads(line)
        except json.JSONDecodeError as error:
            problems.append(Problem(f"{path}, row {number}", f"malformed JSON ({one_line(error)})."))


def _mode(row: Mapping[str, Any]) -> str | None:
    if "mode" in row:
        return str(row["mode"])
    telling = {"values": "overton", "gold": "steerable", "gold_distribution": "distributional"}
    return next((mode for name, mode in telling.items() if name in row), None)


def _differences(name: str, items: Sequence[Item], manifest: Manifest) -> Iterator[Problem]:
    if name not in manifest.sources:
        yield Problem(name, f"is not in the manifest, which has {', '.join(manifest.sources)}.")
        return
    rows, splits = to_splits(items), manifest.sources[name].splits
    for split in dict.fromkeys((*rows, *splits)):
        expected = splits[split].sha256 if split in splits else "no rows"
        found = digest(rows[split]) if split in rows else "no rows"
        if found != expected:
            yield Problem(f"{name}, {split}", f"digest {found[:12]}…, the manifest has {expected[:12]}….")
