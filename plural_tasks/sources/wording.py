"""This project's wording around upstream texts, the same for every source of a task."""

from __future__ import annotations

from collections.abc import Sequence

from plural_tasks.metrics.corrected import most_likely
from plural_tasks.schema import SteerableItem
from plural_tasks.sources.dont_know import dont_know
from plural_tasks.sources.fields import cluster_of

STANCES = ("Support", "Oppose", "Either")
CATEGORIES = {
    "POLPARTY": "political party",
    "POLIDEOLOGY": "political ideology",
    "RELIG": "religion",
    "RACE": "race",
    "EDUCATION": "education",
    "INCOME": "income",
    "CREGION": "region of the United States",
    "SEX": "sex",
}
"""Columns of the American Trends Panel -> what they are called here."""


def stance_item(id: str, situation: str, value: str, stance: int) -> SteerableItem:
    """Return the question whether a value supports a situation; ``stance`` is an index of `STANCES`."""
    question = f"{situation}: does the value, right or duty “{value}” support this or oppose it, or could it do either?"
    return SteerableItem(
        id=id, question=question, attribute=value, options=STANCES, gold=(stance,), cluster=cluster_of(situation)
    )


def opinion_item(
    id: str,
    question: str,
    code: str,
    group: str,
    options: Sequence[str],
    shares: Sequence[float],
    *,
    ordinal: bool,
    study: str = "",
    sample_size: int | None = None,
    standard_errors: Sequence[float] | None = None,
) -> SteerableItem:
    """Return a survey question to be answered as most of a group do.

    Args:
        id: Unique within the source.
        question: Its text.
        code: Key of `CATEGORIES`.
        group: One of the category's answers.
        options: Texts of the answers.
        shares: The group's shares over ``options``, summing to 1.
        ordinal: The options stand in an order of degree.
        study: The survey.
        sample_size: Respondents of the group.
        standard_errors: One for each share.
    """
    return SteerableItem(
        id=id,
        question=question,
        attribute=f"{CATEGORIES[code]}: {group}",
        options=tuple(options),
        gold=tuple(most_likely(shares)),
        gold_distribution=tuple(shares),
        category=CATEGORIES[code],
        # Many questions are but "Which statement comes closer to your views?": the options tell them apart.
        cluster=cluster_of("\n".join((question, *options))),
        ordinal=ordinal,
        dont_know=dont_know(options),
        study=study,
        sample_size=sample_size,
        standard_errors=None if standard_errors is None else tuple(standard_errors),
    )


def moral_question(scenario: str) -> str:
    """Return what is asked about a scenario with two actions."""
    return f"{scenario} Which of these actions is the more moral one?"
