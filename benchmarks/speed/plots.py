"""Plots of a results file, as SVG; colours are those of Okabe and Ito, which colour-blind people tell apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
SPEEDS = ("messages", "scoring")


def draw(comparisons: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Draw what a results file has.

    Args:
        comparisons: Name -> entry of the file.
        folder: Where the plots go.

    Returns:
        Name of the comparison -> name of its plot's file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    painters: dict[str, Callable[[Any], Any]] = {
        **dict.fromkeys(SPEEDS, _speeds),
        "whole": _phases,
        "growth": _growth,
    }
    drawn = {}
    # Without a date and random names in it, the same figures give the same file.
    with pyplot.rc_context({"svg.hashsalt": "modplural", "font.size": 9, "axes.axisbelow": True}):
        for name, paint in painters.items():
            if name in comparisons:
                figure = paint(comparisons[name])
                figure.savefig(folder / f"{name}.svg", bbox_inches="tight", metadata={"Date": None})
                pyplot.close(figure)
                drawn[name] = f"{name}.svg"
    return drawn


def _speeds(found: Mapping[str, Any]) -> Any:
    """A bar for each way, on a logarithmic axis."""
    speeds = {name: way["per_second"] for name, way in found["ways"].items()}
    figure, axes = pyplot.subplots(figsize=(7, 0.5 + 0.4 * len(speeds)))
    bars = axes.barh(list(speeds), list(speeds.values()), color=COLOURS[0])
    axes.bar_label(bars, [f"{value:.3g}" for value in speeds.values()], padding=3)
    axes.set_xscale("log")
    axes.set_xlim(right=2 * max(speeds.values()))
    axes.invert_yaxis()
    axes.set_xlabel(f"{found['unit']} a second")
    axes.grid(axis="x", alpha=0.3)
    return figure


def _phases(found: Mapping[str, Any]) -> Any:
    """Where the seconds of an evaluation go, and beside it where the published way would spend them."""
    ours = {name: part["all"] for name, part in found["figures"]["phases"].items()}
    figure, axes = pyplot.subplots(2, 1, figsize=(7, 3.4))
    rows = (("modplural", ours), ("published, scaled", found["figures"]["published_phases"]))
    for row, (name, parts) in zip(axes, rows, strict=True):
        _stack(row, name, parts)
    axes[-1].set_xlabel("seconds (each bar has an axis of its own)")
    figure.tight_layout()
    return figure


def _stack(axes: Any, name: str, parts: Mapping[str, float]) -> None:
    left = 0.0
    for colour, (part, seconds) in zip(COLOURS, parts.items(), strict=False):
        axes.barh([name], [seconds], left=left, color=colour, label=f"{part} {seconds:.0f} s")
        left += seconds
    axes.legend(ncols=3, fontsize=7, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)
    axes.set_xlim(0, left)


def _growth(found: Mapping[str, Any]) -> Any:
    """Seconds for each community, and memory, against the size of the pool."""
    resident = {int(size): value / 1e9 for size, value in found["figures"]["resident_bytes"].items()}
    sizes: Sequence[int] = list(resident)
    each = [1 / found["ways"][f"{size} communities"]["per_second"] for size in sizes]
    figure, (time, memory) = pyplot.subplots(1, 2, figsize=(7, 2.4))
    for axes, values, label in ((time, each, "seconds for each"), (memory, list(resident.values()), "most memory, GB")):
        axes.plot(sizes, values, marker="o", color=COLOURS[0])
        axes.set_ylim(0, 1.15 * max(values))
        axes.set_xticks(sizes)
        axes.set_xlabel("communities in the pool")
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
    figure.tight_layout()
    return figure
