"""``modplural data``: build data sets of the sources, check them, and push them and the metrics to the Hub."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from plural_tasks import evaluate_modules, publishing
from plural_tasks.publishing import cards
from plural_tasks.sources import DATA_VARIABLE, SOURCES, Source, locate, read_items
from plural_tasks.utils.errors import ModPluralError, unknown_name
from plural_tasks.utils.files import write_text
from plural_tasks.utils.hub import check_repo_id

app = typer.Typer(help="Build, check and publish data sets of the sources.", no_args_is_help=True, add_completion=False)
console = Console()

MOST_PROBLEMS = 20

FolderArgument = Annotated[Path, typer.Argument(help="A folder made by `modplural data build`.")]
DataOption = Annotated[
    str | None, typer.Option("--data", help="Where sources are that are not shipped: a file, a folder or an address.")
]


@app.command("list")
def list_sources(data: DataOption = None) -> None:
    """List the sources, how many items each has, and what its licence allows."""
    if data and not data.startswith(("http://", "https://")) and not Path(data).expanduser().exists():
        raise ModPluralError(f"--data: {data}: no such file or folder.")
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0))
    for name in ("source", "items", "gated", "published"):
        table.add_column(name, no_wrap=True)
    table.add_column("licence", overflow="fold")
    for name, source in SOURCES.items():
        table.add_row(
            name,
            _items(source, data),
            "yes" if source.gated else "no",
            "yes" if source.redistribute else "no",
            escape(_licence(source)),
        )
    console.print(table)
    _say("items –: not read; give --data, or build the source, which fetches it.")
    _say("published no: the licence does not let modplural publish the items, only the loader and digests.")


@app.command()
def build(
    sources: Annotated[list[str], typer.Argument(help="Sources, or patterns such as 'surveys_*'.")],
    out: Annotated[Path, typer.Option("--out", help="The folder to write.")],
    data: DataOption = None,
    title: Annotated[str | None, typer.Option(help="Name of the data set, for its card.")] = None,
) -> None:
    """Write sources as a data set: Parquet files with typed columns, a manifest with digests, a data card."""
    _no_progress_bars()
    names = publishing.match_sources(sources)

    def show(name: str, entry: publishing.SourceEntry) -> None:
        sizes = ", ".join(f"{split} {found.rows}" for split, found in entry.splits.items())
        _say(f"{names.index(name) + 1}/{len(names)} {name}: {sizes} items")

    manifest = publishing.build(names, out, data=data, title=title, report=show)
    _say(f"{manifest.rows} items written to {out}.")
    closed = [name for name, source in manifest.sources.items() if not source.redistribute]
    if closed:
        _say(f"Not to be published, only their digests: {', '.join(closed)}.")


@app.command()
def validate(
    what: Annotated[str, typer.Argument(help="A source, a built folder, or a .json or .jsonl file of items.")],
    data: DataOption = None,
    against: Annotated[
        str | None,
        typer.Option(help="Compare a source with published digests: a built folder, a manifest, or owner/name."),
    ] = None,
) -> None:
    """Check every item; count items by mode and split; find duplicates and questions in both splits."""
    report = _check(what, data, against)
    table = Table("of", "mode", "split", "items", "questions", "groups")
    for (name, mode, split), count in report.counts.items():
        table.add_row(name, mode, split, str(count.rows), str(count.questions), str(count.groups or "–"))
    console.print(table)
    for fatal, colour, word in ((True, "red", "BAD"), (False, "yellow", "NOTE")):
        found = [problem for problem in report.problems if problem.fatal == fatal]
        for problem in found[:MOST_PROBLEMS]:
            console.print(f"[{colour}]{word}[/{colour}] {escape(str(problem))}", soft_wrap=True, highlight=False)
        if len(found) > MOST_PROBLEMS:
            _say(f"… and {len(found) - MOST_PROBLEMS} more.")
    bad = len(report.fatal)
    same = "; the digests are those published" if against and not bad else ""
    _say(f"{bad} problems, {len(report.problems) - bad} notes{same}.")
    if bad:
        raise typer.Exit(1)


@app.command()
def card(
    folder: FolderArgument,
    repo: Annotated[str, typer.Option(help="owner/name that the card tells people to load.")] = cards.PLACEHOLDER,
    digests_only: Annotated[bool, typer.Option("--digests-only", help="The card without the rows.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Write it to the folder's README.md.")] = False,
) -> None:
    """Make the data card anew from the manifest, and print it or write it."""
    check_repo_id(repo)
    manifest = publishing.read_manifest(folder)
    text = cards.render_card(manifest, folder=folder, repo_id=repo, rows=not digests_only)
    if not write:
        print(text, end="")
        return
    path = folder / cards.README
    write_text(path, text)
    _say(f"{path} written.")


@app.command()
def push(
    folder: FolderArgument,
    repo: Annotated[str, typer.Argument(help="owner/name of the data set on the Hub; made if it does not exist.")],
    private: Annotated[bool, typer.Option("--private", help="Make it private; one that exists must be.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be sent, send nothing.")] = False,
    digests_only: Annotated[
        bool, typer.Option("--digests-only", help="Push the data card and the digests, not the rows.")
    ] = False,
    pull_request: Annotated[bool, typer.Option("--pull-request", help="Offer it as a pull request.")] = False,
) -> None:
    """Check a built data set and push it to the Hub in one commit; repeat it if it was cut off."""
    if dry_run:
        files = publishing.dataset_files(folder, repo, digests_only=digests_only)
        sizes = {path: len(file) if isinstance(file, bytes) else file.stat().st_size for path, file in files.items()}
        for path, size in sizes.items():
            _say(f"{size:>12,} bytes  {path}")
        _say(f"{len(sizes)} files, {sum(sizes.values()):,} bytes would go to {repo}; nothing was sent.")
        return
    done = publishing.push_dataset(folder, repo, private=private, pull_request=pull_request, digests_only=digests_only)
    if not done.changed:
        _say(f"{repo} holds exactly this already; nothing to upload.")
        return
    _say(f"{'Offered as' if done.pull_request else 'Pushed:'} {done.url}")
    _say(f"Load it with revision {done.revision} to pin this version.")


@app.command("push-metrics")
def push_metrics(
    owner: Annotated[str, typer.Argument(help="User or organisation of the Hub.")],
    names: Annotated[list[str] | None, typer.Argument(help="Metrics, such as js_distance; all by default.")] = None,
    private: Annotated[bool, typer.Option("--private", help="Make them private; those that exist must be.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be sent, send nothing.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write them to this folder instead, for evaluate.load of a folder.")
    ] = None,
    pull_request: Annotated[bool, typer.Option("--pull-request", help="Offer them as pull requests.")] = False,
) -> None:
    """Push the metrics as modules of the library evaluate: a Space for each, loaded by evaluate.load("OWNER/NAME")."""
    chosen = names or list(evaluate_modules.MODULES)
    if out is not None:
        for folder in evaluate_modules.write_modules(out, owner, chosen):
            _say(f"{folder} written.")
        return
    if dry_run:
        for name in chosen:
            files = evaluate_modules.module_files(name, owner)
            _say(
                f"{owner}/{name}: {', '.join(f'{path} ({len(text.encode()):,} bytes)' for path, text in files.items())}"
            )
        _say("nothing was sent.")
        return
    for name, done in evaluate_modules.push_modules(owner, chosen, private=private, pull_request=pull_request).items():
        if not done.changed:
            _say(f"{owner}/{name} holds exactly this already; nothing to upload.")
            continue
        _say(f"{'Offered as' if done.pull_request else 'Pushed:'} {done.url}")


def _check(what: str, data: str | None, against: str | None) -> publishing.CheckReport:
    if what in SOURCES:
        manifest = publishing.load_manifest(against) if against else None
        return publishing.check_source(what, data=data, against=manifest)
    path = Path(what).expanduser()
    if not path.exists():
        if path.suffix or len(path.parts) > 1:
            raise ModPluralError(f"{what}: no such file or folder.")
        raise unknown_name("source, file or folder", what, SOURCES)
    if data or against:
        raise ModPluralError("--data and --against go with a source, not with a file or folder of items.")
    return publishing.check_folder(path) if path.is_dir() else publishing.check_file(path)


def _licence(source: Source) -> str:
    """The licence's identifier where it has one and allows publishing, else the source's own words."""
    known = cards.licence_ids(source.licence)
    return ", ".join(known) if source.redistribute and known != ["other"] else source.licence or "not stated"


def _items(source: Source, data: str | None) -> str:
    """Number of items, where that takes no fetching."""
    given = None if source.embedded else data or os.environ.get(DATA_VARIABLE) or None
    if not source.embedded and (given is None or given.startswith(("http://", "https://"))):
        return "–"
    try:
        return str(len(read_items(source, locate(source, given))))
    except ModPluralError:
        return "–"


def _no_progress_bars() -> None:
    import datasets

    datasets.disable_progress_bars()


def _say(text: str) -> None:
    console.print(text, soft_wrap=True, highlight=False, markup=False)
