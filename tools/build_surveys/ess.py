"""European Social Survey: immigration in Norway and Britain, the European Union in Norway, the police in Belgium."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from .microdata import load
from .model import AGES, IMMIGRATION, Question, Study, bands, grouping

STUDY = Study(
    title="European Social Survey",
    producer="European Social Survey ERIC",
    citation="European Social Survey, rounds 5, 9 and 10; extracts of the R package stevedata (Miller).",
    homepage="https://www.europeansocialsurvey.org",
    weighting=(
        "Norway: post-stratification weight pspwght, effective sample size after Kish. Britain and Belgium: the "
        "extracts carry no weight, unweighted."
    ),
    known_issues=(
        "The British extract holds only people born in the United Kingdom.",
        "Don't-know answers are missing in the scale items, so shares are of those who gave an answer.",
        "The name of the country in the question's wording is put as “this country”.",
    ),
)

LEFT_RIGHT = {"left": (0, 3), "centre": (4, 6), "right": (7, 10)}
"""Self-placement on the scale from 0 (left) to 10 (right)."""

SCALES = {
    "imbgeco": (
        "Would you say it is generally bad or good for this country's economy that people come to live here from other "
        "countries?",
        "bad for the economy",
        "good for the economy",
    ),
    "imueclt": (
        "Would you say that this country's cultural life is generally undermined or enriched by people coming to live "
        "here from other countries?",
        "cultural life undermined",
        "cultural life enriched",
    ),
    "imwbcnt": (
        "Is this country made a worse or a better place to live by people coming to live here from other countries?",
        "worse place to live",
        "better place to live",
    ),
}
BELGIUM = {
    "trstplc": ("How much do you personally trust the police?", "no trust at all", "complete trust"),
    "plcpvcr": (
        "How successful do you think the police are at preventing crimes in this country?",
        "extremely unsuccessful",
        "extremely successful",
    ),
}


def scale(lowest: str, highest: str) -> dict[int, str]:
    """Options of a scale from 0 to 10."""
    return {0: f"0 ({lowest})", **{n: str(n) for n in range(1, 10)}, 10: f"10 ({highest})"}


def questions() -> Iterator[Question]:
    """Yield all questions with their cells."""
    yield from _immigration()
    yield _european_union()
    yield from _police()


def _immigration() -> Iterator[Question]:
    norway, britain = load("stevedata/ESS10NO"), load("stevedata/ESS9GB")
    for variable, (text, lowest, highest) in SCALES.items():
        question = Question(
            id=f"ess-{variable}",
            study="ess",
            data=("stevedata/ESS10NO", "stevedata/ESS9GB"),
            variable=variable,
            text=text,
            wording="study",
            answers=scale(lowest, highest),
            ordinal=True,
            family=IMMIGRATION,
        )
        _left_and_right(question, norway, norway.pspwght, "people in Norway{} (2021–2022)", "norway-2021")
        born = "people born in the United Kingdom{} (2018–2019)"
        _left_and_right(question, britain, None, born, "united-kingdom-2018")
        yield question


def _left_and_right(question: Question, table: pd.DataFrame, weights: pd.Series | None, name: str, key: str) -> None:
    """Add the country, and its people by their political self-placement, as populations."""
    answers = table[question.variable]
    question.population(name.format(""), answers, stratum="Europe", key=key, weights=weights)
    for side, (low, high) in LEFT_RIGHT.items():
        mask = table.lrscale.between(low, high)
        part = None if weights is None else weights[mask]
        place = f" who place themselves {'in' if side == 'centre' else 'on'} the political {side}"
        question.population(name.format(place), answers[mask], stratum="Europe", key=f"{key}-{side}", weights=part)


def _european_union() -> Question:
    table = load("stevedata/ESS10NO")
    question = Question(
        id="ess-euvote",
        study="ess",
        data=("stevedata/ESS10NO",),
        variable="eu_vote",
        text=(
            "Imagine there were a referendum tomorrow about membership of the European Union. How would you vote: for "
            "this country to join, or to remain outside?"
        ),
        wording="ours",
        answers={
            "Join EU": "Join the European Union",
            "Remain Outside": "Remain outside the European Union",
            "Blank Ballot": "I would submit a blank ballot",
            "Wouldn't Vote": "I would not vote",
            "Don't Know": "Don't know",
        },
        dont_know=("Don't Know",),
        note="People who are not eligible (21) and refusals (4) are left out.",
    )
    regions = {name: name for name in sorted(table.region.dropna().unique())}
    groupings = [
        bands("leftright", "political self-placement", table.lrscale, LEFT_RIGHT),
        grouping("sex", "sex", table.female, {1: "female", 0: "male"}),
        grouping("region", "region of Norway", table.region, regions),
        bands("age", "age", table.agea, AGES),
    ]
    question.population(
        "people in Norway (2021–2022)", table.eu_vote, stratum="Europe", key="norway-2021", weights=table.pspwght
    )
    question.grouped(groupings, table.eu_vote, where="Norway, 2021–2022", weights=table.pspwght)
    return question


def _police() -> Iterator[Question]:
    table = load("stevedata/ESSBE5")
    for variable, (text, lowest, highest) in BELGIUM.items():
        question = Question(
            id=f"ess-{variable}",
            study="ess",
            data=("stevedata/ESSBE5",),
            variable=variable,
            text=text,
            wording="ours",
            answers=scale(lowest, highest),
            ordinal=True,
        )
        name = "people in Belgium (2010–2011)"
        question.population(name, table[variable], stratum="Europe", key="belgium-2010")
        yield question
