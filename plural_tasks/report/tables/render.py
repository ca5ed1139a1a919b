"""A comparison as Markdown, on a terminal, as CSV or as JSON; all show the same figures."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from typing import Any

from plural_tasks import __version__
from plural_tasks.report.comparing.agreement import RouteAgreement
from plural_tasks.report.comparing.compare import Comparison, TaskComparison
from plural_tasks.report.comparing.figures import LEVEL, RunFigure, SubgroupFigure, Versus
from plural_tasks.report.tables.blocks import blocks
from plural_tasks.report.tables.cells import Block
from plural_tasks.report.tables.fit import fold, listed, widths
from plural_tasks.utils.files import json_ready

CSV_COLUMNS = (
    *("task", "version", "mode", "metric", "main", "higher_is_better", "row", "kind", "group_field", "group"),
    *("n", "clusters", "value", "se", "low", "high", "source", "fallback_rate"),
    *("baseline", "difference", "difference_low", "difference_high", "difference_p", "difference_verdict"),
    "difference_n",
)


def to_markdown(comparison: Comparison) -> str:
    """GitHub-flavoured Markdown."""
    return blocks_to_markdown(comparison_title(comparison), blocks(comparison))


def blocks_to_markdown(title: str, shown: Sequence[Block]) -> str:
    """Tables and notes as a Markdown document."""
    parts = [f"# {title}\n"]
    for block in shown:
        lines = [f"{'#' * block.level} {_escape(block.title)}\n"] if block.title else []
        if block.header:
            lines.append("| " + " | ".join(_escape(cell) for cell in block.header) + " |")
            lines.append(
                "|" + "|".join("---" if place in block.texts else "---:" for place in range(len(block.header))) + "|"
            )
            lines += ["| " + " | ".join(_escape(cell) for cell in row) + " |" for row in block.rows]
            lines.append("")
        lines += [f"{note}\n" for note in block.notes]
        parts.append("\n".join(lines))
    return "\n".join(parts).rstrip() + "\n"


def comparison_title(comparison: Comparison) -> str:
    """How a report is headed."""
    return f"Comparison of {len(comparison.runs)} runs" if len(comparison.runs) > 1 else f"Run {comparison.baseline}"


def _escape(cell: str) -> str:
    return " ".join(cell.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").split())


def to_json(comparison: Comparison) -> str:
    """JSON with everything; what is not known is null."""
    data = {
        "modplural": __version__,
        "level": LEVEL,
        "baseline": comparison.baseline,
        "runs": [asdict(run) for run in comparison.runs],
        "tasks": [
            {**asdict(task), "complete": task.n >= task.original, "metrics": task.metrics} for task in comparison.tasks
        ],
    }
    return json.dumps(json_ready(data), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def to_csv(comparison: Comparison) -> str:
    """One line for every figure, every subgroup's and every pair of routes'; what is not known is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for task in comparison.tasks:
        for figure in task.figures:
            writer.writerow(_line(task, figure))
        for group in task.groups:
            writer.writerow(_group_line(task, group))
        for found in task.agreements:
            writer.writerows(_agreement_lines(task, found))
    return text.getvalue()


def _line(task: TaskComparison, figure: RunFigure) -> dict[str, Any]:
    return {
        **_task_part(task, figure.metric, figure.row),
        "main": int(figure.metric == task.main),
        "higher_is_better": "" if figure.higher_is_better is None else int(figure.higher_is_better),
        "kind": "constant" if figure.constant else "run",
        **{name: _cell(getattr(figure, name)) for name in ("n", "clusters", "value", "se", "low", "high", "source")},
        **_difference(figure.baseline),
    }


def _group_line(task: TaskComparison, group: SubgroupFigure) -> dict[str, Any]:
    main = task.of(group.row)
    direction = main.higher_is_better if main else None
    return {
        **_task_part(task, task.main, group.row),
        "main": 1,
        "higher_is_better": "" if direction is None else int(direction),
        "kind": "group",
        "group_field": task.group_field,
        "group": group.group,
        **{name: _cell(getattr(group, name)) for name in ("n", "clusters", "value", "se", "low", "high")},
    }


