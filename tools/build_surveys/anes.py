"""American National Election Studies: abortion 2012, trust in government; Cooperative Congressional Election Study."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from .microdata import load
from .model import ABORTION, AGES, TRUST, Grouping, Question, Study, bands, crossed, grouping

STUDY = Study(
    title="American National Election Studies",
    producer="Stanford University and the University of Michigan",
    citation=(
        "American National Election Studies, Time Series 1980-2004 and 2012; extracts of the R package stevedata "
        "(Miller)."
    ),
    homepage="https://electionstudies.org",
    weighting="The extracts carry no weight: unweighted.",
    known_issues=(
        "2008 and 2012 oversampled Black and Hispanic people: no whole-population shares for these years; the shares "
        "of 2012 by party have these groups over-represented within a party.",
        "Abortion items of 2012: wording is ours; party is self-identification without leaners.",
        "“None of the time” was not read out but accepted in the trust item.",
    ),
)
CCES = Study(
    title="Cooperative Congressional Election Study",
    producer="YouGov for a consortium led by Harvard University",
    citation=(
        "Ansolabehere and Schaffner 2017, CCES Common Content, 2016, Harvard Dataverse; extract of the R package "
        "stevedata (Miller); items of DeSante and Smith, FIRE battery."
    ),
    homepage="https://cces.gov.harvard.edu",
    weighting=(
        "The extract carries no weight: unweighted, so shares are given for groups only. The sample is matched from "
        "an opt-in internet panel."
    ),
    known_issues=("Independents include those who lean to a party.",),
)

CASES = {
    "health": "staying pregnant would hurt the woman's health",
    "fatal": "staying pregnant would cause the woman to die",
    "incest": "the pregnancy was caused by incest",
    "rape": "the pregnancy was caused by rape",
    "bd": "the fetus would be born with a serious birth defect",
    "fin": "having the child would impose a financial hardship on the woman",
    "sex": "the child would not be of the sex that the woman wants",
    "choice": "the woman chooses to have one",
}
POPULATION_YEARS = (1980, 1984, 1988, 1992, 1996, 2000, 2004)
GROUP_YEARS = (1984, 1996, 2004)
"""Years under a Republican, a Democratic and a Republican president: trust goes with the party in power."""

AGREEMENT = {
    1: "Strongly agree",
    2: "Somewhat agree",
    3: "Neither agree nor disagree",
    4: "Somewhat disagree",
    5: "Strongly disagree",
}
STATEMENTS = {
    "angryracism": ("I am angry that racism exists.", False),
    "whiteadv": ("White people in the U.S. have certain advantages because of the color of their skin.", False),
    "fearraces": ("I often find myself fearful of people of other races.", True),
    "racerare": ("Racial problems in the U.S. are rare, isolated situations.", True),
}
"""Statement, and whether the extract has turned the scale round (1 = strongly disagree), as its codebook says."""


def questions() -> Iterator[Question]:
    """Yield all questions with their cells."""
    yield from _abortion()
    yield from _trust()
    yield from _racism()


def _abortion() -> Iterator[Question]:
    table = load("stevedata/anes_prochoice")
    party = grouping("party", "political party", table.pid, {0: "Democrat", 1: "Independent", 2: "Republican"})
    for variable, case in CASES.items():
        question = Question(
            id=f"anes2012-{variable}",
            study="anes",
            data=("stevedata/anes_prochoice",),
            variable=variable,
            text=f"Do you favor, oppose, or neither favor nor oppose abortion being legal when {case}?",
            wording="ours",
            answers={2: "Favor", 1: "Neither favor nor oppose", 0: "Oppose"},
            ordinal=True,
            family=ABORTION,
        )
        question.grouped([party], table[variable], where="United States, 2012")
        question.adherents(party, table[variable], "United States (2012)", stratum="North America")
        yield question


def _trust() -> Iterator[Question]:
    table = load("stevedata/anes_partytherms")
    for question in _trust_items():
        for year in POPULATION_YEARS:
            answers = table[table.year == year][question.variable]
            name = f"people in the United States ({year})"
            question.population(name, answers, stratum="North America", key=str(year))
        for year in GROUP_YEARS:
            rows = table[table.year == year]
            where = f"United States, {year}"
            question.grouped(_groupings(rows), rows[question.variable], where=where, suffix=f"-{year}")
        yield question


def _party(scale: pd.Series) -> Grouping:
    """Seven-point scale, 1 strong Democrat to 7 strong Republican; leaners count as Independents."""
    return bands("party", "political party", scale, {"Democrat": (1, 2), "Independent": (3, 5), "Republican": (6, 7)})


def _groupings(table: pd.DataFrame) -> list[Grouping]:
    education = {
        "less than high school": (1, 2),
        "high school": (3, 4),
        "some college": (5, 5),
        "bachelor's degree or more": (6, 7),
    }
    return [
        _party(table.pid7),
        bands("education", "education", table.educat, education),
        grouping("race", "race", table.race4, {1: "White", 2: "Black", 3: "Hispanic"}),
        bands("age", "age", table.age, AGES),
    ]


def _trust_items() -> Iterator[Question]:
    shared: dict[str, Any] = {
        "study": "anes",
        "data": ("stevedata/anes_partytherms",),
        "wording": "study",
        "ordinal": True,
        "family": TRUST,
    }
    yield Question(
        id="anes-trust",
        variable="distrust_govt",
        text=(
            "How much of the time do you think you can trust the government in Washington to do what is right: just "
            "about always, most of the time, or only some of the time?"
        ),
        answers={1: "Just about always", 2: "Most of the time", 3: "Only some of the time", 4: "None of the time"},
        **shared,
    )
    yield Question(
        id="anes-crooked",
        variable="govt_crooked",
        text=(
            "Do you think that quite a few of the people running the government are crooked, not very many are, or do "
            "you think hardly any of them are crooked?"
        ),
        answers={3: "Quite a few are crooked", 2: "Not very many are crooked", 1: "Hardly any are crooked"},
        **shared,
    )
    yield Question(
        id="anes-waste",
        variable="govt_waste",
        text=(
            "Do you think that people in the government waste a lot of the money we pay in taxes, waste some of it, or "
            "don't waste very much of it?"
        ),
        answers={3: "Waste a lot", 2: "Waste some", 1: "Don't waste very much"},
        **shared,
    )
    yield Question(
        id="anes-biginterests",
        variable="govt_biginterests",
        text=(
            "Would you say the government is pretty much run by a few big interests looking out for themselves or that "
            "it is run for the benefit of all the people?"
        ),
        answers={1: "Run by a few big interests", 0: "Run for the benefit of all the people"},
        **(shared | {"ordinal": False}),
    )


def _racism() -> Iterator[Question]:
    table = load("stevedata/TV16")
    groupings = _groupings_2016(table)
    for variable, (statement, turned) in STATEMENTS.items():
        question = Question(
            id=f"cces2016-{variable}",
            study="cces",
            data=("stevedata/TV16",),
            variable=variable,
            text=f"Do you agree or disagree with the following statement? {statement}",
            wording="study",
            answers={6 - code if turned else code: text for code, text in AGREEMENT.items()},
            ordinal=True,
        )
        question.grouped(groupings, table[variable], where="United States, 2016")
        question.adherents(groupings[0], table[variable], "United States (2016)", stratum="North America")
        yield question


def _groupings_2016(table: pd.DataFrame) -> list[Grouping]:
    views = {1: "liberal", 2: "liberal", 3: "moderate", 4: "conservative", 5: "conservative"}
    attends = {"never": (1, 1), "less than weekly": (2, 4), "weekly or more often": (5, 6)}
    races = {name: name for name in ("White", "Black", "Hispanic", "Asian")}
    race = grouping("race", "race", table.racef, races)
    college = grouping("college", "college degree", table.collegeed, {1: "yes", 0: "no"})
    attendance = bands("attendance", "church attendance", table.churchatd, attends)
    return [
        *(_party(table.pid7na), race, college, attendance),
        grouping("ideology", "political ideology", table.ideo, views),
        grouping("sex", "sex", table.female, {1: "female", 0: "male"}),
        grouping("bornagain", "born-again Christian", table.bornagain, {1: "yes", 0: "no"}),
        *(crossed(_party(table.pid7na), race), crossed(_party(table.pid7na), attendance), crossed(race, college)),
    ]
