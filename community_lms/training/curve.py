"""Losses of a training run as data and as a picture."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def loss_lines(history: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Losses out of a trainer's log: ``step``, ``tokens`` and either ``loss`` or ``held_out_loss`` (nats per token)."""
    seen = 0
    for entry in history:
        seen = int(entry.get("num_input_tokens_seen", seen))
        for theirs, ours in (("loss", "loss"), ("eval_loss", "held_out_loss")):
            if theirs in entry:
                yield {"step": int(entry.get("step", 0)), "tokens": seen, ours: float(entry[theirs])}


def draw_losses(lines: Iterable[Mapping[str, Any]], *, title: str) -> str:
    """Draw both losses over the steps; return the SVG.

    A loss that is None (it was not finite) is left out. Two runs with equal losses give equal files.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    listed = list(lines)
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    for name, colour, marker in (("loss", "0.55", ""), ("held_out_loss", "tab:blue", "o")):
        points = [(line["step"], line[name]) for line in listed if line.get(name) is not None]
        if points:
            label = name.replace("_", "-", 1).replace("_", " ")
            axes.plot(*zip(*points, strict=True), label=label, color=colour, marker=marker)
    axes.set(title=title, xlabel="optimiser step", ylabel="nats per token")
    if axes.has_data():
        axes.legend(frameon=False)
    picture = io.StringIO()
    with rc_context({"svg.hashsalt": title, "svg.fonttype": "none"}):
        figure.savefig(picture, format="svg", metadata={"Date": None})
    return picture.getvalue()
