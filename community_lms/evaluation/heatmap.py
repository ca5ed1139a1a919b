"""Tables as pictures: SVG, values in the cells, colours that colour-blind readers tell apart."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from plural_tasks.utils.files import write_text

COLOURS = "cividis"
"""Made to look alike to people with and without a deficiency of colour vision (Nuñez et al. 2018)."""


def heatmap(
    path: Path,
    values: Sequence[Sequence[float | None]],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    title: str,
    row_title: str = "",
    column_title: str = "",
    shades: Sequence[Sequence[float | None]] | None = None,
    form: str = ".2f",
) -> None:
    """Write a table as an SVG picture.

    Args:
        path: The file.
        values: Row by row; what is None or not finite is left blank.
        rows: Names of the rows.
        columns: Names of the columns. The cell where a row meets its own column is framed.
        title: Above the table.
        row_title: What the rows are.
        column_title: What the columns are.
        shades: Figures that the colours show in place of the values, dark for low; of the same shape.
        form: Format of the values.

    Raises:
        ModPluralError: If the file cannot be written.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    wide = 1.0 + 0.1 * max(map(len, title.splitlines()))  # inches: the title is not cut
    size = (max(2.6 + 0.95 * len(columns), wide), 1.9 + 0.5 * len(rows))
    # Text stays text, and the same table gives the same file.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "modplural"}):
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.add_subplot()
        colours = _paint(axes, shades or values)
        _name(axes, rows, columns)
        axes.set(title=title, xlabel=column_title, ylabel=row_title)
        for row, column, number in _known(values):
            axes.text(column, row, f"{number:{form}}", ha="center", va="center", color=_ink(colours[row][column]))
            if rows[row] == columns[column]:
                _frame(axes, row, column)
        write_text(path, _svg(figure, title))


def _paint(axes: Any, shades: Sequence[Sequence[float | None]]) -> Any:
    """Colour the cells; return their colours, red, green, blue and alpha of each."""
    import numpy as np

    painted = [[_number(value) for value in row] for row in shades]
    image = axes.imshow(painted, cmap=COLOURS, aspect="auto")
    return image.to_rgba(np.array(painted))


def _name(axes: Any, rows: Sequence[str], columns: Sequence[str]) -> None:
    axes.set_xticks(range(len(columns)), labels=list(columns), rotation=35, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(rows)), labels=list(rows))


def _known(values: Sequence[Sequence[float | None]]) -> Iterator[tuple[int, int, float]]:
    """Row, column and value of the cells that are not blank."""
    for row, line in enumerate(values):
        for column, value in enumerate(line):
            number = _number(value)
            if not math.isnan(number):
                yield row, column, number


def _frame(axes: Any, row: int, column: int) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((column - 0.47, row - 0.47), 0.94, 0.94, fill=False, ec="#d62728", lw=2))


def _svg(figure: Any, title: str) -> str:
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    FigureCanvasSVG(figure)
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Title": title})
    return text.getvalue()


def _number(value: float | None) -> float:
    return math.nan if value is None or not math.isfinite(value) else float(value)


def _ink(shade: Any) -> str:
    """Black or white, whichever stands out more (relative luminance of WCAG 2)."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in shade[:3]]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "black" if luminance > 0.179 else "white"
