"""Plots of the page, as SVG: one function for each comparison that a plot helps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

Entry = Mapping[str, Any]
Draw = Callable[[Any, Entry], None]
"""Draws a comparison on axes."""

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
"""Okabe and Ito's, which colour-blind people can tell apart."""
GREY = "#999999"
STYLE = {
    "svg.hashsalt": "modplural",  # the same figures give the same file
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def draw_plots(comparisons: Mapping[str, Entry], folder: Path) -> dict[str, Path]:
    """Draw all that there is a plot for; comparison -> its file."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {}
    for name, draw in PLOTS.items():
        if name in comparisons:
            made[name] = folder / f"{name}.svg"
            _draw(draw, comparisons[name], made[name])
    return made


def _draw(draw: Draw, entry: Entry, path: Path) -> None:
    with matplotlib.rc_context(STYLE):
        figure, axes = pyplot.subplots(figsize=(8, 3), layout="constrained")
        draw(axes, entry)
        axes.set_title(entry["title"], loc="left")
        figure.savefig(path, metadata={"Date": None})
        pyplot.close(figure)


def speeds(axes: Any, entry: Entry) -> None:
    """Rates of the ways as bars on a logarithmic axis, every round as a dot, and the limit."""
    names = list(entry["ways"])
    rates = [entry["ways"][name]["per_second"] for name in names]
    bars = axes.barh(names, rates, color=COLOURS[0])
    axes.bar_label(bars, [f"{rate:,.3g}" if rate < 1000 else f"{rate:,.0f}" for rate in rates], padding=6)
    for place, name in enumerate(names):
        found = [one["amount"] / one["seconds"] for one in entry["ways"][name]["rounds"]]
        axes.plot(found, [place] * len(found), ".", color="black", markersize=4)
    best = entry["figures"].get("limit_per_second")
    if best is not None:
        axes.axvline(best, color=COLOURS[5], linestyle="--", label=f"limit: {best:,.0f}")
        axes.legend(loc="lower right", frameon=False)
    axes.set_xscale("log")
    axes.margins(x=0.15)
    axes.invert_yaxis()
    axes.set_xlabel(f"{entry['unit']} a second (logarithmic)")


def phases(axes: Any, entry: Entry) -> None:
    """Seconds of the phases as parts of one bar; what is no model's work is hatched."""
    start = 0.0
    for (name, found), colour in zip(entry["figures"]["phases"].items(), COLOURS, strict=False):
        other = found["all"] - found["model"]
        axes.barh(["modplural"], [found["model"]], left=start, color=colour, label=f"{name}: {found['all']:.1f} s")
        axes.barh(["modplural"], [other], left=start + found["model"], color=colour, hatch="////", edgecolor="white")
        start += found["all"]
    axes.set_xlabel("seconds (hatched: not a model's work)")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.35), ncols=3, frameon=False)


def growing(axes: Any, entry: Entry) -> None:
    """Seconds of each community, and peak memory, over the number of communities."""
    counts = [int(count) for count in entry["figures"]["resident_bytes"]]
    seconds = [1 / way["per_second"] for way in entry["ways"].values()]
    memory = [size / 1e6 for size in entry["figures"]["resident_bytes"].values()]
    axes.plot(counts, seconds, "o-", color=COLOURS[0], label="seconds a community (left)")
    axes.set(xlabel="communities in the pool", ylabel="seconds a community", ylim=(0, 1.4 * max(seconds)))
    axes.set_xticks(counts)
    right = axes.twinx()
    right.plot(counts, memory, "s--", color=COLOURS[5], label="peak memory (right)")
    right.set(ylabel="peak memory, MB", ylim=(0, 1.4 * max(memory)))
    right.spines["right"].set_visible(True)
    lines = [*axes.get_lines(), *right.get_lines()]
    axes.legend(lines, [line.get_label() for line in lines], loc="lower right", frameon=False)


def tokens(axes: Any, entry: Entry) -> None:
    """Tokens asked and computed, with one order of the options and with several."""
    counts = entry["figures"]["tokens"]
    for shift, (key, colour) in enumerate((("asked", GREY), ("computed", COLOURS[0]))):
        places = [place + 0.4 * shift for place in range(len(counts))]
        bars = axes.barh(places, [found[key] for found in counts.values()], height=0.38, color=colour, label=key)
        axes.bar_label(bars, fmt="{:,.0f}", padding=4)
    axes.set_yticks([place + 0.2 for place in range(len(counts))], list(counts))
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set_xlabel("tokens")
    axes.legend(frameon=False)


def limits(axes: Any, entry: Entry) -> None:
    """Milliseconds of the calls, and the least that arithmetic and memory allow."""
    calls = {name: found for name, found in entry["figures"]["limits"].items() if name != "rates"}
    for shift, (key, colour) in enumerate((("limit", GREY), ("seconds", COLOURS[0]))):
        places = [place + 0.4 * shift for place in range(len(calls))]
        label = "limit" if key == "limit" else "measured"
        bars = axes.barh(places, [1000 * found[key] for found in calls.values()], 0.38, color=colour, label=label)
        axes.bar_label(bars, fmt="{:,.3g}", padding=4)
    axes.set_yticks([place + 0.2 for place in range(len(calls))], list(calls))
    axes.set_xscale("log")
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set_xlabel("milliseconds a call (logarithmic)")
    axes.legend(frameon=False)


PLOTS: dict[str, Draw] = {
    "messages": speeds,
    "scoring": speeds,
    "orders": tokens,
    "whole": phases,
    "growth": growing,
    "decoding_profile": limits,
}
