"""The project's own questions, shipped in the package so that the main job needs no network.

They are a first set to try the machinery on, not a measure of pluralism: the gold of the steerable questions follows
from the attribute by construction, and the gold of the distributional questions is a point mass where one option is
plainly decent ("clear") and uniform where legitimate goods conflict ("open"). No survey stands behind them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plural_tasks.schema import DistributionalItem, OvertonItem, SteerableItem, Value
from plural_tasks.sources.base import Source

_LICENCE = "Apache-2.0, written for this project"
_ISSUES = ("Gold is set by construction, not measured on people.",)


def _overton(row: Mapping[str, Any]) -> OvertonItem:
    values = tuple(Value(**value) for value in row["values"])
    return OvertonItem(id=row["id"], question=row["situation"], values=values)


def _steerable(row: Mapping[str, Any]) -> SteerableItem:
    return SteerableItem(
        id=row["id"],
        question=row["question"],
        attribute=row["attribute"],
        options=tuple(row["options"]),
        gold=(row["gold"],),
    )


def _distributional(row: Mapping[str, Any]) -> DistributionalItem:
    return DistributionalItem(
        id=row["id"],
        question=row["question"],
        options=tuple(row["options"]),
        gold_distribution=tuple(row["gold"]),
        stratum=row["stratum"],
    )


SOURCES = (
    Source(
        "embedded_overton",
        "overton",
        "overton.json",
        _overton,
        licence=_LICENCE,
        redistribute=True,
        known_issues=_ISSUES,
    ),
    Source(
        "embedded_steerable",
        "steerable",
        "steerable.json",
        _steerable,
        licence=_LICENCE,
        redistribute=True,
        known_issues=_ISSUES,
    ),
    Source(
        "embedded_distributional",
        "distributional",
        "distributional.json",
        _distributional,
        licence=_LICENCE,
        redistribute=True,
        known_issues=_ISSUES,
    ),
)
