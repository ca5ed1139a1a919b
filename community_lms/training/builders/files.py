"""Any JSONL, parquet, CSV or text file, or data set of the Hub, by a mapping of columns."""

from __future__ import annotations

from collections.abc import Iterator

from community_lms.training.builders.base import Builder, CorpusRequest, by_place
from community_lms.training.corpus import Corpus, Record, to_record
from community_lms.training.rows import rows
from community_lms.training.tally import CorpusTally
from plural_tasks.utils.checked import parse


def records(request: CorpusRequest, tally: CorpusTally) -> Iterator[Record]:
    """Yield the rows as records; with ``by=country`` or ``continent`` the column ``community`` holds places."""
    fields = ("path", "split", "revision", "subset", "columns", "community", "source", "licence")
    corpus = parse(Corpus, {name: getattr(request, name) for name in fields}, where=request.path)
    for row in rows(corpus.path, split=corpus.split, revision=corpus.revision, subset=corpus.subset):
        tally.read += 1
        record = to_record(row, corpus)
        if request.by != "community":
            record["community"] = by_place(record["community"], request.by, tally)
            if record["community"]:
                yield record
        elif record["community"]:
            yield record
        else:
            tally.drop("no community")


FILES = Builder(
    name="files",
    title="",
    reads="any JSONL, JSON, parquet, CSV, TSV or text file, a folder of these, or a Hub data set, with --column",
    records=records,
    by=("community", "country", "continent"),
    licence_note="say it with --licence, or --column licence=…",
)
