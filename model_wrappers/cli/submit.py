"""``modplural submit``: one validated record of a run, for a leaderboard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from plural_tasks.utils.errors import ModPluralError

if TYPE_CHECKING:
    from plural_tasks.report.submission.record import Submission

app = typer.Typer(add_completion=False)
console = Console()
aside = Console(stderr=True)
"""For what is no part of the record that --dry-run prints."""


@app.command()
def submit_run(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A results file, or a folder of lm_eval --output_path.")],
    repo: Annotated[str | None, typer.Option(help="Data set on the Hub that takes submissions, ORG/NAME.")] = None,
    contact: Annotated[str, typer.Option(help="Who answers questions; will be public.")] = "",
    notes: Annotated[str, typer.Option(help="What readers should know; will be public.")] = "",
    output: Annotated[Path | None, typer.Option(help="Also write the record to this file.")] = None,
    pull_request: Annotated[
        bool, typer.Option("--pull-request", help="Offer the record as a pull request, which needs no right to write.")
    ] = False,
    newest: Annotated[bool, typer.Option("--newest", help="Of a folder the newest results file.")] = False,
    allow_partial: Annotated[
        bool, typer.Option("--allow-partial", help="Take a run with --limit or --samples; the record is marked.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Make, check and print the record; push nothing.")] = False,
    check: Annotated[bool, typer.Option("--check", help="RUN is a record: check it, as a leaderboard does.")] = False,
) -> None:
    """Make a validated record of a run, without secrets, and push it to a data set on the Hub.

    The run needs --output_path and --log_samples. The file becomes submissions/<model>/<digest>.json.
    """
    from plural_tasks.report.submission.record import read_submission, write_submission
    from plural_tasks.report.submission.submit import push_submission

    if check:
        show(read_submission(Path(run)))
        return
    if not (repo or dry_run or output):
        raise ModPluralError(
            "submit: say where the record goes: --repo ORG/NAME, --output FILE, or --dry-run to see it."
        )
    record = _record(run, newest, contact, notes, allow_partial)
    if output is not None:
        write_submission(record, output)
        aside.print(f"written: {output}", highlight=False, soft_wrap=True)
    if dry_run:
        typer.echo(record.to_json(), nl=False)
        return
    show(record)
    if repo:
        from plural_tasks.utils.hub import push_json

        done = push_submission(record, repo, push_json, pull_request=pull_request)
        state = "pushed" if done.changed else "was there already"
        console.print(f"{state}: {record.path()} in {repo}\n{done.url}", highlight=False, soft_wrap=True)


def _record(run: str, newest: bool, contact: str, notes: str, allow_partial: bool) -> Submission:
    from plural_tasks.report.reading.runs import read_runs
    from plural_tasks.report.submission.submit import make_submission

    found = read_runs([run], newest=newest)
    if len(found) > 1:
        raise ModPluralError(
            f"{run}: holds {len(found)} results files, and one run is submitted at a time; name one, or take the "
            "newest with --newest."
        )
    return make_submission(found[0], contact=contact, notes=notes, allow_partial=allow_partial)


def show(record: Submission) -> None:
    """Print what a record says, at a glance."""
    method = f", method {record.method.name}, pool {record.method.pool}" if record.method else ""
    title = f"{record.model.name}{method}{' (PARTIAL)' if record.partial else ''}"
    table = Table(title=escape(title), title_justify="left")
    for name in ("task", "version", "figure"):
        table.add_column(name, overflow="fold")
    for name in ("value", "se", "n", "fallbacks"):
        table.add_column(name, justify="right")
    for task in record.tasks:
        rate = "-" if task.fallback_rate is None else f"{100 * task.fallback_rate:.1f} %"
        figures = (_number(task.main.value), _number(task.main.se), f"{task.n} of {task.n_task}", rate)
        table.add_row(escape(task.task), escape(task.version), escape(task.main.metric), *figures)
    console.print(table)
    console.print(f"digest: {record.digest()}", highlight=False, soft_wrap=True)
    if record.model.removed:
        console.print(f"left out as secrets: {escape(', '.join(record.model.removed))}", highlight=False)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
