"""``modplural trace``: read who said what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from model_wrappers.collaboration.elicitation.sample import NO_OPTION
from model_wrappers.collaboration.trace import read_trace
from plural_tasks.schema import LABELS
from plural_tasks.utils.errors import ModPluralError, unknown_name

app = typer.Typer(
    help="Read traces: every community's message, what was selected, how answers were mixed.",
    no_args_is_help=True,
    add_completion=False,
)
console = Console()


@app.command("list")
def list_runs(path: Annotated[Path, typer.Argument(help="Trace file (trace=PATH in --model_args).")]) -> None:
    """List the runs of a trace file, and the tasks and documents of each; the newest run comes last."""
    runs: dict[tuple[str, ...], dict[str, dict[str, None]]] = {}  # ids as keys: each order of options has a record
    for record in read_trace(path):
        tasks = runs.setdefault(tuple(str(record.get(name)) for name in RUN), {})
        tasks.setdefault(str(record["task"]), {})[str(record["id"])] = None
    for number, (run, tasks) in enumerate(runs.items()):
        if number:
            console.print()
        documents = sum(len(ids) for ids in tasks.values())
        _line("[bold]run {}[/bold]  method {}, pool {}, documents {}", *run, documents)
        for task, ids in tasks.items():
            more = f" and {len(ids) - FIRST} more" if len(ids) > FIRST else ""
            _line("  {}  {}: {}", task, len(ids), ", ".join([*ids][:FIRST]) + more)


RUN = ("run_id", "method", "pool")
FIRST = 6
"""Ids that a list shows of each task."""


def _line(text: str, *values: object) -> None:
    """Print a line that is never cut and never broken, so that its ids can be copied."""
    console.print(text.format(*(escape(str(value)) for value in values)), soft_wrap=True, highlight=False)


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
    _line("[bold]{} / {}[/bold]", record["task"], record["id"])
    console.print(Panel(escape(record["question"])))
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
        _prompts(record)
    for answer in record.get("answers", []):
        console.print(Panel(escape(answer) or "(empty)", title="answer", title_align="left"))
    tokens = ", ".join("-" if count is None else str(count) for count in record["prompt_tokens"])
    steps = ", ".join(record["fallbacks"]) or "none"
    console.print(f"prompt tokens: {tokens}   fallbacks of modplural's own steps: {steps}", highlight=False)


def _picks(record: dict[str, Any], *, prompts: bool) -> None:
    """Print the steps in which the base LLM picked a community or a message."""
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
    counted = ("tokens",) if any(message["tokens"] for message in record["messages"]) else ()
    table = Table("community", "message", *counted, show_lines=True)
    for message in record["messages"]:
        role = message.get("role", "community")
        name = message["community"] if role == "community" else f"{message['community']} ({role})"
        table.add_row(name, escape(message["text"]) or "(empty)", *(str(message[key] or "-") for key in counted))
    console.print(table)


def _prompts(record: dict[str, Any]) -> None:
    """Print the prompts that the base LLM answered, each under the name of its community where it has one."""
    rows = record.get("distributions", [])
    for number, prompt in enumerate(record["prompts"], start=1):
        title = "prompt to the base LLM"
        if len(rows) == len(record["prompts"]):
            title = f"{title}, {number} of {len(rows)}: {rows[number - 1]['community']}"
        elif "selected" in record and "no_message" not in record["fallbacks"]:
            title = f"{title}, with the message of {record['selected']}"
        console.print(Panel(escape(_readable(prompt)), title=escape(title), title_align="left"))


def _readable(prompt: str) -> str:
    """A prompt with its line breaks: chat APIs are sent JSON, whose turns are written one below the other."""
    try:
        turns = json.loads(prompt)
    except json.JSONDecodeError:
        return prompt
    if not isinstance(turns, list) or not all(isinstance(turn, dict) and "content" in turn for turn in turns):
        return prompt
    return "\n\n".join(f"{turn.get('role', '')}:\n{turn['content']}" for turn in turns)


def _shares(record: dict[str, Any]) -> None:
    options, rows = record["options"], record.get("distributions", [])
    weighted = ("weight",) if rows else ()
    table = Table("", *weighted, *(f"{LABELS[place]}. {escape(option)}" for place, option in enumerate(options)))
    for row in rows:
        table.add_row(row["community"], f"{row['weight']:.3f}", *(f"{share:.3f}" for share in row["shares"]))
    answer = [f"[bold]{share:.3f}[/bold]" for share in record["distribution"]]
    table.add_row("[bold]answer[/bold]", *("" for _ in weighted), *answer)
    console.print(table)
    console.print(f"probability on the options: {record['option_mass']:.3g}", highlight=False)
    _elicited(record, options)


def _elicited(record: dict[str, Any], options: list[str]) -> None:
    """Print the way in which the distribution was elicited, its error, and the figures of each prompt."""
    if record.get("elicitation"):
        error = f", Monte-Carlo error {record['error']:.3f} (JS distance)" if "error" in record else ""
        console.print(f"elicited by {record['elicitation']}{error}", highlight=False)
    if "bounds" in record:
        ranges = "  ".join(f"{LABELS[at]} {low:.3f}–{high:.3f}" for at, (low, high) in enumerate(record["bounds"]))
        console.print(f"with what is not shown: {ranges}", highlight=False)
    for number, one in enumerate(record.get("elicited", []), start=1):
        console.print(f"  prompt {number}: {escape(_prompt_figures(one, len(options)))}", highlight=False)


def _prompt_figures(one: dict[str, Any], count: int) -> str:
    """One prompt's figures: answers counted, percentages stated, or probability shown."""
    if "counts" in one:
        counts = [f"{LABELS[at]} {given}" for at, given in enumerate(one["counts"][:count])]
        others = [f"{kind} {one[kind]}" for kind in NO_OPTION if kind in one]
        return f"{one['n']} answers: {', '.join([*counts, *others])}"
    if "reply" in one:
        problems = f" ({', '.join(one['problems'])})" if one["problems"] else ""
        return f"{one['reply']!r}{problems}"
    return f"not shown or undecided {one['hidden']:.3g}"
