"""``modplural score``: outputs in the authors' file format under both scorings."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from plural_tasks.rescore import Rescored, needs_judge, rescore, size_note
from plural_tasks.rescore.outputs import Output, output_source, read_outputs, with_attribute
from plural_tasks.rescore.render import FORMATS, SCORINGS, Scoring, details, narrow, number, shown
from plural_tasks.utils.errors import ModPluralError, unknown_name

app = typer.Typer(add_completion=False)
console = Console()


@app.command()
def score(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="JSON lists: the task file's rows, filled in.")
    ],
    task: Annotated[str, typer.Option(help="The task that was answered, plural_distributional_moralchoice say.")],
    scoring: Annotated[str, typer.Option(help="both, paper or corrected.")] = "both",
    judge: Annotated[
        str, typer.Option(help="Judge of Overton answers: nli, embedding, lexical, or a checkpoint.")
    ] = "nli",
    attribute: Annotated[
        str | None, typer.Option(help="Only rows whose attribute contains this text (POLPARTY, say).")
    ] = None,
    form: Annotated[str, typer.Option("--format", help="table, markdown, csv or json.")] = "table",
) -> None:
    """Score finished outputs as the published code does and as the tasks do, with the reasons of every difference."""
    chosen = _scoring(scoring)
    if form not in ("table", *FORMATS):
        raise unknown_name("format", form, ("table", *FORMATS), where="--format")
    found = _score(files, task, judge, attribute)
    if form != "table":
        typer.echo(FORMATS[form](found, chosen), nl=False)
        return
    for name, rescored in found.items():
        _print(name, rescored, chosen)


def _scoring(name: str) -> Scoring:
    for scoring in SCORINGS:
        if name == scoring:
            return scoring
    raise unknown_name("scoring", name, SCORINGS, where="--scoring")


def _score(files: list[Path], task: str, judge: str, attribute: str | None) -> dict[str, Rescored]:
    source = output_source(task)
    if len(set(files)) < len(files):
        raise ModPluralError("FILE...: a file is named twice; name each once.")
    read: dict[str, list[Output]] = {str(path): read_outputs(path, source) for path in files}
    sizes = {name: size_note(source.name, len(outputs)) for name, outputs in read.items()}
    if attribute is not None:
        read = {name: with_attribute(outputs, attribute) for name, outputs in read.items()}
    who = None
    if any(needs_judge(outputs) for outputs in read.values()):
        from plural_tasks.judges import load_judge

        who = load_judge(judge)
    found = {name: rescore(outputs, who) for name, outputs in read.items()}
    return {name: replace(one, notes=(*one.notes, *sizes[name])) for name, one in found.items()}


def _print(name: str, rescored: Rescored, scoring: Scoring) -> None:
    console.print(f"[italic]{escape(name)}, {rescored.rows} rows[/]", soft_wrap=True, highlight=False)
    table = Table("figure")
    for column in narrow(scoring):
        table.add_column(column, justify="right", no_wrap=True)
    for figure in shown(rescored, scoring):
        table.add_row(figure.name, *(number(getattr(figure, column)) for column in narrow(scoring)))
    console.print(table)
    if scoring == "both":
        _print_details(rescored)
    for note in rescored.notes:
        console.print(escape(note), soft_wrap=True, highlight=False)


def _print_details(rescored: Rescored) -> None:
    """The reasons below the table, each figure's under its name."""
    shown = {figure.name: details(figure) for figure in rescored.figures}
    if any(shown.values()):
        console.print("Why the two differ:", highlight=False)
    for name, lines in shown.items():
        for line in (name, *lines) if lines else ():
            indent = "  " if line is name else "    "
            text = textwrap.fill(line, console.width, initial_indent=indent, subsequent_indent=indent + "  ")
            console.print(escape(text), soft_wrap=True, highlight=False)
