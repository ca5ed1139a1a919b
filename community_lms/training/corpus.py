"""A corpus: what a community said. One record a text; read as a stream, cleaned, without repetitions, partly held out.

A record has the columns of `COLUMNS`, all text. ``prompt`` is "" for plain text (articles, posts), and ``comment`` is
then the text itself. One line of a JSONL file is one record; `community_lms.training.builders` makes such files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field, field_validator

from community_lms.training.cleaning import Cleaning, clean, normalised
from community_lms.training.rows import rows
from community_lms.training.seen import Seen, fingerprint
from community_lms.training.tally import CorpusTally
from plural_tasks.schema import Text
from plural_tasks.sources.base import LocatedRow
from plural_tasks.utils.checked import Checked
from plural_tasks.utils.errors import ModPluralError, nearest, unknown_name

COLUMNS = ("community", "source", "licence", "prompt", "comment")
Part = Literal["train", "held_out", "all"]
Record = dict[str, str]


class Corpus(Checked):
    """A place of texts of a community, and how to read them.

    Attributes:
        path: A local file (``.jsonl``, ``.json``, ``.parquet``, ``.csv``, ``.tsv``, ``.txt``), a folder of these, or
            a data set of the Hub (``owner/name``).
        revision: Commit, tag or branch on the Hub.
        split: Split on the Hub; may be left out where there is one only.
        subset: Configuration on the Hub, where there are several.
        columns: Our column -> theirs. A column that is not listed has our name; ``comment`` may be ``text`` too.
        community: Keep this community only. Where the data name no community, all of it is this one's.
        source: Name of the texts, where the records do not say it.
        licence: Licence of the texts, where the records do not say it.
        limit: Keep so many records at most (training and held-out ones together).
    """

    path: Text
    revision: str | None = None
    split: str | None = None
    subset: str | None = None
    columns: dict[str, Text] = Field(default_factory=dict)
    community: str | None = None
    source: str = ""
    licence: str = ""
    limit: Annotated[int, Field(ge=1)] | None = None

    @field_validator("columns")
    @classmethod
    def _known(cls, columns: dict[str, str]) -> dict[str, str]:
        for name in columns:
            if name not in COLUMNS:
                close = nearest(name, COLUMNS)
                hint = f" Did you mean {close!r}?" if close else ""
                raise ValueError(f"unknown column {name!r}.{hint} Valid: {', '.join(COLUMNS)}.")
        return columns


class Stream(Iterator[Record]):
    """Records as they come; ``tally`` grows with them.

    Attributes:
        tally: Counts of what was read, kept, held out and dropped up to now; complete when the stream has ended.
    """

    def __init__(self, records: Iterator[Record], tally: CorpusTally) -> None:
        self._records = records
        self.tally = tally

    def __next__(self) -> Record:
        return next(self._records)


def stream(
    corpus: Corpus, *, part: Part = "train", holdout: float = 0.02, seed: int = 0, cleaning: Cleaning | None = None
) -> Stream:
    """Read a corpus record by record: clean, each text once, and only the part that is asked for.

    Memory does not grow with the corpus, but for 16 to 32 bytes a text (see `community_lms.training.seen`).

    Args:
        corpus: The corpus to read.
        part: ``train``, ``held_out``, or ``all`` of it.
        holdout: Share of the questions, or of the plain texts, that is held out; 0..1. See `is_held_out`.
        seed: Seed of the choice of held-out records.
        cleaning: Cleaning of the texts; None is the default cleaning.

    Raises:
        ModPluralError: At once if an argument is out of range. While reading: if the place or a row cannot be read, a
            column is missing, no record is of ``corpus.community``, or none is left.
    """
    if part not in ("train", "held_out", "all"):
        raise unknown_name("part", part, ("train", "held_out", "all"))
    if not 0.0 <= holdout <= 1.0:
        raise ModPluralError(f"holdout: found {holdout}, expected a share from 0 to 1.")
    tally = CorpusTally()
    return Stream(_stream(corpus, part, holdout, seed, cleaning or Cleaning(), tally), tally)


def counts(
    corpus: Corpus, *more: Corpus, holdout: float = 0.02, seed: int = 0, cleaning: Cleaning | None = None
) -> CorpusTally:
    """Read corpora to their ends and return, all together, what was kept, held out and dropped, and why.

    (`Stream.tally` has the same counts of one corpus, without another pass.)

    Raises:
        ModPluralError: As `stream`.
    """
    total = CorpusTally()
    for each in (corpus, *more):
        records = stream(each, part="all", holdout=holdout, seed=seed, cleaning=cleaning)
        for _ in records:
            pass
        total += records.tally
    return total


def cleaned(records: Iterable[Record], cleaning: Cleaning) -> Iterator[Record]:
    """Clean the texts of records, each for itself."""
    for record in records:
        yield {**record, "prompt": clean(record["prompt"], cleaning), "comment": clean(record["comment"], cleaning)}


def distinct(records: Iterable[Record], cleaning: Cleaning, tally: CorpusTally) -> Iterator[Record]:
    """Drop clean records that are empty, too short, too long, or the same as an earlier one of the community.

    The same again is kept where ``cleaning.drop_duplicates`` is off.
    """
    seen = Seen()
    for tidied in records:
        reason = _unfit(tidied, cleaning)
        if reason is None and cleaning.drop_duplicates and not seen.add(_identity(tidied)):
            reason = "duplicate"
        if reason is None:
            yield tidied
        else:
            tally.drop(reason)


def is_held_out(record: Mapping[str, str], holdout: float, seed: int) -> bool:
    """Say whether a record is held out: by a hash of the seed and its prompt, or of its text if it has no prompt.

    All comments on a question are on one side, whoever makes them, and the side does not change when records are added.
    Only which words the prompt has counts, and not their order, so that a question whose options are listed in several
    orders is one question.
    """
    words = sorted(normalised(record["prompt"] or record["comment"]).split())
    return fingerprint(str(seed), *words) / 2.0**64 < holdout


def to_record(row: LocatedRow, corpus: Corpus) -> Record:
    """Turn a row into a record, by the corpus' columns.

    Raises:
        ModPluralError: If a column is missing or holds something else than text; names the row.
    """
    record = {name: _text(row, corpus.columns[name] if name in corpus.columns else _own(row, name)) for name in COLUMNS}
    record["source"] = record["source"] or corpus.source
    record["licence"] = record["licence"] or corpus.licence
    if _own(row, "community") is None and "community" not in corpus.columns:
        record["community"] = corpus.community or ""
    return record


def _stream(
    corpus: Corpus, part: Part, holdout: float, seed: int, cleaning: Cleaning, tally: CorpusTally
) -> Iterator[Record]:
    found: Counter[str] = Counter()
    for record in distinct(cleaned(_of_community(corpus, tally, found), cleaning), cleaning, tally):
        tally.kept += 1
        tally.communities[record["community"]] += 1
        held_out = is_held_out(record, holdout, seed)
        tally.held_out += held_out
        if part == "all" or held_out == (part == "held_out"):
            yield record
        if tally.kept == corpus.limit:
            return
    if tally.kept:
        return
    if corpus.community is not None and corpus.community not in found:
        raise unknown_name("community", corpus.community, found, where=corpus.path)
    raise ModPluralError(f"{corpus.path}: none of {tally.read} records is left. Dropped: {tally.reasons()}.")


def _of_community(corpus: Corpus, tally: CorpusTally, found: Counter[str]) -> Iterator[Record]:
    for row in rows(corpus.path, split=corpus.split, revision=corpus.revision, subset=corpus.subset):
        tally.read += 1
        record = to_record(row, corpus)
        if len(found) < 1000 or record["community"] in found:  # a column that is no community's must not fill memory
            found[record["community"]] += 1
        if corpus.community is None or record["community"] == corpus.community:
            yield record
        else:
            tally.drop("other community")


def _own(row: LocatedRow, name: str) -> str | None:
    """The column that has our name, or None where there is none."""
    if name in row:
        return name
    if name == "comment":
        return "text"
    return None


def _text(row: LocatedRow, column: str | None) -> str:
    if column is None:
        return ""
    if column not in row:
        raise ModPluralError(
            f"{row.where}: column {column!r} is missing; found {', '.join(row)}. Say with 'columns' which is which."
        )
    value = row[column]
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ModPluralError(f"{row.where}: column {column!r}: found {type(value).__name__}, expected text.")
    return str(value)


def _unfit(record: Record, cleaning: Cleaning) -> str | None:
    comment = record["comment"]
    if not comment:
        return "empty"
    if len(comment) < cleaning.min_chars:
        return "too short"
    return "too long" if max(len(comment), len(record["prompt"])) > cleaning.max_chars else None


def _identity(record: Record) -> int:
    return fingerprint(record["community"], normalised(record["prompt"]), normalised(record["comment"]))