def _agreement_lines(task: TaskComparison, found: RouteAgreement) -> list[dict[str, Any]]:
    """The runs' distance, what sampling has to do with it, and the share of documents with the same top option."""
    common = {"main": 0, "kind": "agreement", "n": found.n, "clusters": found.clusters, "baseline": found.other}
    figures = {
        "agreement_js_distance": {"value": found.value, "se": found.se, "low": found.low, "high": found.high},
        "agreement_monte_carlo_error": {"value": found.error},
        "agreement_by_sampling_alone": {"value": found.reference, "high": found.reference_high},
        "agreement_same_top": {"value": found.same_top},
    }
    return [
        {**_task_part(task, metric, found.run), **common, **{name: _cell(value) for name, value in values.items()}}
        for metric, values in figures.items()
    ]


def _task_part(task: TaskComparison, metric: str, row: str) -> dict[str, Any]:
    rate = task.fallbacks.get(row, math.nan)
    return {
        "task": task.name,
        "version": task.version,
        "mode": task.mode,
        "metric": metric,
        "row": row,
        "fallback_rate": _cell(rate),
    }


def _difference(versus: Versus | None) -> dict[str, Any]:
    if versus is None:
        return {}
    found = {field.name: _cell(getattr(versus, field.name)) for field in fields(versus)}
    return {
        "baseline": found["other"],
        "difference": found["value"],
        **{f"difference_{name}": found[name] for name in ("low", "high", "p", "verdict", "n")},
    }


def _cell(value: Any) -> Any:
    return "" if isinstance(value, float) and not math.isfinite(value) else value


FORMATS: dict[str, Callable[[Comparison], str]] = {"markdown": to_markdown, "csv": to_csv, "json": to_json}
"""Name -> renderer, of the formats that are text."""

SUFFIXES = {".md": "markdown", ".markdown": "markdown", ".csv": "csv", ".json": "json"}
"""Ending of a file's name -> format."""


def print_comparison(comparison: Comparison, console: Any) -> None:
    """Print on a terminal; ``console`` is a `rich.console.Console`."""
    print_blocks(blocks(comparison), console)


def print_blocks(shown: Sequence[Block], console: Any) -> None:
    """Print tables and notes on a terminal. A table that does not fit becomes a list."""
    from rich import box
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    for block in shown:
        if block.title:
            console.print(Text(("\n" if block.level == 2 else "") + block.title, style="bold"))
        sizes = widths([block.header, *block.rows], console.width - 3 * len(block.header)) if block.header else []
        if sizes is None:
            for row in block.rows:
                name, *lines = listed(block.header, row)
                console.print(Padding(Text(f"\n{name}".replace("**", ""), style="bold"), (0, 0, 0, 2), expand=False))
                for line in lines:
                    console.print(Padding(_text(line.strip()), (0, 0, 0, 4), expand=False))
            console.print()
        elif block.header:
            table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
            for place, (cell, size) in enumerate(zip(block.header, sizes, strict=True)):
                table.add_column(
                    Text(fold(cell, size)),
                    justify="left" if place in block.texts else "right",
                    width=size,
                    overflow="fold",
                )
            for row in block.rows:
                table.add_row(*(_text(cell, fold(cell, size)) for cell, size in zip(row, sizes, strict=True)))
            console.print(table)
        for note in block.notes:
            console.print(Text(note.replace("**", "").replace("`", ""), style="dim"))


def _text(cell: str, shown: str = "") -> Any:
    """A cell, in bold where it is marked so; ``shown`` stands in for its text."""
    from rich.text import Text

    return Text((shown or cell).replace("**", ""), style="bold" if "**" in cell else "")
