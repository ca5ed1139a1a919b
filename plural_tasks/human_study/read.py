"""Read what raters sent back, and take nothing that does not fit the study."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from plural_tasks.human_study.key import CHOICES, VERSION, Choice, Key
from plural_tasks.utils.checked import read_json
from plural_tasks.utils.errors import ModPluralError, unknown_name
from plural_tasks.utils.files import write_json

FORMAT = "plural-study-answers"


@dataclass(frozen=True)
class Returned:
    """A rater's choices.

    Attributes:
        rater: Name of the rater.
        choices: Item -> what was chosen, for every item of the rater.
        seconds: Item -> seconds that it was open; only where the file says so.
    """

    rater: str
    choices: Mapping[str, Choice]
    seconds: Mapping[str, float]


def read_returned(path: Path, key: Key) -> Returned:
    """Read one file: the page's JSON or CSV, or the filled-in table.

    Raises:
        ModPluralError: If the file is of another study, version or form, names an unknown rater or item, answers an
            item twice or not at all, or holds something else than 1, 2 or tie.
    """
    rows = _json_rows(path) if path.suffix.lower() == ".json" else _csv_rows(path)
    if not rows:
        raise ModPluralError(f"{path}: holds no answer.")
    for name, expected in (("version", str(VERSION)), ("study", key.study)):
        found = {row[name] for row in rows}
        if found != {expected}:
            raise ModPluralError(
                f"{path}: is of {name} {', '.join(sorted(found))}, expected {expected}; was it filled in for another "
                "study?"
            )
    raters = {row["rater"] for row in rows}
    if len(raters) > 1:
        raise ModPluralError(f"{path}: holds answers of {', '.join(sorted(raters))}; expected one rater in a file.")
    (rater,) = raters
    if not key.rows_of(rater):
        raise unknown_name("rater", rater, [one.name for one in key.raters], where=str(path))
    named = _by_item(rows, [row.item for row in key.rows_of(rater)], path)
    seconds = {item: float(row["seconds"]) for item, row in named.items() if _is_number(row.get("seconds"))}
    return Returned(rater, _choices(named, path), seconds)


def _by_item(rows: Sequence[Mapping[str, str]], items: Sequence[str], path: Path) -> dict[str, Mapping[str, str]]:
    found: dict[str, Mapping[str, str]] = {}
    short = {item.lstrip("0"): item for item in items}  # a spreadsheet turns 01 into 1
    for row in rows:
        item = short.get(row["item"].lstrip("0"))
        if item is None:
            raise unknown_name("item", row["item"], items, where=str(path))
        if item in found:
            raise ModPluralError(f"{path}: item {item} is there twice; remove one of the two.")
        found[item] = row
    missing = [item for item in items if item not in found or not found[item]["verdict"].strip()]
    if missing:
        raise ModPluralError(
            f"{path}: {len(missing)} of {len(items)} items are not answered (the first is {missing[0]}); ask the rater "
            "to finish."
        )
    return {item: found[item] for item in items}


def _choices(named: Mapping[str, Mapping[str, str]], path: Path) -> dict[str, Choice]:
    found: dict[str, Choice] = {}
    for item, row in named.items():
        said = row["verdict"].strip().lower()
        choice = next((choice for choice in CHOICES if choice == said), None)
        if choice is None:
            raise ModPluralError(f"{path}: item {item} says {row['verdict']!r}, expected 1, 2 or tie.")
        found[item] = choice
    return found


def _json_rows(path: Path) -> list[dict[str, str]]:
    data = read_json(path)
    if not isinstance(data, dict) or data.get("format") != FORMAT or not isinstance(data.get("answers"), list):
        raise ModPluralError(f"{path}: is no file of answers; expected the one that a rater's page saved.")
    common = {name: str(data.get(name, "")) for name in ("version", "study", "rater")}
    rows = []
    for place, answer in enumerate(data["answers"]):
        if not isinstance(answer, dict) or "item" not in answer or "verdict" not in answer:
            raise ModPluralError(f"{path}: answers[{place}] has no item or no verdict.")
        texts = {name: "" if value is None else str(value) for name, value in answer.items()}
        rows.append({**texts, **common})
    return rows


def _csv_rows(path: Path) -> list[dict[str, str]]:
    text = _decoded(path)
    header = text.split("\n", 1)[0]
    separator = max(",;\t", key=header.count)  # spreadsheets write the one of their country
    try:
        table = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as error:
        raise ModPluralError(f"{path}: is no table ({error}).") from error
    rows = []
    for row in table:
        named = {_column(name): value or "" for name, value in row.items() if isinstance(name, str)}
        lacking = [name for name in ("study", "version", "rater", "item", "verdict") if name not in named]
        if lacking:
            raise ModPluralError(f"{path}: has no column {lacking[0]!r}; expected a rater's table or the page's CSV.")
        if any(value for name, value in named.items()):
            rows.append({name: str(value).strip() for name, value in named.items()})
    return rows


def _decoded(path: Path) -> str:
    """Decode a file in whatever encoding a spreadsheet saved it; what is read of it is plain ASCII."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModPluralError(f"{path}: cannot be read ({error.strerror}).") from error
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _column(name: str) -> str:
    return name.strip().strip('"').split(" (")[0].lower()


def _is_number(text: str | None) -> bool:
    try:
        return float(text or "") >= 0.0
    except ValueError:
        return False


def keep(folder: Path, returned: Returned, key: Key) -> bool:
    """Keep a rater's choices in a study's folder of answers, in the page's JSON form.

    Returns:
        Whether they are new; the same choices may be kept again.

    Raises:
        ModPluralError: If other choices of the same rater are there.
    """
    path = folder / f"{returned.rater}.json"
    if path.exists():
        if read_returned(path, key).choices == returned.choices:
            return False
        raise ModPluralError(
            f"{path}: {returned.rater} has answered already, and differently; remove that file to take the new answers."
        )
    answers = [
        {"item": item, "verdict": choice, "seconds": returned.seconds.get(item)}
        for item, choice in returned.choices.items()
    ]
    head = {"format": FORMAT, "version": VERSION, "study": key.study, "rater": returned.rater}
    write_json(path, {**head, "answers": answers})
    return True


def read_kept(folder: Path, key: Key) -> list[Returned]:
    """Read every rater's choices out of a study's folder of answers.

    Raises:
        ModPluralError: If there are none, or a file does not fit the study.
    """
    paths: Iterable[Path] = sorted(folder.glob("*.json")) if folder.is_dir() else ()
    returned = [read_returned(path, key) for path in paths]
    if not returned:
        raise ModPluralError(f"{folder}: holds no answers; import what raters sent back (modplural study import).")
    names = [one.rater for one in returned]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ModPluralError(f"{folder}: holds two files of {twice}; remove one of them.")
    return returned
