"""``modplural pool``: look at pools and try them."""

from __future__ import annotations

import logging
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from community_lms.engines import AUTO, ENGINE_HELP
from community_lms.generation.ask import Asker
from community_lms.generation.probe import QUESTIONS, ask_further, probe, reply_problems
from community_lms.messages.message import Message
from community_lms.messages.store import MessageStore
from community_lms.pools.identity import fingerprint
from community_lms.pools.pool import load_pool, preset_names, select, weigh
from community_lms.pools.spec import Community
from model_wrappers.cli import community_publish, pool_patch
from model_wrappers.cli.served import ServerArgsOption, ServerOption, served_pool
from plural_tasks.utils.errors import ModPluralError, one_line

app = typer.Typer(help="List, show and check pools of community LMs.", no_args_is_help=True, add_completion=False)
console = Console()

PoolArgument = Annotated[str, typer.Argument(help="A preset, a file, a community, or several with + and -.")]


@app.command("list")
def list_pools() -> None:
    """List the pools that ship with modplural."""
    table = Table("pool", "communities")
    table.add_column("backbone", overflow="fold")
    table.add_column("description")
    for name in preset_names():
        pool = load_pool(name)
        backbones = dict.fromkeys(member.backbone.path for member in pool.communities if member.backbone)
        table.add_row(name, ", ".join(pool.names), ", ".join(backbones) or "-", pool.description)
    console.print(table)


@app.command()
def show(pool: PoolArgument) -> None:
    """Show every member of a pool, its role and weight, and the pool's fingerprint."""
    loaded = load_pool(pool)
    weights = weigh(loaded, None)
    table = Table("community", "role", "kind")
    table.add_column("weights", overflow="fold")
    for name in ("share", "licence", "description"):
        table.add_column(name)
    for member in loaded.communities:
        table.add_row(
            member.name,
            member.role,
            member.kind,
            _source(member),
            f"{weights[member.name]:.3f}" if member.name in weights else "-",
            member.licence or "-",
            member.description,
        )
    console.print(table)
    decoding = loaded.decoding
    console.print(
        f"decoding: temperature {decoding.temperature:g}, top-p {decoding.top_p:g}, "
        f"{decoding.max_new_tokens} new tokens"
    )
    console.print(f"fingerprint: {fingerprint(loaded)}")


@app.command()
def check(
    pool: PoolArgument,
    communities: Annotated[str | None, typer.Option(help="Only these, joined by +.")] = None,
    engine: Annotated[str, typer.Option(help=ENGINE_HELP)] = AUTO,
    server: ServerOption = None,
    server_args: ServerArgsOption = None,
    device: Annotated[str | None, typer.Option(help="Torch device.")] = None,
) -> None:
    """Load every community, ask it a question, and warn of adapters that change nothing."""
    logging.getLogger("community_lms").setLevel(logging.ERROR)  # warnings are printed below
    loaded = served_pool(select(load_pool(pool), communities), engine, server, server_args)
    asker = Asker(store=MessageStore(None), batch_size=1, device=device, show_progress=False)
    replies: dict[str, list[Message]] = {}
    failed = 0

    def ask(name: str, question: str) -> Message:
        member = next(member for member in loaded.communities if member.name == name)
        return asker.ask([probe(member, engine, question=question)])[0]

    for member in loaded.communities:
        try:
            replies[member.name] = [ask(member.name, QUESTIONS[0])]
        except ModPluralError as error:
            failed += 1
            console.print(f"[red]FAIL[/red] {one_line(error)}", soft_wrap=True, highlight=False)
            continue
        console.print(
            f"[green]ok[/green]   [bold]{member.name}[/bold]: {replies[member.name][0].text}",
            soft_wrap=True,
            highlight=False,
        )
    warnings = [*asker.warnings(), *reply_problems(loaded, ask_further(replies, ask))]
    for warning in warnings:
        console.print(f"[yellow]WARN[/yellow] {warning}", soft_wrap=True, highlight=False)
    console.print(f"{len(replies)} of {len(loaded.names)} communities spoke; warnings: {len(warnings)}.")
    if failed:
        raise typer.Exit(1)


def _source(member: Community) -> str:
    if member.endpoint is not None:
        return f"{member.endpoint.backend} {member.endpoint.args.get('model', '')}".strip()
    parts = [weights.path for weights in (member.backbone, member.checkpoint, member.adapter) if weights is not None]
    return " + ".join(parts)


app.command("patch")(pool_patch.patch)
app.command("card")(community_publish.pool_card)
app.command("push")(community_publish.pool_push)
