"""``modplural trace``: read who said what."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from model_wrappers.elicitation.sample import NO_OPTION
from model_wrappers.trace import read_trace
from plural_tasks.errors import ModPluralError, unknown_name
from plural_tasks.schema import LABELS

app = typer.Typer(
    help="Read traces: every community's message, what was selected, how answers were mixed.",
    no_args_is_help=True,
)
console = Console()


@app.command("list")
def list_runs(path: Annotated[Path, typer.Argument(help="Trace file (trace=PATH in --model_args).")]) -> None:
    """List the runs of a trace file, and the tasks and documents of each."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for record in read_trace(path):
        key = tuple(str(record.get(name)) for name in ("run_id", "method", "pool", "task"))
        groups.setdefault(key, []).append(str(record["id"]))
    table = Table("run", "method", "pool", "task", "documents")
    for key, ids in groups.items():
        shown = ", ".join(ids[:6]) + (", …" if len(ids) > 6 else "")
        table.add_row(*key, f"{len(ids)}: {shown}")
    console.print(table)


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
    for name, wanted in (("run_id", run), ("task", task), ("id", document)):
        if wanted is None:
            continue
        there = dict.fromkeys(str(record.get(name)) for record in records)
        records = [record for record in records if str(record.get(name)) == wanted]
        if not records:
            raise unknown_name(_NAMES[name], wanted, there, where=str(path))
    print_record(records[0], prompts=prompts)


_NAMES = {"run_id": "run", "task": "task", "id": "document"}


def print_record(record: dict[str, Any], *, prompts: bool = False) -> None:
    """Print a trace record readably."""
    console.print(
        Panel(escape(record["question"]), title=escape(f"{record['task']} / {record['id']}"), title_align="left")
    )
    facts = (record["method"], record["mode"], record["pool"], record.get("run_id"), record["doc_id"])
    console.print("method {}, mode {}, pool {}, run {}, document {}".format(*facts), highlight=False)
    if record.get("attribute"):
        console.print(f"[bold]attribute[/bold]  {escape(record['attribute'])}", highlight=False)
    _messages(record)
    _picks(record, prompts=prompts)
    if "selected" in record:
        console.print(f"[bold]selected[/bold]  {record['selected']}")
    if "distribution" in record:
        _shares(record)
    if prompts:
        for prompt in record["prompts"]:
            console.print(Panel(escape(prompt), title="prompt to the base LLM", title_align="left"))
    for answer in record.get("answers", []):
        console.print(Panel(escape(answer) or "(empty)", title="answer", title_align="left"))
    tokens = ", ".join("-" if count is None else str(count) for count in record["prompt_tokens"])
    steps = ", ".join(record["fallbacks"]) or "none"
    console.print(f"prompt tokens: {tokens}   fallbacks of modplural's own steps: {steps}", highlight=False)


def _picks(record: dict[str, Any], *, prompts: bool) -> None:
    """How the base LLM picked a community or a message."""
    for step in ("route", "select"):
        if prompts and f"{step}_prompt" in record:
            console.print(Panel(escape(record[f"{step}_prompt"]), title=f"{step} prompt", title_align="left"))
        if f"{step}_shares" in record:
            shares = "  ".join(f"{place}: {share:.2f}" for place, share in enumerate(record[f"{step}_shares"], start=1))
            console.print(f"[bold]{step} by number[/bold]  {shares}", highlight=False)
        if f"{step}_reply" in record:
            console.print(f"[bold]{step} reply[/bold]  {escape(repr(record[f'{step}_reply']))}", highlight=False)


def _messages(record: dict[str, Any]) -> None:
    if not record.get("messages"):
        return
    table = Table("community", "message", "tokens", show_lines=True)
    for message in record["messages"]:
        role = message.get("role", "community")
        name = message["community"] if role == "community" else f"{message['community']} ({role})"
        table.add_row(name, escape(message["text"]) or "(empty)", str(message["tokens"] or "-"))
    console.print(table)


def _shares(record: dict[str, Any]) -> None:
    options = record["options"]
    table = Table("", "weight", *(f"{LABELS[place]}. {escape(option)}" for place, option in enumerate(options)))
    for row in record.get("distributions", []):
        table.add_row(row["community"], f"{row['weight']:.3f}", *(f"{share:.3f}" for share in row["shares"]))
    table.add_row("[bold]answer[/bold]", "", *(f"[bold]{share:.3f}[/bold]" for share in record["distribution"]))
    console.print(table)
    console.print(f"probability on the options: {record['option_mass']:.3g}", highlight=False)
    _elicited(record, options)


def _elicited(record: dict[str, Any], options: list[str]) -> None:
    """How the distribution was got, how far it may be off, and what each prompt gave."""
    if record.get("elicitation"):
        error = f", Monte-Carlo error {record['error']:.3f} (JS distance)" if "error" in record else ""
        console.print(f"elicited by {record['elicitation']}{error}", highlight=False)
    if "bounds" in record:
        ranges = "  ".join(f"{LABELS[at]} {low:.3f}–{high:.3f}" for at, (low, high) in enumerate(record["bounds"]))
        console.print(f"with what is not shown: {ranges}", highlight=False)
    for number, one in enumerate(record.get("elicited", []), start=1):
        console.print(f"  prompt {number}: {escape(_told(one, len(options)))}", highlight=False)


def _told(one: dict[str, Any], count: int) -> str:
    """One prompt's figures: answers counted, percentages stated, or probability shown."""
    if "counts" in one:
        counts = [f"{LABELS[at]} {given}" for at, given in enumerate(one["counts"][:count])]
        others = [f"{kind} {one[kind]}" for kind in NO_OPTION if kind in one]
        return f"{one['n']} answers: {', '.join([*counts, *others])}"
    if "reply" in one:
        problems = f" ({', '.join(one['problems'])})" if one["problems"] else ""
        return f"{one['reply']!r}{problems}"
    return f"not shown or undecided {one['hidden']:.3g}"
