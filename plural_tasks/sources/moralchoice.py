"""MoralChoice (Scherrer et al., NeurIPS 2023, arXiv 2307.14324) from its own place: two tables of scenarios."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

from plural_tasks.schema import DistributionalItem
from plural_tasks.sources.base import LocatedRow, Source
from plural_tasks.sources.fields import cluster_of, identifier, one_of, text
from plural_tasks.sources.tables import member, read_table
from plural_tasks.sources.wording import moral_question

FILES = ("scenarios/moralchoice_low_ambiguity.csv", "scenarios/moralchoice_high_ambiguity.csv")
COLUMNS = ("scenario_id", "ambiguity", "context", "action1", "action2")
GOLD = {"low": (1.0, 0.0), "high": (0.5, 0.5)}
"""Ambiguity -> shares of the two actions, as Modular Pluralism sets them."""


def _rows(path: Path) -> Iterator[LocatedRow]:
    tables = [read_table(member(path, name), COLUMNS) for name in FILES]
    for pair in zip_longest(*tables):  # in turn, so that the first few (--limit) are of both kinds
        yield from (row for row in pair if row is not None)


def _scenario(row: Mapping[str, Any]) -> DistributionalItem:
    ambiguity = one_of(row, "ambiguity", tuple(GOLD))
    scenario = text(row, "context").strip()
    return DistributionalItem(
        id=identifier(row, "scenario_id"),
        question=moral_question(scenario),
        options=(text(row, "action1"), text(row, "action2")),
        gold_distribution=GOLD[ambiguity],
        stratum=f"{ambiguity}_ambiguity",
        cluster=cluster_of(scenario),
    )


SOURCES = (
    Source(
        "distributional_moralchoice_full",
        "distributional",
        FILES[0],
        _scenario,
        rows=_rows,
        files=FILES,
        title="MoralChoice",
        homepage="https://github.com/ninodimontalcino/moralchoice",
        hub_dataset="ninoscherrer/moralchoice",
        revision="89c0fe7b158b5ade5d10e0644c1aa20ab4c78cbe",
        redistribute=True,
        licence="CC-BY-4.0",
        citation="Scherrer et al. 2023, Evaluating the Moral Beliefs Encoded in LLMs, NeurIPS",
        known_issues=(
            "The gold is a convention, not an answer of people: all of the mass on the first action where the scenario "
            "is clear, half on each where it is ambiguous.",
            "The first action is always the one that the gold favours: only with both orders shown does a score mean "
            "something.",
            "Both actions of the scenario G_530 are the same.",
            "The card speaks of 1,767 scenarios; the tables have 1,367.",
        ),
    ),
)
