"""Plots of a results file, as SVG; colours are those of Okabe and Ito, which colour-blind people tell apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot
from matplotlib.patches import Patch

from benchmarks.speed.tables import number
from benchmarks.speed.timing import Round, ratio

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
SPEEDS = ("messages", "scoring")
PHASES = {
    "messages": (COLOURS[0], ""),
    "selection": (COLOURS[1], ""),
    "scoring": (COLOURS[2], ""),
    "steerable answers": (COLOURS[2], "///"),
    "distributions": (COLOURS[2], "\\\\\\"),
    "generation": (COLOURS[3], ""),
    "judge": (COLOURS[4], ""),
    "rest": (COLOURS[5], ""),
}
"""Phase -> colour and lines; steerable answers and distributions are what modplural counts as scoring."""


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
    """A bar for each way from zero, and beside it the figure and how many times the first way it is."""
    speeds = {name: way["per_second"] for name, way in found["ways"].items()}
    rounds = {name: [Round(**one) for one in way["rounds"]] for name, way in found["ways"].items()}
    first = next(iter(rounds))
    times = {name: f" ({number(ratio(own, rounds[first]))} × {first})" for name, own in rounds.items() if name != first}
    told = [number(speed) + times.get(name, "") for name, speed in speeds.items()]
    figure, axes = pyplot.subplots(figsize=(7, 0.5 + 0.4 * len(speeds)))
    bars = axes.barh(list(speeds), list(speeds.values()), color=COLOURS[0])
    axes.bar_label(bars, told, padding=3)
    axes.set_xlim(0, 1.4 * max(speeds.values()))
    axes.invert_yaxis()
    axes.set_xlabel(f"{found['unit']} a second")
    axes.grid(axis="x", alpha=0.3)
    return figure


def _phases(found: Mapping[str, Any]) -> Any:
    """Where an evaluation's seconds go and where the published way would spend them, on one axis; below, ours alone."""
    ours = {name: part["all"] for name, part in found["figures"]["phases"].items()}
    theirs = found["figures"]["published_phases"]
    figure, (both, closer) = pyplot.subplots(
        2, 1, figsize=(7, 4.4), gridspec_kw={"height_ratios": (2, 1), "hspace": 0.75}
    )
    for name, parts in (("published, scaled", theirs), ("modplural", ours)):
        total = _stack(both, name, parts)
        both.annotate(f"{total:,.0f} s", (total, name), (4, 0), textcoords="offset points", va="center")
    both.set_xlim(0, 1.13 * sum(theirs.values()))
    both.invert_yaxis()
    both.set_xlabel("seconds")
    both.xaxis.set_major_formatter("{x:,.0f}")
    _stack(closer, "modplural", ours)
    closer.set_xlim(0, sum(ours.values()))
    closer.set_xlabel(f"seconds: the bar of {sum(ours.values()):,.0f} s once more, drawn larger")
    _phase_legend(figure, ours, theirs)
    return figure


def _stack(axes: Any, name: str, parts: Mapping[str, float]) -> float:
    """Put phases end to end; return where the last one ends."""
    left = 0.0
    for part, seconds in parts.items():
        axes.barh([name], [seconds], left=left, **_look(part))
        left += seconds
    return left


def _look(part: str) -> dict[str, Any]:
    """Colour of a phase, wherever it stands; the published way's two kinds of scoring are told apart by lines."""
    colour, hatch = PHASES.get(part, ("#999999", ""))
    return {"facecolor": colour, "hatch": hatch, "edgecolor": "white", "linewidth": 0}


def _phase_legend(figure: Any, ours: Mapping[str, float], theirs: Mapping[str, float]) -> None:
    """What each colour is, and its seconds on either side."""
    handles, told = [], []
    for part in dict.fromkeys([*theirs, *ours]):
        sides = [f"{side[part]:,.0f} s" if part in side else "–" for side in (theirs, ours)]
        handles.append(Patch(**_look(part)))
        told.append(f"{part}: {' / '.join(sides)}")
    title = "published, scaled / modplural"
    figure.legend(handles, told, title=title, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 0.92), frameon=False)


def _growth(found: Mapping[str, Any]) -> Any:
    """Seconds for each community, and memory, against the size of the pool."""
    resident = {int(size): value / 1e9 for size, value in found["figures"]["resident_bytes"].items()}
    sizes: Sequence[int] = list(resident)
    each = [1 / found["ways"][f"{size} communities"]["per_second"] for size in sizes]
    figure, (time, memory) = pyplot.subplots(1, 2, figsize=(7, 2.4))
    shown = ((time, each, "seconds for each community"), (memory, list(resident.values()), "most memory, GB"))
    for axes, values, label in shown:
        axes.plot(sizes, values, marker="o", color=COLOURS[0])
        axes.set_ylim(0, 1.15 * max(values))
        axes.set_xticks(sizes)
        axes.set_xlabel("communities in the pool")
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
    figure.tight_layout()
    return figure
