"""World Values Survey: immigration policy and bribery by country, poverty in four countries, four items in the US."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from .countries import COUNTRIES, people_in
from .microdata import load
from .model import ABORTION, AGES, Grouping, Question, Study, bands, crossed, grouping, slug

STUDY = Study(
    title="World Values Survey",
    producer="World Values Survey Association",
    citation=(
        "Inglehart et al. (eds.), World Values Survey: Rounds One to Six, Madrid: JD Systems Institute; extracts of "
        "the R packages stevedata (Miller) and carData (Fox and Andersen 2006, Sociological Methodology 36)."
    ),
    homepage="https://www.worldvaluessurvey.org",
    weighting="The extracts carry no weight: unweighted.",
    known_issues=(
        "Germany, Cyprus and South Africa are left out of the items by country: their samples are disproportionate by "
        "design (East and West, two communities, population groups), so without weights they describe no population.",
        "Samples of China, India and Nigeria under-represent illiterate and rural people, says the codebook.",
        "Each country is shown in its latest wave with the item; waves are 1994 to 2014, so years differ.",
        "Bribery: samples that used less than seven of the ten scale points are left out, and Serbia 2006 and the "
        "Philippines 2012, where “always justifiable” jumps by more than ten points from the wave before.",
        "Don't-know answers are missing in the extracts, so shares are of those who gave an opinion.",
    ),
)

DISPROPORTIONATE = ("Germany", "Cyprus", "South Africa")
JUSTIFIED = {1: "1 (never justifiable)", **{n: str(n) for n in range(2, 10)}, 10: "10 (always justifiable)"}
JUSTIFIED_TEXT = (
    "Do you think that the following can always be justified, never be justified, or something in between, on a scale "
    "from 1 (never justifiable) to 10 (always justifiable)? {}"
)
POVERTY_YEARS = {"Australia": 1995, "Norway": 1996, "Sweden": 1996, "USA": 1995}
US_YEARS = (1995, 1999, 2006, 2011)
"""The four latest waves. That of 1982 oversampled the young, says the codebook, and no weight is carried."""


def questions() -> Iterator[Question]:
    """Yield all questions with their cells."""
    yield _immigration()
    yield _bribery()
    yield _poverty()
    yield from _united_states()


def _immigration() -> Question:
    question = Question(
        id="wvs-e143",
        study="wvs",
        data=("stevedata/wvs_immig",),
        variable="e143",
        text=(
            "How about people from other countries coming here to work? Which one of the following do you think the "
            "government should do?"
        ),
        wording="study",
        answers={
            1: "Let anyone come who wants to",
            2: "Let people come as long as there are jobs available",
            3: "Place strict limits on the number of foreigners who can come here",
            4: "Prohibit people coming here from other countries",
        },
        ordinal=True,
    )
    table = load("stevedata/wvs_immig")
    samples = list(latest_samples(table, "e143"))
    for country, year, rows in samples:
        _add(question, country, year, rows.e143)
    members = {f"{COUNTRIES[country][0]} ({year})": table.index.isin(rows.index) for country, year, rows in samples}
    question.grouped([Grouping("country", "country", members)], table.e143)
    return question


def _bribery() -> Question:
    question = Question(
        id="wvs-f117",
        study="wvs",
        data=("stevedata/wvs_justifbribe",),
        variable="f117",
        text=JUSTIFIED_TEXT.format("Someone accepting a bribe in the course of their duties."),
        wording="study",
        answers=JUSTIFIED,
        ordinal=True,
    )
    table = load("stevedata/wvs_justifbribe")
    always = (table.dropna(subset="f117").f117 == 10).groupby([table.country, table.s020]).mean()
    for country, year, rows in latest_samples(table, "f117"):
        collapsed = rows.f117.nunique() < 7
        jump = always[country].sort_index().diff().get(year)
        if not collapsed and not (jump is not None and jump > 0.10):
            _add(question, country, year, rows.f117)
    return question


def latest_samples(table: pd.DataFrame, variable: str) -> Iterator[tuple[str, int, pd.DataFrame]]:
    """Yield country, year and answers of each country's latest sample in which ``variable`` was asked.

    Rows without a country are regional samples (Republika Srpska among them has a code of its own) and are left out.
    """
    answered = table[table[variable].notna() & table.country.notna() & (table.s003 != 914)]
    for country, rows in answered.groupby("country"):
        if country in DISPROPORTIONATE:
            continue
        last = rows[rows.s002 == rows.s002.max()]
        if last.s020.nunique() != 1:
            raise SystemExit(f"{country}: the latest wave of {variable} spans several years.")
        yield str(country), int(last.s020.iloc[0]), last


def _add(question: Question, country: str, year: int, answers: pd.Series) -> None:
    name, stratum = COUNTRIES[country]
    question.population(f"{people_in(country)} ({year})", answers, stratum=stratum, key=f"{slug(name)}-{year}")


def _poverty() -> Question:
    table = load("carData/WVS")
    question = Question(
        id="wvs-poverty",
        study="wvs",
        data=("carData/WVS",),
        variable="poverty",
        text=(
            "Do you think that what the government is doing for people in poverty in this country is about the right "
            "amount, too much, or too little?"
        ),
        wording="study",
        answers={"Too Little": "Too little", "About Right": "About the right amount", "Too Much": "Too much"},
        ordinal=True,
    )
    for label, year in POVERTY_YEARS.items():
        rows = table[table.country == label]
        country = "United States" if label == "USA" else label
        _add(question, country, year, rows.poverty)
        groupings = [
            grouping("sex", "sex", rows.gender, {"female": "female", "male": "male"}),
            grouping("member", "member of a religion", rows.religion, {"yes": "yes", "no": "no"}),
            grouping("university", "university degree", rows.degree, {"yes": "yes", "no": "no"}),
            bands("age", "age", rows.age, AGES),
        ]
        question.grouped(
            groupings, rows.poverty, where=f"{COUNTRIES[country][0]}, {year}", suffix=f"-{slug(country)}-{year}"
        )
    return question


def _united_states() -> Iterator[Question]:
    table = load("stevedata/wvs_usa_abortion")
    recent = table[table.year == 2011]
    for question in _united_states_items():
        column = question.variable
        for year in US_YEARS:
            answers = table[table.year == year][column]
            name = f"people in the United States ({year})"
            question.population(name, answers, stratum="North America", key=f"united-states-{year}")
        groupings = [each for each in _us_groupings(recent) if "god" not in each.key or column != "godimportant"]
        question.grouped(groupings, recent[column], where="United States, 2011", suffix="-2011")
        yield question


def _united_states_items() -> Iterator[Question]:
    degrees = {n: str(n) for n in range(2, 10)}
    shared: dict[str, Any] = {"study": "wvs", "data": ("stevedata/wvs_usa_abortion",), "wording": "study"}
    yield Question(
        id="wvs-f120",
        variable="aj",
        text=JUSTIFIED_TEXT.format("Abortion."),
        answers=JUSTIFIED,
        ordinal=True,
        family=ABORTION,
        **shared,
    )
    yield Question(
        id="wvs-e018",
        variable="respectauthority",
        text=(
            "If greater respect for authority were to take place in our way of life in the near future, do you think "
            "it would be a good thing, a bad thing, or don't you mind?"
        ),
        answers={1: "A good thing", 0: "Don't mind", -1: "A bad thing"},
        ordinal=True,
        **shared,
    )
    yield Question(
        id="wvs-a165",
        variable="trustmostpeople",
        text=(
            "Generally speaking, would you say that most people can be trusted or that you need to be very careful in "
            "dealing with people?"
        ),
        answers={1: "Most people can be trusted", 0: "Need to be very careful"},
        **shared,
    )
    yield Question(
        id="wvs-f063",
        variable="godimportant",
        text="How important is God in your life, on a scale from 1 (not at all important) to 10 (very important)?",
        answers={1: "1 (not at all important)", **degrees, 10: "10 (very important)"},
        ordinal=True,
        **shared,
    )


def _us_groupings(table: pd.DataFrame) -> list[Grouping]:
    left_right = {"left (1 to 4 of 10)": (1, 4), "centre (5 or 6 of 10)": (5, 6), "right (7 to 10 of 10)": (7, 10)}
    god = {"1 to 4 of 10": (1, 4), "5 to 7 of 10": (5, 7), "8 or 9 of 10": (8, 9), "10 of 10": (10, 10)}
    leftright = bands("leftright", "political self-placement", table.ideology, left_right)
    importance = bands("god", "importance of God", table.godimportant, god)
    return [
        *(leftright, importance, crossed(leftright, importance)),
        grouping("sex", "sex", table.female, {1: "female", 0: "male"}),
        grouping("college", "college degree", table.collegeed, {1: "yes", 0: "no"}),
        bands("age", "age", table.age, AGES),
    ]
