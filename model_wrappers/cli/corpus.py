"""``modplural corpus``: list the builders of corpora, build one, look at one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from community_lms.training.builders import BUILDERS, Builder, CorpusRequest
from community_lms.training.builders import build as build_corpus
from community_lms.training.cleaning import Cleaning
from community_lms.training.corpus import COLUMNS, Corpus, Record, stream
from community_lms.training.tally import CorpusTally
from model_wrappers.cli.cluster import cluster_of
from plural_tasks.utils.checked import parse
from plural_tasks.utils.errors import ModPluralError, unknown_name

app = typer.Typer(help="Build corpora for community LMs, and look at them.", no_args_is_help=True, add_completion=False)
console = Console()

MOST_SHOWN = 12
EXAMPLES = 3
LONGEST_SHOWN = 400

ColumnOption = Annotated[
    list[str] | None,
    typer.Option("--column", help="Which column is which, as comment=text or prompt=question; repeat it."),
]
CommunityOption = Annotated[str | None, typer.Option(help="The community, where the data name none (builder files).")]
SplitOption = Annotated[str | None, typer.Option(help="Split of a Hub data set.")]
RevisionOption = Annotated[str | None, typer.Option(help="Commit, tag or branch of a Hub data set.")]
SubsetOption = Annotated[str | None, typer.Option(help="Configuration of a Hub data set that has several.")]
MinOption = Annotated[int | None, typer.Option(help="Drop comments of fewer characters.")]
MaxOption = Annotated[int | None, typer.Option(help="Drop records with more characters.")]
RayOption = Annotated[
    str | None, typer.Option("--ray", help="Clean with workers of a Ray cluster: its address, or local.")
]
WorkersOption = Annotated[int | None, typer.Option(help="With --ray: workers at once.", min=1)]


@app.command("list")
def list_builders() -> None:
    """List the builders: what they read, what can make a community, and the licence."""
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0))
    for name in ("builder", "--by", "reads", "licence"):
        table.add_column(name, overflow="fold", no_wrap=name == "builder")
    for builder in BUILDERS.values():
        reads = f"{builder.hub}: {builder.reads}" if builder.hub else builder.reads
        licence = builder.licence or builder.licence_note
        table.add_row(builder.name, ", ".join(builder.by), escape(reads), escape(licence))
    console.print(table)


@app.command()
def build(
    name: Annotated[str, typer.Argument(help="A builder; see modplural corpus list.")],
    out: Annotated[Path, typer.Option("--out", help="The .jsonl or .parquet file to write.")],
    source: Annotated[
        str | None, typer.Argument(help="File, folder or Hub data set; the builder may have one.")
    ] = None,
    by: Annotated[str, typer.Option(help="What makes a community; see modplural corpus list.")] = "",
    limit: Annotated[int | None, typer.Option(min=1, help="Stop at so many records.")] = None,
    per_community: Annotated[int | None, typer.Option(min=1, help="Keep so many records of each community.")] = None,
    column: ColumnOption = None,
    community: CommunityOption = None,
    split: SplitOption = None,
    revision: RevisionOption = None,
    subset: SubsetOption = None,
    texts: Annotated[str, typer.Option(help="preferred, feedback or both (community_alignment, prism).")] = "both",
    answers: Annotated[int, typer.Option(help="Answers for each question and group, 1 to 24 (survey).")] = 10,
    seed: Annotated[int, typer.Option(help="Of what is drawn (survey).")] = 0,
    source_name: Annotated[str, typer.Option(help="Name of the corpus in the records.")] = "",
    licence: Annotated[str, typer.Option(help="Licence in the records, in place of the builder's.")] = "",
    min_chars: MinOption = None,
    max_chars: MaxOption = None,
    ray: RayOption = None,
    workers: WorkersOption = None,
) -> None:
    """Read a source as a stream, clean it, drop what is there twice, and write a corpus file whole or not at all."""
    _no_progress_bars()
    cluster = cluster_of(ray, workers)
    builder = _builder(name, source)
    fields = {
        "path": source or builder.hub,
        "by": by,
        "columns": _columns(column),
        "community": community,
        "split": split,
        "revision": revision,
        "subset": subset,
        "texts": texts,
        "answers": answers,
        "seed": seed,
        "source": source_name,
        "licence": licence,
    }
    request = parse(CorpusRequest, fields, where="modplural corpus build")
    cleaning = _cleaning(min_chars, max_chars, builder)
    tally = _built(builder, request, out, cleaning=cleaning, limit=limit, per_community=per_community, cluster=cluster)
    _say(f"{out}: {tally.kept} records of {tally.read} rows.")
    _print_tally(tally)


def _builder(name: str, source: str | None) -> Builder:
    if name not in BUILDERS:
        raise unknown_name("builder", name, BUILDERS)
    builder = BUILDERS[name]
    if not (source or builder.hub):
        raise ModPluralError(f"builder {name}: needs a SOURCE, for it reads {builder.reads}.")
    return builder


@app.command()
def check(
    path: Annotated[str, typer.Argument(help="A corpus file, a folder, or a Hub data set.")],
    holdout: Annotated[float, typer.Option(help="Share to be held out.")] = 0.02,
    seed: Annotated[int, typer.Option(help="Of the hold-out, and of the examples.")] = 0,
    column: ColumnOption = None,
    community: Annotated[str | None, typer.Option(help="Look at this community only.")] = None,
    split: SplitOption = None,
    revision: RevisionOption = None,
    subset: SubsetOption = None,
    min_chars: MinOption = None,
    max_chars: MaxOption = None,
) -> None:
    """Print what a corpus holds as training would read it: counts, lengths, what is dropped, the hold-out, examples."""
    _no_progress_bars()
    fields = {
        "path": path,
        "columns": _columns(column),
        "community": community,
        "split": split,
        "revision": revision,
        "subset": subset,
    }
    corpus = parse(Corpus, fields, where="modplural corpus check")
    records = stream(corpus, part="all", holdout=holdout, seed=seed, cleaning=_cleaning(min_chars, max_chars))
    lengths: Counter[int] = Counter()
    prompts = 0
    shown: list[Record] = []
    for record in records:
        lengths[len(record["comment"])] += 1
        prompts += bool(record["prompt"])
        _sample(shown, record, records.tally.kept, seed)
    tally = records.tally
    kinds = f"{prompts} with a prompt, {tally.kept - prompts} plain texts"
    _say(f"{path}: {tally.kept} records of {tally.read} rows; {kinds}.")
    _say(f"characters in a comment: {_spread(lengths)}.")
    _say(f"hold-out {holdout:g} (seed {seed}): {tally.kept - tally.held_out} to train on, {tally.held_out} held out.")
    _print_tally(tally)
    for number, record in enumerate(shown, start=1):
        _say(f"example {number}: {_short(record['community']) or '(no community)'}")
        for name in ("prompt", "comment"):
            if record[name]:
                _say(f"  {name}: {_short(record[name])}")


def _built(builder: Builder, request: CorpusRequest, out: Path, **settings: Any) -> CorpusTally:
    from tqdm import tqdm

    with tqdm(total=settings["limit"], unit=" records", desc=builder.name, mininterval=1.0) as bar:

        def show(tally: CorpusTally) -> None:
            bar.update()
            if tally.kept % 1000 == 0:
                bar.set_postfix(read=tally.read, dropped=tally.dropped.total(), refresh=False)

        return build_corpus(builder, request, out, report=show, **settings)


def _columns(given: list[str] | None) -> dict[str, str]:
    columns = {}
    for entry in given or ():
        ours, _, theirs = entry.partition("=")
        if ours not in COLUMNS or not theirs:
            raise ModPluralError(
                f"--column: found {entry!r}, expected OURS=THEIRS, where OURS is one of {', '.join(COLUMNS)}."
            )
        columns[ours] = theirs
    return columns


def _cleaning(min_chars: int | None, max_chars: int | None, builder: Builder | None = None) -> Cleaning:
    fields: dict[str, Any] = {"min_chars": builder.min_chars} if builder is not None else {}
    given = {"min_chars": min_chars, "max_chars": max_chars}
    fields.update({name: value for name, value in given.items() if value is not None})
    return parse(Cleaning, fields, where="--min-chars, --max-chars")


def _sample(shown: list[Record], record: Record, number: int, seed: int) -> None:
    """Keep a random sample of the records up to this one (reservoir sampling, Vitter 1985)."""
    import random

    if len(shown) < EXAMPLES:
        shown.append(record)
        return
    place = random.Random(f"{seed}|{number}").randrange(number)
    if place < EXAMPLES:
        shown[place] = record


def _spread(lengths: Counter[int]) -> str:
    """Smallest, median, mean and largest of counted lengths."""
    ordered = sorted(lengths)
    total, passed, half = lengths.total(), 0, ordered[0]
    for length in ordered:
        passed += lengths[length]
        if 2 * passed >= total:
            half = length
            break
    mean = sum(length * count for length, count in lengths.items()) / total
    return f"{ordered[0]} to {ordered[-1]} (median {half}, mean {mean:.0f})"


def _print_tally(tally: CorpusTally) -> None:
    table = Table("community", "records", box=box.SIMPLE)
    for name, count in tally.communities.most_common():
        table.add_row(escape(name or "(none)"), str(count))
    console.print(table)
    _say(f"dropped: {tally.reasons()}")
    for reason, known in tally.details.items():
        counts = ", ".join(f"{_short(name, 60)} {count}" for name, count in known.most_common(MOST_SHOWN))
        more = len(known) - MOST_SHOWN
        _say(f"  {reason}: {counts}" + (f", … ({more} more)" if more > 0 else ""))


def _short(text: str, limit: int = LONGEST_SHOWN) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"


def _no_progress_bars() -> None:
    import datasets

    datasets.disable_progress_bars()


def _say(text: str) -> None:
    console.print(text, soft_wrap=True, highlight=False, markup=False)
