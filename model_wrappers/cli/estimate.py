"""``modplural estimate``: what a run will ask and take, before it asks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from model_wrappers.cli.shared_options import PASS_ON, BasesOption, MethodsOption, names
from plural_tasks.utils.errors import ModPluralError

if TYPE_CHECKING:
    from model_wrappers.runs.estimate import RunEstimate

app = typer.Typer(add_completion=False)
console = Console(width=None if sys.stdout.isatty() else 120)


@app.command(context_settings=PASS_ON)
def estimate_run(
    context: typer.Context,
    methods: MethodsOption = None,
    bases: BasesOption = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Ask a few messages, which are kept, and a few prompts, and time them.")
    ] = False,
    prices: Annotated[
        str | None,
        typer.Option(
            help="Dollars for a million tokens that the base LLM reads and writes: 0.15,0.60; or a file with prices "
            "by model. A model of modplural's own table needs neither."
        ),
    ] = None,
) -> None:
    """Count messages, prompts, tokens and memory of a run; takes lm_eval's arguments beside its own.

    modplural estimate --methods vanilla,modplural --tasks plural_surveys --measure
    """
    import logging

    from model_wrappers.runs.estimate import estimate

    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    cost = _prices(prices)
    found = estimate(context.args, names(methods), names(bases), measure=measure)
    if found.messages:
        console.print(_messages(found))
    console.print(_prompts(found))
    known = [f"{what} {_size(size)}" for what, size in found.memory.items()]
    console.print(f"Weights: {', '.join(known)}.", soft_wrap=True)
    console.print(_time(found, measure), soft_wrap=True)
    console.print(_route(found), soft_wrap=True)
    if (price := _money(found, cost, prices)) is not None:
        console.print(price, soft_wrap=True)


def _route(found: RunEstimate) -> str:
    route = f"Distributions: elicitation={found.route}"
    if found.certain:
        return f"{route}."
    return f"{route}, if the server shows log-probabilities of chats; else answers are drawn: see elicitation=sample."


def _money(found: RunEstimate, cost: tuple[float, float] | None, prices: str | None) -> str | None:
    """The price of the base LLM's tokens as a sentence; None for weights, which have no price."""
    from community_lms.remote.prices import load_prices

    table = load_prices(prices if cost is None else None)
    if cost:
        return f"Base LLM tokens at these prices: at most ${found.money(*cost):.2f}."
    if len(found.bases) > 1 or "base LLM" in found.memory:
        return None
    price = table.of(found.bases[0])
    if price is None:
        return f"Base LLM tokens: no price is known for the model {found.bases[0]!r}; give --prices."
    where = f", see {price.source}" if price.source else ""
    return (
        f"Base LLM tokens at ${price.read:g} and ${price.written:g} for a million read and written{where}: at most "
        f"${found.money(price.read, price.written):.2f}{'' if found.certain else ', for this way to distributions'}."
    )


def _prices(text: str | None) -> tuple[float, float] | None:
    """Two prices; None where there are none, or a file is named."""
    if text is None or Path(text).is_file():
        return None
    try:
        read, written = (float(part) for part in text.split(","))
    except ValueError:
        raise ModPluralError(
            f"--prices: found {text!r}, expected two numbers such as 0.15,0.60, or a file with prices."
        ) from None
    if min(read, written) < 0:
        raise ModPluralError(f"--prices: found {text!r}, expected prices of 0 or more.")
    return read, written


def _messages(found: RunEstimate) -> Table:
    table = Table(title="Messages", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("community")
    for name in ("wanted", "stored", "to ask", "prompt tokens", "new tokens, at most"):
        table.add_column(name, justify="right")
    rows = [
        (name, one.planned, one.stored, one.missing, one.prompt_tokens, one.new_tokens)
        for name, one in found.messages.items()
    ]
    for row in (*rows, ("all", *(sum(values) for values in list(zip(*rows, strict=True))[1:]))):
        table.add_row(row[0], *(f"{value:,}" for value in row[1:]))
    return table


def _prompts(found: RunEstimate) -> Table:
    about = "" if found.exact else "about "
    title = f"Base LLM, each of {len(found.bases)}" if len(found.bases) > 1 else "Base LLM"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    table.add_column("method")
    for name in ("prompts scored", "texts generated", "tokens read", "tokens written, at most"):
        table.add_column(name, justify="right")
    for method, one in found.prompts.items():
        numbers = (f"{one.scored:,}", f"{one.generated:,}", f"{about}{one.read_tokens:,}", f"{one.written_tokens:,}")
        table.add_row(method, *numbers)
    return table


def _size(size: int | None) -> str:
    return "not on this machine" if size is None else f"{size / 1e6:,.0f} MB"


def _time(found: RunEstimate, measured: bool) -> str:
    if not measured:
        return "Time: not measured; add --measure."
    seconds, speed = found.seconds(), found.speed
    each = [
        f"{value:.2f} s for a {what}"
        for what, value in (
            ("message", speed.message_seconds),
            ("scored prompt", speed.scored_seconds),
            ("generated text", speed.generated_seconds),
        )
        if value is not None
    ]
    total = (
        "unknown"
        if seconds is None
        else f"about {seconds / 60:.0f} minutes"
        if seconds >= 100
        else f"about {seconds:.0f} s"
    )
    return f"Time: {total} ({', '.join(each)})."
