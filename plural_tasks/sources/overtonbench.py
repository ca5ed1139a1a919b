"""OvertonBench (arXiv 2512.01351): 60 questions, and what 1,208 people think of them in their own words.

The published table has a row for each person, question and rated model answer. Used here are the question and the
person's own answer (``freeresponse``) with the opinion cluster that the authors put the person into by how people voted
on each other's answers (``cluster_kmeans``). Ratings of model answers are left aside: they say nothing of a new answer.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from plural_tasks.schema import OvertonItem, Value
from plural_tasks.sources.base import LocatedRow, Source
from plural_tasks.sources.fields import cluster_of, text
from plural_tasks.sources.tables import read_table
from plural_tasks.utils.errors import ModPluralError

COLUMNS = ("question_id", "question", "user", "freeresponse", "cluster_kmeans")

logger = logging.getLogger(__name__)


def _questions(path: Path) -> Iterator[LocatedRow]:
    """One row for each question, its people in the order of their clusters."""
    questions: dict[str, LocatedRow] = {}
    silent: set[tuple[str, str]] = set()
    for row in read_table(path, COLUMNS):
        id, cluster = _whole(row, "question_id"), _whole(row, "cluster_kmeans", missing=True)
        user = str(row["user"])
        words = row["freeresponse"]
        if cluster is None or not isinstance(words, str) or not words.strip():
            silent.add((str(id), user))
            continue
        question = questions.setdefault(
            str(id), LocatedRow({"id": str(id), "question": row["question"], "people": {}}, row.where)
        )
        question["people"].setdefault(user, (cluster, words.strip()))
    if silent:
        logger.warning("%s: %d answers of people without words or cluster are left out.", path, len(silent))
    yield from questions.values()


def _whole(row: LocatedRow, field: str, *, missing: bool = False) -> int | None:
    """Read a whole number, which a table may hold as 3, 3.0 or "3"."""
    value = row[field]
    if missing and (value is None or value == "" or (isinstance(value, float) and math.isnan(value))):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not number.is_integer():
        raise ModPluralError(f"{row.where}: field {field!r}: found {value!r}, expected a whole number.")
    return int(number)


def _overton(row: Mapping[str, Any]) -> OvertonItem:
    people = sorted(row["people"].values(), key=lambda person: person[0])
    question = text(row, "question").strip()
    return OvertonItem(
        id=row["id"],
        question=question,
        values=tuple(Value(name=f"opinion cluster {cluster}", explanation=words) for cluster, words in people),
        cluster=cluster_of(question),
    )


SOURCES = (
    Source(
        "overton_overtonbench",
        "overton",
        "data/prolific_with_clusters_kmeans_merged_public.parquet",
        _overton,
        rows=_questions,
        title="OvertonBench",
        homepage="https://huggingface.co/datasets/elinorpd/overtonbench",
        hub_dataset="elinorpd/overtonbench",
        revision="main",
        redistribute=True,
        licence="CC-BY-4.0",
        citation="Poole-Dayan et al. 2026, Benchmarking Overton Pluralism in LLMs, ICLR",
        known_issues=(
            "Not pinned: the commit of the present table is not known; the branch main is read.",
            "Coverage here says how much of people's own words an answer entails. It is not the benchmark's "
            "OvertonScore, which is made of people's ratings, or of a model's guess at them.",
            "Each person is one value, named by the opinion cluster, so that larger clusters weigh more.",
            "People are from the United States and write as they like: some answers are one word, some off topic.",
        ),
    ),
)
