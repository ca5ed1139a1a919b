"""``modplural score``: outputs in the authors' file format under both scorings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from plural_tasks.errors import ModPluralError, unknown_name
from plural_tasks.outputs import Output, output_source, read_outputs, with_attribute
from plural_tasks.rescore import Rescored, needs_judge, rescore
from plural_tasks.rescore.render import FORMATS, SCORINGS, Scoring, columns, number, reason, shown

console = Console()


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
    if attribute is not None:
        read = {name: with_attribute(outputs, attribute) for name, outputs in read.items()}
    who = None
    if any(needs_judge(outputs) for outputs in read.values()):
        from plural_tasks.judges import load_judge

        who = load_judge(judge)
    return {name: rescore(outputs, who) for name, outputs in read.items()}


def _print(name: str, rescored: Rescored, scoring: Scoring) -> None:
    table = Table("figure", title=f"{escape(name)}, {rescored.rows} rows", title_justify="left")
    for column in columns(scoring):
        table.add_column(column, justify="right", no_wrap=True)
    if scoring == "both":
        table.add_column("reasons of the difference", overflow="fold")
    for figure in shown(rescored, scoring):
        cells = [figure.name, *(number(getattr(figure, column)) for column in columns(scoring))]
        if scoring == "both":
            cells.append("\n".join(reason(one) for one in figure.reasons) or "none")
        table.add_row(*cells)
    console.print(table)
    for note in rescored.notes:
        console.print(escape(note), soft_wrap=True, highlight=False)
