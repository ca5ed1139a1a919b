"""``modplural study``: let people compare two runs' Overton answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from model_wrappers.cli.judge import figure, read_pairs, span
from plural_tasks import human_study
from plural_tasks.pairwise import draw
from plural_tasks.utils.checked import read_json
from plural_tasks.utils.errors import ModPluralError
from plural_tasks.utils.files import write_json

app = typer.Typer(
    help="Human studies: blinded forms for raters, import, win rate and agreement.",
    no_args_is_help=True,
    add_completion=False,
)
console = Console()

StudyArgument = Annotated[Path, typer.Argument(help="The study's folder.")]


@app.command("export")
def export(
    run_a: Annotated[Path, typer.Argument(help="Run A: a samples file, its results file, or its folder.")],
    run_b: Annotated[Path, typer.Argument(help="Run B, on the same documents.")],
    folder: Annotated[Path, typer.Argument(help="Folder of the study, made anew.")],
    task: Annotated[str, typer.Option(help="The Overton task that both runs answered.")],
    raters: Annotated[int, typer.Option(help="Number of raters; each gets a page and a table.", min=1)],
    per_pair: Annotated[int, typer.Option("--per_pair", help="Raters for each pair.", min=1)] = 3,
    limit: Annotated[int | None, typer.Option(help="Rate this many pairs, drawn at random.", min=1)] = None,
    checks: Annotated[int, typer.Option(help="Attention checks for each rater.", min=0)] = 4,
    seed: Annotated[int, typer.Option(help="Of the draw, the assignment, the sides and the checks.", min=0)] = 0,
    wording: Annotated[
        Path | None, typer.Option(help="What raters read, as YAML; start from `modplural study wording`.")
    ] = None,
) -> None:
    """Write blinded pages and tables for raters, and the key that tells which answer is whose."""
    every = read_pairs(run_a, run_b, task)
    pairs = draw(every, limit, seed)
    chosen = {pair.id for pair in pairs}
    key = human_study.export(
        folder,
        pairs,
        [pair for pair in every if pair.id not in chosen],
        task=task,
        runs=(str(run_a), str(run_b)),
        raters=raters,
        per_pair=per_pair,
        checks=checks,
        seed=seed,
        wording=human_study.load_wording(wording),
    )
    _print_export(folder, key, checks)


@app.command("import")
def take(
    folder: StudyArgument,
    files: Annotated[list[Path], typer.Argument(help="What raters sent back (.json, .csv).")],
) -> None:
    """Check what raters sent back and keep it in the study; a file that does not fit is named and left out."""
    key = human_study.read_key(folder / human_study.KEY)
    new, refused = 0, []
    for path in files:
        try:
            new += human_study.keep(folder / human_study.ANSWERS, human_study.read_returned(path, key), key)
        except ModPluralError as error:
            refused.append(str(error))
    for problem in refused:
        console.print(f"Refused: {problem}", soft_wrap=True, highlight=False, markup=False)
    there = len(list((folder / human_study.ANSWERS).glob("*.json")))
    console.print(f"{new} new; {there} of {len(key.raters)} raters have answered.")
    if refused:
        raise ModPluralError(f"{len(refused)} of {len(files)} files were not taken.")


@app.command("report")
def report(
    folder: StudyArgument,
    max_failed: Annotated[
        int, typer.Option("--max_failed", help="Raters who fail more attention checks are excluded.", min=0)
    ] = human_study.MAX_FAILED,
    judge: Annotated[
        Path | None, typer.Option(help="What `modplural judge` wrote (.json) about the same runs, to compare with.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Also write all figures there, as JSON.")] = None,
    situations: Annotated[bool, typer.Option(help="Also print one row for each situation.")] = False,
) -> None:
    """Print win rate, agreement between raters, and who was excluded."""
    key = human_study.read_key(folder / human_study.KEY)
    returned = human_study.read_kept(folder / human_study.ANSWERS, key)
    made = human_study.report(key, returned, max_failed=max_failed, judge=_judged(judge))
    print_report(made)
    if situations:
        _print_situations(made["situations"])
    if output is not None:
        write_json(output, made)


@app.command("wording")
def wording() -> None:
    """Print what raters read, as the YAML file to start one of your own from."""
    print(human_study.WORDING.read_text(encoding="utf-8"), end="")


def _print_export(folder: Path, key: human_study.Key, checks: int) -> None:
    counts = [len(rater.rows) for rater in key.raters]
    console.print(
        f"{len(key.pairs)} pairs, {key.per_pair} ratings each, {len(counts)} raters with {min(counts)} to "
        f"{max(counts)} rows, of them {checks} attention checks.\nGive away: {folder / human_study.RATERS}, a page "
        f"(.html) or a table (.csv) for each rater.\nKeep to yourself: {folder / human_study.KEY}.",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )


def _judged(path: Path | None) -> dict[str, Any] | None:
    if path is None:
        return None
    data = read_json(path)
    if not isinstance(data, dict) or not isinstance(data.get("verdicts"), list):
        raise ModPluralError(f"{path}: holds no verdicts; expected the .json that `modplural judge` wrote.")
    for number, row in enumerate(data["verdicts"], start=1):
        if not isinstance(row, dict) or not {"pair", "verdict"} <= set(row):
            raise ModPluralError(
                f"{path}: verdict {number} is no object with pair and verdict; expected the .json that "
                "`modplural judge` wrote."
            )
    return data


def print_report(made: dict[str, Any]) -> None:
    """Print the figures of a study, and who was excluded."""
    for run, name in made["runs"].items():
        console.print(f"{run.upper()}: {name}", soft_wrap=True, highlight=False, markup=False)
    console.print(_figures(made))
    console.print(_method(made["intervals"]), highlight=False, soft_wrap=True)
    raters = made["raters"]
    for one in raters["excluded"]:
        console.print(
            f"Excluded: {one['rater']} failed {one['failed']} of {one['checks']} attention checks "
            f"(more than {raters['max_failed']}).",
            highlight=False,
        )


def _figures(made: dict[str, Any]) -> Table:
    raters, rates, alpha, bias, pairs = (made[name] for name in ("raters", "rates", "alpha", "position_bias", "pairs"))
    table = Table("figure", "value", "note")
    table.add_row("A wins, ties, B wins", f"{rates['wins']}, {rates['ties']}, {rates['losses']}", f"of {rates['n']}")
    table.add_row(
        "win rate of A",
        figure(rates["win_rate"]),
        f"{span(rates['interval'])}, ties count half, {rates['n_clusters']} situations, {rates['n_raters']} raters",
    )
    most = made["majority"]
    votes = f"{most['wins']}, {most['ties']}, {most['losses']}"
    table.add_row("majority of each pair", votes, f"win rate {figure(most['win_rate'])}")
    table.add_row("Krippendorff's alpha", figure(alpha["nominal"]), f"nominal, {alpha['pairs']} pairs")
    table.add_row("", figure(alpha["ordinal"]), "ordinal, a tie between the two")
    table.add_row("lean to the answer shown first", figure(bias["mean"]), f"{span(bias['interval'])}, 0 is none")
    table.add_row("seconds for a pair", figure(made["seconds"]), "median")
    table.add_row("raters", f"{raters['kept']} of {raters['asked']}", f"{raters['returned']} have answered")
    table.add_row(
        "pairs with fewer ratings", str(pairs["short"]), f"than {pairs['per_pair']}, of {pairs['planned']} pairs"
    )
    if "judge" in made:
        judge = made["judge"]
        note = f"kappa {figure(judge['kappa'])}, {judge['n']} pairs, people's majority"
        table.add_row("agreement with the judge", figure(judge["raw"]), note)
    return table


def _method(intervals: dict[str, Any]) -> str:
    free = intervals["degrees_of_freedom"]
    known = f"t with {free:.1f} degrees of freedom" if free > 0.0 else "which needs two raters and two situations"
    return f"95 % intervals: {intervals['method']}, {known}."


def _print_situations(rows: list[dict[str, Any]]) -> None:
    table = Table("situation", "A", "tie", "B", "win rate")
    for row in rows:
        counts = (str(row[name]) for name in ("wins", "ties", "losses"))
        table.add_row(escape(row["situation"]), *counts, figure(row["win_rate"]))
    console.print(table)
