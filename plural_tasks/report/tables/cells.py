"""Tables of a report, and figures as the texts of their cells."""

from __future__ import annotations

import math
from dataclasses import dataclass

MARKS = {"better": " ▲", "worse": " ▼"}
NOTHING = "–"
MINUS = "−"


@dataclass(frozen=True)
class Block:
    """A heading, a table and notes, each of which may be empty; ``texts`` are the columns to align left."""

    title: str
    level: int = 2
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    texts: tuple[int, ...] = (0,)
    notes: tuple[str, ...] = ()


def arrow_of(higher_is_better: bool | None) -> str:
    """The arrow that says which direction is better."""
    return "" if higher_is_better is None else "↑" if higher_is_better else "↓"


def number(value: float) -> str:
    """A figure in three digits."""
    return NOTHING if math.isnan(value) else f"{value:.3f}".replace("-", MINUS)


def signed(value: float) -> str:
    """A difference in three digits, with its sign."""
    return NOTHING if math.isnan(value) else f"{value:+.3f}".replace("-", MINUS)


def interval(low: float, high: float, *, plus: bool = False) -> str:
    """``[low, high]``; empty where it is not known."""
    if math.isnan(low) or low == high:  # all documents alike: no interval can be had from them
        return ""
    show = signed if plus else number
    return f"[{show(low)}, {show(high)}]"


def percent(value: float) -> str:
    """A share as a percentage."""
    return NOTHING if math.isnan(value) else f"{100.0 * value:.1f} %"


def p_value(value: float) -> str:
    """A p value in three digits."""
    return NOTHING if math.isnan(value) else "<0.001" if value < 0.001 else f"{value:.3f}"
