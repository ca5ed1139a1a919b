"""ValuePrism (Sorensen et al., AAAI 2024, arXiv 2309.00779) from its own place: the situations of its test split.

``full/full.csv`` has one row for each value, right or duty of a situation, with the columns ``situation``, ``vrd`` (its
kind), ``text``, ``explanation`` and ``valence``; ``valence/valence_test.csv`` says which situations are for testing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from plural_tasks.schema import OvertonItem, SteerableItem, Value
from plural_tasks.sources.base import LocatedRow, Source
from plural_tasks.sources.fields import cluster_of, one_of, text
from plural_tasks.sources.tables import member, read_table
from plural_tasks.sources.wording import stance_item

FULL, TEST = "full/full.csv", "valence/valence_test.csv"
COLUMNS = ("situation", "vrd", "text", "explanation", "valence")
KINDS = ("value", "right", "duty")
VALENCES = ("Supports", "Opposes", "Either")
"""In the order of `plural_tasks.sources.wording.STANCES`."""

logger = logging.getLogger(__name__)


def _considerations(path: Path) -> Iterator[LocatedRow]:
    """Rows of the test situations; of all situations where ``path`` is the full table itself."""
    tested = None
    if path.is_dir():
        tested = {text(row, "situation").strip() for row in read_table(member(path, TEST), ["situation"])}
        path = member(path, FULL)
    incomplete = 0
    for number, row in enumerate(read_table(path, COLUMNS), start=1):
        if not all(row[column].strip() for column in COLUMNS):
            incomplete += 1
        elif tested is None or row["situation"].strip() in tested:
            yield LocatedRow({"id": str(number), **row}, row.where)
    if incomplete:
        logger.warning("%s: %d rows lack a field and are left out.", path, incomplete)


def _situations(path: Path) -> Iterator[LocatedRow]:
    """One row for each situation, in the order of their first considerations."""
    found: dict[str, LocatedRow] = {}
    for row in _considerations(path):
        first = found.setdefault(row["situation"].strip(), LocatedRow({**row, "considerations": []}, row.where))
        first["considerations"].append(row)
    yield from found.values()


def _overton(row: Mapping[str, Any]) -> OvertonItem:
    values = tuple(
        Value(name=text(part, "text"), explanation=text(part, "explanation"), kind=one_of(part, "vrd", KINDS))  # type: ignore[arg-type]
        for part in row["considerations"]
    )
    situation = text(row, "situation")
    return OvertonItem(id=row["id"], question=situation, values=values, cluster=cluster_of(situation))


def _stance(row: Mapping[str, Any]) -> SteerableItem:
    stance = VALENCES.index(one_of(row, "valence", VALENCES))
    return stance_item(row["id"], text(row, "situation").strip(), text(row, "text").strip(), stance)


_FACTS: dict[str, Any] = {
    "files": (FULL, TEST),
    "title": "ValuePrism",
    "homepage": "https://huggingface.co/datasets/allenai/ValuePrism",
    "hub_dataset": "allenai/ValuePrism",
    "revision": "d439ca90825e5b4e5ef97798d9b5950e16ba7065",
    "gated": True,
    "licence": "AI2 ImpACT License, medium risk artifacts",
    "citation": "Sorensen et al. 2024, Value Kaleidoscope: Engaging AI with Pluralistic Human Values, Rights, and "
    "Duties, AAAI",
}
_ISSUES = (
    "Values, rights, duties, stances and explanations were written by GPT-4; people found 91 % of them good.",
    "Situations are sentences that people gave to a demo; some are offensive.",
    "A situation may name the same value more than once.",
)

SOURCES = (
    Source("overton_valueprism", "overton", FULL, _overton, rows=_situations, known_issues=_ISSUES, **_FACTS),
    Source(
        "steerable_valueprism",
        "steerable",
        FULL,
        _stance,
        rows=_considerations,
        known_issues=(*_ISSUES, "Half of the stances are 'Supports': always answering A looks good."),
        **_FACTS,
    ),
)
