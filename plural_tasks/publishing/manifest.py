"""``manifest.json`` of a built data set: what it holds, where that came from, and a digest of every split."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from plural_tasks import __version__
from plural_tasks.publishing.rows import digest
from plural_tasks.schema import Mode, Split
from plural_tasks.sources.base import Source
from plural_tasks.sources.surveys import read_surveys
from plural_tasks.utils.checked import Checked, parse, read_json
from plural_tasks.utils.errors import ModPluralError

MANIFEST = "manifest.json"
MOST_GROUPS = 200
"""Up to this many groups are counted one by one, unless each has one item or the rows may not be published."""


class SplitEntry(Checked):
    """One split of one source.

    Attributes:
        rows: Number of items.
        questions: Number of different questions.
        groups: Number of different attributes.
        sha256: `plural_tasks.publishing.rows.digest` of the rows.
        file: Path of the Parquet file below the folder.
        by_study: Items of each study.
        by_group: Items of each category or, where there is none, of each attribute.
    """

    rows: int
    questions: int
    groups: int
    sha256: str
    file: str
    by_study: dict[str, int] = Field(default_factory=dict)
    by_group: dict[str, int] = Field(default_factory=dict)


class StudyEntry(Checked):
    """A survey behind items of a source, where the source's file describes its surveys."""

    producer: str
    citation: str
    homepage: str
    weighting: str
    known_issues: tuple[str, ...] = ()


class SourceEntry(Checked):
    """One source, which is one configuration of the data set; fields as of `plural_tasks.sources.Source`.

    ``studies`` maps the names in the column ``study`` to what is known of them.
    """

    mode: Mode
    title: str
    licence: str
    redistribute: bool
    languages: tuple[str, ...]
    homepage: str = ""
    url: str = ""
    hub_dataset: str = ""
    revision: str = ""
    upstream_sha256: str = ""
    citation: str = ""
    known_issues: tuple[str, ...] = ()
    studies: dict[str, StudyEntry] = Field(default_factory=dict)
    splits: dict[Split, SplitEntry]


class Manifest(Checked):
    """The whole data set. ``format`` changes when older readers could not read it, ``modplural`` is who built it."""

    format: Literal[1]
    modplural: str
    title: str
    sources: dict[str, SourceEntry]

    def splits(self) -> Iterator[tuple[str, SourceEntry, Split, SplitEntry]]:
        """Go through the splits of all sources: source, its entry, split, its entry."""
        for name, source in self.sources.items():
            for split, entry in source.splits.items():
                yield name, source, split, entry

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of the data files."""
        return tuple(entry.file for *_, entry in self.splits())

    @property
    def rows(self) -> int:
        """Number of items in all."""
        return sum(entry.rows for *_, entry in self.splits())

    def to_json(self) -> str:
        """The text of the file."""
        return json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"


def data_file(source: str, split: str) -> str:
    """Path of a split's file below the folder."""
    return f"data/{source}/{split}-00000-of-00001.parquet"


def source_entry(source: Source, path: Path, rows: dict[Split, list[dict[str, Any]]]) -> SourceEntry:
    """Describe a source, the file it was read from, and its rows."""
    return SourceEntry(
        mode=source.mode,
        title=source.title or source.name,
        licence=source.licence,
        redistribute=source.redistribute,
        languages=source.languages,
        homepage=source.homepage,
        url=source.url or "",
        hub_dataset=source.hub_dataset,
        revision=source.revision,
        upstream_sha256=source.sha256 or "",
        citation=source.citation,
        known_issues=source.known_issues,
        studies=_studies(source, path, {row["study"] for found in rows.values() for row in found}),
        splits={split: _split_entry(source, split, found) for split, found in rows.items()},
    )


def _studies(source: Source, path: Path, named: set[str]) -> dict[str, StudyEntry]:
    """The studies that rows name, from the one file that describes its studies."""
    if not source.has_studies:
        return {}
    return {
        study.title: StudyEntry(**study.model_dump(exclude={"title"}))
        for study in read_surveys(path).studies.values()
        if study.title in named
    }


def _split_entry(source: Source, split: Split, rows: Sequence[dict[str, Any]]) -> SplitEntry:
    attributes = {row["attribute"] for row in rows if row.get("attribute")}
    groups = Counter(row.get("category") or row.get("attribute") or "" for row in rows)
    shown = source.redistribute and len(groups) <= MOST_GROUPS and len(groups) < len(rows)
    return SplitEntry(
        rows=len(rows),
        questions=len({row["cluster"] for row in rows}),
        groups=len(attributes),
        sha256=digest(rows),
        file=data_file(source.name, split),
        by_study=_counts(Counter(row["study"] for row in rows)),
        by_group=_counts(groups) if shown else {},
    )


def _counts(counter: Counter[str]) -> dict[str, int]:
    return {name: counter[name] for name in sorted(counter) if name}


def new_manifest(title: str, sources: dict[str, SourceEntry]) -> Manifest:
    """Return the manifest of a data set that this version of modplural builds."""
    return Manifest(format=1, modplural=__version__, title=title, sources=sources)


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a built folder.

    Raises:
        ModPluralError: If there is none, or it is not one that this version reads.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise ModPluralError(f"{folder}: holds no {MANIFEST}; expected a folder made by `modplural data build`.")
    return parse(Manifest, read_json(path), where=os.fspath(path))
