"""``modplural compare``: methods by tasks, from results and samples of lm_eval."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from plural_tasks.utils.errors import ModPluralError, unknown_name

app = typer.Typer(add_completion=False)
console = Console()


@app.command()
def compare_runs(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN", help="Results files or folders of lm_eval --output_path; label=PATH names one."),
    ],
    baseline: Annotated[
        str | None, typer.Option(help="Label of the run that differences are measured against; the first by default.")
    ] = None,
    by: Annotated[
        str | None, typer.Option(help="Document field that makes subgroups: category, attribute, stratum, study, …")
    ] = None,
    task: Annotated[list[str] | None, typer.Option(help="Only this task; may be given several times.")] = None,
    newest: Annotated[bool, typer.Option("--newest", help="Of every folder only the newest results file.")] = False,
    resamples: Annotated[
        int, typer.Option(min=0, help="Draws for the intervals of balanced accuracy and macro-F1; 0: no intervals.")
    ] = 1000,
    form: Annotated[
        str | None,
        typer.Option(
            "--format", help="table, markdown, csv or json; by default what the file's name says, else table."
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write to this file instead of the terminal.")] = None,
) -> None:
    """Compare runs (of modplural or of any model) with intervals, paired differences and subgroups.

    The runs need --output_path and --log_samples. Rows with different documents, task versions or scoring are refused.
    Of runs that differ in elicitation alone it says how far their distributions agree.
    """
    from plural_tasks.report.comparing.compare import compare
    from plural_tasks.report.reading.runs import read_runs
    from plural_tasks.report.tables.render import FORMATS, print_comparison
    from plural_tasks.utils.files import write_text

    chosen = _format(form, output)
    wanted = task or []
    found = compare(
        read_runs(runs, newest=newest, tasks=wanted), baseline=baseline, by=by, tasks=wanted, resamples=resamples
    )
    if chosen == "table":
        print_comparison(found, console)
        return
    text = FORMATS[chosen](found)
    if output is None:
        typer.echo(text, nl=False)
        return
    write_text(output, text)
    console.print(f"{len(found.runs)} runs, {len(found.tasks)} tasks: {output}", highlight=False, soft_wrap=True)


def _format(form: str | None, output: Path | None) -> str:
    from plural_tasks.report.tables.render import FORMATS, SUFFIXES

    names = ["table", *FORMATS]
    if form is not None and form not in names:
        raise unknown_name("format", form, names, where="--format")
    if output is None:
        return form or "table"
    chosen = form or SUFFIXES.get(output.suffix.lower())
    if chosen is None:
        raise ModPluralError(f"--output {output}: its ending names no format ({', '.join(SUFFIXES)}); give --format.")
    if chosen == "table":
        raise ModPluralError("--output takes --format markdown, csv or json; the table is for the terminal.")
    return chosen
