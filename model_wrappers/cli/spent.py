"""``modplural spent``: what the answers of models behind APIs have cost."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from community_lms.remote.usage import UsageTotal
from model_wrappers.cli.shared_options import names as split

app = typer.Typer(add_completion=False)
console = Console(width=None if sys.stdout.isatty() else 120)


@app.command()
def spent(
    answers: Annotated[
        Path | None, typer.Option(help="The answer store; by default the one in the cache folder.")
    ] = None,
    by: Annotated[
        str, typer.Option(help="What to add up by, of phase, community, task, doc and model; several joined by commas.")
    ] = "phase",
) -> None:
    """Add up what the answers of models behind APIs have cost, over all runs that share the answer store."""
    from community_lms.remote.account import default_answers_path
    from community_lms.remote.answer_store import AnswerStore

    names = split(by)
    if "doc" in names and "task" not in names:  # numbers of documents are those of a task
        names.insert(names.index("doc"), "task")
    rows = AnswerStore(answers or default_answers_path(), must_exist=True).spent(names)
    console.print(_table(names, rows))


def _table(names: Sequence[str], rows: Sequence[tuple[tuple[str, ...], UsageTotal]]) -> Table:
    table = Table(title="Answers that were paid for", title_justify="left", box=SIMPLE_HEAD)
    for name in names:
        table.add_column(name)
    for name in ("answers", "tokens read", "written", "dollars"):
        table.add_column(name, justify="right")
    total = UsageTotal()
    for place, one in rows:
        total.add(one)
        table.add_row(*(name or "·" for name in place), *_cells(one))
    table.add_section()
    table.add_row("all", *([""] * (len(names) - 1)), *_cells(total))
    notes = [f"{total.unpriced:,} answers are of models without a price, and not in the dollars."] * bool(
        total.unpriced
    )
    notes += ["· is none: no community, or no document."] * any("" in place for place, _ in rows)
    table.caption = " ".join(notes) or None
    return table


def _cells(one: UsageTotal) -> list[str]:
    about = "about " if one.estimated else ""
    dollars = "unknown" if one.unpriced == one.answers else f"{one.cost:.4f}"
    return [f"{one.answers:,}", f"{about}{one.read:,}", f"{about}{one.written:,}", dollars]
