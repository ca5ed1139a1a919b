"""``modplural trace``: read who said what."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from model_wrappers.trace import read_trace
from plural_tasks.errors import ModPluralError
from plural_tasks.schema import LABELS

app = typer.Typer(
    help="Read traces: every community's message, what was selected, how answers were mixed.",
    no_args_is_help=True,
)
console = Console()


@app.callback()
def _group() -> None:
    """Keep ``show`` a command of its own, even while it is the only one."""


@app.command()
def show(
    path: Annotated[Path, typer.Argument(help="Trace file (trace=PATH in --model_args).")],
    document: Annotated[str | None, typer.Option("--id", help="Id of the document; the first one by default.")] = None,
    task: Annotated[str | None, typer.Option(help="Name of the task.")] = None,
    run: Annotated[str | None, typer.Option(help="Id of the run; the last one by default.")] = None,
    prompts: Annotated[bool, typer.Option(help="Also print the prompts that the base LLM answered.")] = False,
) -> None:
    """Print one document's trace."""
    records = list(read_trace(path))
    if not records:
        raise ModPluralError(f"{path}: holds no record.")
    run = run or str(records[-1].get("run_id"))
    in_run = [record for record in records if record.get("run_id") == run and task in (None, record["task"])]
    wanted = [record for record in in_run if document in (None, record["id"])]
    if not wanted:
        ids = ", ".join(dict.fromkeys(f"{record['task']}/{record['id']}" for record in in_run[:12]))
        raise ModPluralError(f"{path}: no such document; run {run!r} has {ids or 'none of that task'}, …")
    print_record(wanted[0], prompts=prompts)


def print_record(record: dict[str, Any], *, prompts: bool = False) -> None:
    """Print a trace record readably."""
    head = (
        f"{record['task']} / {record['id']}   method {record['method']}, mode {record['mode']}, pool {record['pool']}"
    )
    console.print(Panel(escape(record["question"]), title=escape(head), title_align="left"))
    if record.get("attribute"):
        console.print(f"[bold]attribute[/bold]  {escape(record['attribute'])}", highlight=False)
    _messages(record)
    for step in ("route", "select"):
        if f"{step}_reply" in record:
            console.print(f"[bold]{step} reply[/bold]  {escape(repr(record[f'{step}_reply']))}", highlight=False)
    if "selected" in record:
        console.print(f"[bold]selected[/bold]  {record['selected']}")
    if "distribution" in record:
        _shares(record)
    for answer in record.get("answers", []):
        console.print(Panel(escape(answer) or "(empty)", title="answer", title_align="left"))
    if prompts:
        for prompt in record["prompts"]:
            console.print(Panel(escape(prompt), title="prompt to the base LLM", title_align="left"))
    tokens = ", ".join(str(count) for count in record["prompt_tokens"])
    console.print(f"prompt tokens: {tokens}   fallbacks: {', '.join(record['fallbacks']) or 'none'}", highlight=False)


def _messages(record: dict[str, Any]) -> None:
    if not record.get("messages"):
        return
    table = Table("community", "message", "tokens", show_lines=True)
    for message in record["messages"]:
        table.add_row(message["community"], escape(message["text"]) or "(empty)", str(message["tokens"] or "-"))
    console.print(table)


def _shares(record: dict[str, Any]) -> None:
    options = record["options"]
    table = Table("", "weight", *(f"{LABELS[place]}. {escape(option)}" for place, option in enumerate(options)))
    for row in record.get("distributions", []):
        table.add_row(row["community"], f"{row['weight']:.3f}", *(f"{share:.3f}" for share in row["shares"]))
    table.add_row("[bold]answer[/bold]", "", *(f"[bold]{share:.3f}[/bold]" for share in record["distribution"]))
    console.print(table)
    console.print(f"probability on the options: {record['option_mass']:.3g}", highlight=False)
