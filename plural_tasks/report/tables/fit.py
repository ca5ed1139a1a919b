"""Fit tables into a terminal: columns are narrowed between words, and what still does not fit becomes a list."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PIECE = re.compile(r"\[[^\]]*\]|\S+(?: [↑↓])?")
"""What is never broken: a word, with its arrow, or an interval in brackets."""


def widths(rows: Sequence[Sequence[str]], available: int) -> list[int] | None:
    """Widths of the columns of a table.

    Args:
        rows: All rows, the header among them; each has one text for every column.
        available: Characters for all columns together.

    Returns:
        None where no widths fit that break no word and no interval.
    """
    columns = list(zip(*rows, strict=True))
    least = [
        max((_length(piece) for text in column for piece in _PIECE.findall(text.replace("**", ""))), default=1)
        for column in columns
    ]
    found = [max(_length(text) for text in column) for column in columns]
    found = [max(wide, narrow, 1) for wide, narrow in zip(found, least, strict=True)]
    while sum(found) > available:
        spare = [place for place, width in enumerate(found) if width > least[place]]
        if not spare:
            return None
        found[max(spare, key=found.__getitem__)] -= 1
    return found


def fold(text: str, width: int) -> str:
    """Break a text into lines between its words and intervals; marks of bold type are taken out."""
    lines = [""]
    for piece in _PIECE.findall(text.replace("**", "")):
        joined = f"{lines[-1]} {piece}".lstrip()
        if lines[-1] and _length(joined) > width:
            lines.append(piece)
        else:
            lines[-1] = joined
    return "\n".join(lines)


def listed(header: Sequence[str], row: Sequence[str]) -> list[str]:
    """A row as lines: its name, then one line for every column that says something."""
    filled = [f"  {name}: {text}" for name, text in zip(header[1:], row[1:], strict=True) if text]
    return [f"{header[0]} {row[0]}".strip(), *filled]


def _length(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text.replace("**", ""))
