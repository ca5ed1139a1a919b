"""Checks on items that have been read: counts, duplicates, and questions that stand on both sides of the split."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from plural_tasks.docs import to_doc
from plural_tasks.schema import Item, Mode, OvertonItem, Split

Placed = tuple[str, Item]
"""An item and where it stands, for messages."""


@dataclass(frozen=True)
class Problem:
    """Something wrong at a place; ``fatal`` problems make the data unfit to be pushed, the others are to be known."""

    where: str
    message: str
    fatal: bool = True

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"

    @classmethod
    def of(cls, where: str, error: Exception) -> Problem:
        """The problem that an error tells of; where the text begins with its place, that is not said twice."""
        return cls(where, str(error).removeprefix(f"{where}: "))


@dataclass(frozen=True)
class ItemCount:
    """What one mode and split of a source or file hold; ``groups`` are different attributes."""

    rows: int
    questions: int
    groups: int


@dataclass
class CheckReport:
    """Result of a check: counts by source or file, mode and split, and everything that is wrong."""

    counts: dict[tuple[str, Mode, Split], ItemCount] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def fatal(self) -> list[Problem]:
        """The problems that forbid a push."""
        return [problem for problem in self.problems if problem.fatal]


def check_items(sources: Mapping[str, Sequence[Placed]], *, problems: Sequence[Problem] = ()) -> CheckReport:
    """Count the items of each source or file, and look for what is wrong in them taken together.

    Fatal: an id that occurs twice in a source; a question, by its wording anywhere or by its cluster within a source,
    of which some items are in ``train`` and others in ``test``. To be known: items that ask the same of the same group,
    and items with one option.

    Args:
        sources: Name -> items.
        problems: Problems found before, put in front.
    """
    report = CheckReport(problems=list(problems))
    for name, placed in sources.items():
        report.counts |= _counts(name, placed)
        report.problems += [*_same_ids(placed), *_duplicates(placed), *_lone_options(placed)]
    report.problems += _leaks(sources)
    return report


def _counts(name: str, placed: Sequence[Placed]) -> dict[tuple[str, Mode, Split], ItemCount]:
    groups: dict[tuple[Mode, Split], list[dict[str, Any]]] = {}
    for _, item in placed:
        doc = to_doc(item)
        groups.setdefault((doc["mode"], item.split), []).append(doc)
    return {
        (name, mode, split): ItemCount(
            rows=len(docs),
            questions=len({doc["cluster"] for doc in docs}),
            groups=len({doc["attribute"] for doc in docs} - {""}),
        )
        for (mode, split), docs in groups.items()
    }


def _same_ids(placed: Sequence[Placed]) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for where, item in placed:
        if item.id in first:
            yield Problem(where, f"field 'id': {item.id!r} stands at {first[item.id]} too.")
        first.setdefault(item.id, where)


def _duplicates(placed: Sequence[Placed]) -> Iterator[Problem]:
    first: dict[tuple[Any, ...], Item] = {}
    for where, item in placed:
        doc = to_doc(item)
        key = (doc["mode"], doc["study"], _plain(doc["question"]), doc["attribute"], *doc["options"])
        if key in first and first[key].id != item.id:
            yield Problem(where, f"asks the same as the item {first[key].id!r}, of the same group.", fatal=False)
        first.setdefault(key, item)


def _lone_options(placed: Sequence[Placed]) -> Iterator[Problem]:
    for where, item in placed:
        if not isinstance(item, OvertonItem) and len(item.options) == 1:
            yield Problem(where, "field 'options': there is one option, so that every answer is right.", fatal=False)


def _leaks(sources: Mapping[str, Sequence[Placed]]) -> Iterator[Problem]:
    """One problem for each question that is in both splits; clusters are names that two sources may both use."""
    seen: dict[tuple[str, ...], dict[Split, str]] = {}
    for name, placed in sources.items():
        for where, item in placed:
            for key in (("question", _plain(item.question)), ("cluster", to_doc(item)["cluster"], name)):
                seen.setdefault(key, {}).setdefault(item.split, where)
    reported = set()
    for (kind, text, *_), places in seen.items():
        here = frozenset(places.values())
        if len(places) > 1 and here not in reported:
            reported.add(here)
            yield Problem(
                places["test"], f"field {kind!r}: {text[:80]!r} is in the split train too, at {places['train']}."
            )


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
