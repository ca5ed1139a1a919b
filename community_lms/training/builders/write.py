"""Build a corpus file: records of a builder, cleaned and without repetitions, written whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

from community_lms.generation.ray_cluster import Cluster
from community_lms.training.builders.base import Builder, CorpusRequest
from community_lms.training.cleaning import Cleaning
from community_lms.training.corpus import COLUMNS, Record, cleaned, distinct
from community_lms.training.tally import CorpusTally
from plural_tasks.utils.errors import ModPluralError, unknown_name
from plural_tasks.utils.files import write_lines

ROW_GROUP = 10_000
"""Records that a parquet file is written in, and that are held for it."""


def build(
    builder: Builder,
    request: CorpusRequest,
    out: Path,
    *,
    cleaning: Cleaning | None = None,
    limit: int | None = None,
    per_community: int | None = None,
    cluster: Cluster | None = None,
    report: Callable[[CorpusTally], None] = lambda tally: None,
) -> CorpusTally:
    """Write the corpus of a request.

    Args:
        builder: How the source is read.
        request: What is read; an empty ``by`` takes the builder's first.
        out: A ``.jsonl`` or ``.parquet`` file; one that is there is replaced when all is read.
        cleaning: None is the default cleaning with the builder's shortest comment.
        limit: Stop at so many records.
        per_community: Keep so many records of a community; more are read and dropped.
        cluster: Clean texts with the workers of a Ray cluster; the file is the same.
        report: Called at every record that is kept, with the counts up to then.

    Raises:
        ModPluralError: If the ending of ``out`` or ``by`` is unknown, the source cannot be read, or nothing is kept.
    """
    write = _writer(out)
    by = request.by or builder.by[0]
    if by not in builder.by:
        raise unknown_name("grouping", by, builder.by, where=f"builder {builder.name}")
    tally = CorpusTally()
    rules = cleaning or Cleaning(min_chars=builder.min_chars)
    tidied = _tidied(builder.records(request.model_copy(update={"by": by}), tally), rules, cluster)
    kept = _kept(distinct(tidied, rules, tally), tally, limit, per_community, report)
    first = next(kept, None)
    if first is None:
        raise ModPluralError(f"{request.path}: none of {tally.read} rows is left. Dropped: {tally.reasons()}.")
    write(out, chain([first], kept))
    return tally


def _tidied(records: Iterator[Record], rules: Cleaning, cluster: Cluster | None) -> Iterator[Record]:
    if cluster is None:
        return cleaned(records, rules)
    from community_lms.training.builders.ray_cleaning import cleaned_over_ray

    return cleaned_over_ray(records, rules, cluster)


def _kept(
    records: Iterator[Record],
    tally: CorpusTally,
    limit: int | None,
    per_community: int | None,
    report: Callable[[CorpusTally], None],
) -> Iterator[Record]:
    for record in records:
        if per_community is not None and tally.communities[record["community"]] >= per_community:
            tally.drop("enough of the community")
            continue
        tally.kept += 1
        tally.communities[record["community"]] += 1
        report(tally)
        yield {name: record[name] for name in COLUMNS}
        if tally.kept == limit:
            return


def _writer(out: Path) -> Callable[[Path, Iterable[Record]], None]:
    writers = {".jsonl": _write_jsonl, ".parquet": _write_parquet}
    if out.suffix not in writers:
        raise ModPluralError(f"{out}: unknown kind of file, expected an ending of .jsonl or .parquet.")
    return writers[out.suffix]


def _write_jsonl(out: Path, records: Iterable[Record]) -> None:
    write_lines(out, (json.dumps(record, ensure_ascii=False) for record in records))


def _write_parquet(out: Path, records: Iterable[Record]) -> None:
    import pyarrow
    import pyarrow.parquet

    schema = pyarrow.schema([(name, pyarrow.string()) for name in COLUMNS])
    scratch = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=out.parent, delete=False) as file:
            scratch = file.name
            with pyarrow.parquet.ParquetWriter(file, schema) as writer:
                left = iter(records)
                while group := list(islice(left, ROW_GROUP)):
                    writer.write_table(pyarrow.Table.from_pylist(group, schema))
        os.chmod(scratch, 0o644)
        os.replace(scratch, out)
    except OSError as error:
        raise ModPluralError(f"{out}: cannot be written ({error.strerror}).") from error
    finally:
        if scratch is not None:
            Path(scratch).unlink(missing_ok=True)
