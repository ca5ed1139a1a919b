"""Options of a budget, for commands that ask models behind APIs, and ``modplural spent``."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from community_lms.remote.budget import Budget, BudgetReachedError, Limits, shared_budget
from community_lms.remote.usage import UsageTotal
from plural_tasks.utils.errors import ModPluralError, one_line

REACHED = 3
"""Exit status of a command that its budget stopped."""

MaxCost = Annotated[str | None, typer.Option("--max-cost", help="Dollars to spend on models behind APIs, at most.")]
MaxTokens = Annotated[
    str | None, typer.Option("--max-tokens", help="Tokens of prompts and answers to spend on them, at most.")
]
PricesFile = Annotated[str | None, typer.Option("--prices", help="File with prices of models, before modplural's own.")]

console = Console(width=None if sys.stdout.isatty() else 120)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser ``--max-cost``, ``--max-tokens`` and ``--prices``; `limits_of` reads them."""
    for names in (("--max-cost", "--max_cost"), ("--max-tokens", "--max_tokens"), ("--prices",)):
        parser.add_argument(*names)


def limits_of(max_cost: str | None, max_tokens: str | None) -> Limits:
    """Read limits as they are written: ``2.50`` or ``$2.50``, ``500000`` or ``500,000``.

    Raises:
        ModPluralError: If one is no positive number.
    """
    cost = None if max_cost is None else _positive("--max-cost", max_cost, "dollars, such as 2.50")
    tokens = None if max_tokens is None else _positive("--max-tokens", max_tokens, "a number, such as 500000")
    return Limits(cost, None if tokens is None else int(tokens))


def _positive(name: str, text: str, wanted: str) -> float:
    try:
        value = float(text.replace(",", "").replace("_", "").removeprefix("$"))
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf:
        raise ModPluralError(f"{name}: found {text!r}, expected {wanted}.")
    return value


def is_given(options: argparse.Namespace) -> bool:
    """Is there anything of a budget?"""
    return any(value is not None for value in (options.max_cost, options.max_tokens, options.prices))


@contextmanager
def budget(max_cost: str | None, max_tokens: str | None, prices: str | None) -> Iterator[None]:
    """Within, the command has one budget, if there is anything of a budget.

    Raises:
        ModPluralError: If limits or prices cannot be read.
    """
    if max_cost is max_tokens is prices is None:
        yield
        return
    from community_lms.remote.prices import load_prices

    with shared_budget(Budget(limits_of(max_cost, max_tokens), load_prices(prices))):
        yield


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """Within, errors end the command with one line; a budget that is reached with a status of its own."""
    try:
        yield
    except ModPluralError as error:
        raise SystemExit(told(error)) from None
    except KeyboardInterrupt:
        print("modplural: interrupted; the same command goes on.", file=sys.stderr)
        raise SystemExit(130) from None


def told(error: ModPluralError) -> int:
    """Print an error on one line and return the exit status; a budget that is reached has one of its own."""
    reached = isinstance(error, BudgetReachedError)
    print(f"modplural: {'' if reached else 'error: '}{one_line(error)}", file=sys.stderr)
    return REACHED if reached else 1


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

    names = [name.strip() for name in by.split(",") if name.strip()]
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
