"""Shares of a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST = 10


def top(seconds: Mapping[str, float], most: int = MOST) -> list[dict[str, Any]]:
    """The largest parts with their shares of all, the rest as ``others``; shares sum to 1 (none where nothing is)."""
    whole = sum(seconds.values())
    if not whole:
        return []
    ordered = sorted(seconds.items(), key=lambda item: (-item[1], item[0]))
    parts = ordered[:most]
    if len(ordered) > most:
        parts.append(("others", sum(value for _, value in ordered[most:])))
    return [{"name": name, "seconds": value, "share": value / whole} for name, value in parts]
