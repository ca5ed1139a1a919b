"""Scored files as Markdown, CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

from plural_tasks.rescore.figure import Reason, RescoredFigure
from plural_tasks.rescore.score import Rescored

Scoring = Literal["both", "paper", "corrected"]
SCORINGS: tuple[Scoring, ...] = get_args(Scoring)

Files = Mapping[str, Rescored]
"""Path of a file -> what it scores."""

_COLUMNS: dict[Scoring, tuple[str, ...]] = {
    "both": ("paper", "corrected", "se", "n_paper", "n", "excluded", "fallback"),
    "paper": ("paper", "n_paper"),
    "corrected": ("corrected", "se", "n", "excluded", "fallback"),
}


def columns(scoring: Scoring) -> tuple[str, ...]:
    """The fields of `RescoredFigure` that are shown; with both scorings the reasons follow them."""
    return _COLUMNS[scoring]


def shown(rescored: Rescored, scoring: Scoring) -> list[RescoredFigure]:
    """The figures that a scoring has."""
    own = {"paper": "n_paper", "corrected": "n"}
    return [figure for figure in rescored.figures if scoring == "both" or getattr(figure, own[scoring])]


def narrow(scoring: Scoring) -> tuple[str, ...]:
    """The fields that a terminal shows in the table; with both scorings `details` says the others below it."""
    return ("paper", "corrected", "se", "n") if scoring == "both" else columns(scoring)


def details(figure: RescoredFigure) -> list[str]:
    """What stands below a terminal's table: counts that are not in it, then the reasons."""
    counts = [f"{figure.n_paper} rows as published"] if figure.n_paper not in (0, figure.n) else []
    counts += [f"{figure.excluded} rows left out"] if figure.excluded else []
    counts += [f"{figure.fallback} rows without a usable answer"] if figure.fallback else []
    return [*([", ".join(counts)] if counts else []), *(reason(one) for one in figure.reasons)]


def number(value: float) -> str:
    """A figure with four decimals, a count as it is, an unscorable figure as a dash."""
    if isinstance(value, int):
        return str(value)
    return "–" if math.isnan(value) else f"{value:.4f}".replace("-", "−")


def reason(found: Reason) -> str:
    """A reason in words: its effect, what it is, how many rows it touches."""
    effect = "" if math.isnan(found.effect) else f"{found.effect:+.4f}: ".replace("-", "−")
    return f"{effect}{found.text} ({found.rows} rows)"


def as_markdown(files: Files, scoring: Scoring = "both") -> str:
    """One table for each file."""
    return "\n\n".join(_table(name, rescored, scoring) for name, rescored in files.items()) + "\n"


def as_csv(files: Files, scoring: Scoring = "both") -> str:
    """One row for each file and figure; an unscorable figure is empty."""
    out = io.StringIO()
    names = ("file", "figure", *columns(scoring), *(("reasons",) if scoring == "both" else ()))
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    for name, rescored in files.items():
        for figure in shown(rescored, scoring):
            row: dict[str, Any] = {"file": name, "figure": figure.name, **_plain(figure, scoring)}
            if scoring == "both":
                row["reasons"] = "; ".join(reason(one) for one in figure.reasons)
            writer.writerow(row)
    return out.getvalue()


def as_json(files: Files, scoring: Scoring = "both") -> str:
    """A list of files with their figures and notes; an unscorable figure is null."""
    records = [
        {
            "file": name,
            "rows": rescored.rows,
            "notes": list(rescored.notes),
            "figures": {figure.name: _record(figure, scoring) for figure in shown(rescored, scoring)},
        }
        for name, rescored in files.items()
    ]
    return json.dumps(records, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


FORMATS: dict[str, Callable[[Files, Scoring], str]] = {"markdown": as_markdown, "csv": as_csv, "json": as_json}
"""Name -> what writes it."""


def _table(name: str, rescored: Rescored, scoring: Scoring) -> str:
    names = ["figure", *columns(scoring), *(["reasons"] if scoring == "both" else [])]
    lines = [f"**{name}**, {rescored.rows} rows", "", f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    for figure in shown(rescored, scoring):
        cells = [figure.name, *(number(getattr(figure, column)) for column in columns(scoring))]
        if scoring == "both":
            cells.append("<br>".join(reason(one) for one in figure.reasons) or "none")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, *(f"\n{note}" for note in rescored.notes)])


def _record(figure: RescoredFigure, scoring: Scoring) -> dict[str, Any]:
    record: dict[str, Any] = _plain(figure, scoring)
    if scoring == "both":
        record["reasons"] = [
            {"text": one.text, "rows": one.rows, "effect": _known(one.effect)} for one in figure.reasons
        ]
    return record


def _plain(figure: RescoredFigure, scoring: Scoring) -> dict[str, float | None]:
    return {column: _known(getattr(figure, column)) for column in columns(scoring)}


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
