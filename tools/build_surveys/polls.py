"""Polls of the R package openintro: counts that it worked out from published percentages."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from .microdata import load
from .model import Cell, Grouping, Question, Study, grouping
from .shares import shares_of_counts

_WEIGHTING = "Published percentages, weighted by the pollster, turned back into counts by openintro: used as they are."
_ROUNDED = ("Shares are exact to about one percentage point; standard errors lack the pollster's design effect.",)


def _poll(title: str, producer: str, citation: str, homepage: str, *issues: str) -> Study:
    return Study(
        title=title,
        producer=producer,
        citation=f"{citation}; table of the R package openintro.",
        homepage=homepage,
        weighting=_WEIGHTING,
        known_issues=_ROUNDED + issues,
    )


PEW = _poll(
    "Pew Research Center",
    "Pew Research Center",
    "Pew Research Center, polls of March 2012, May 2017, spring 2018 (Russia) and spring 2018 (energy)",
    "https://www.pewresearch.org",
    "Energy items: those who gave no answer (about 1 %) are counted as not in favour.",
    "Renewable energy 2017 and Russia 2018 are carried at their effective sample size, which the standard error uses.",
)
SURVEYUSA = _poll(
    "SurveyUSA",
    "SurveyUSA",
    "SurveyUSA Election Poll 16804, July 2010 (California), and News Poll 18927, January 2012 (Florida)",
    "https://www.surveyusa.com",
    "The wording is ours.",
)
CBS = _poll("CBS News", "CBS News", "CBS News poll, November 2010", "https://www.cbsnews.com", "The wording is ours.")
YOUGOV = _poll(
    "Yahoo! News and YouGov",
    "YouGov",
    "Yahoo! News Race and Justice poll, 29-31 May 2020",
    "https://today.yougov.com",
)
PPP = _poll(
    "Public Policy Polling",
    "Public Policy Polling",
    "Public Policy Polling, 20-22 February 2015",
    "https://www.publicpolicypolling.com",
    "The wording is ours.",
)

SOURCES_OF_ENERGY = {
    "solar_panel_farms": ("solar panel farms", ""),
    "wind_turbine_farms": ("wind turbine farms", ""),
    "offshore_drilling": ("offshore oil and gas drilling", "offshore-drilling"),
    "hydrolic_fracturing": ("hydraulic fracturing (“fracking”) for oil and gas", ""),
    "coal_mining": ("coal mining", ""),
    "nuclear_power_plants": ("nuclear power plants", ""),
}
UNITED_STATES = "people in the United States ({})"


def questions() -> Iterator[Question]:
    """Yield all questions with their cells."""
    yield from _energy()
    yield _renewables()
    yield _russia()
    yield _health_care()
    yield _dream()
    yield _illegal_workers()
    yield _offshore()
    yield _scanners()
    yield _police_treatment()
    yield _taxes()


def _energy() -> Iterator[Question]:
    table = load("openintro/pew_energy_2018")
    for column, (name, family) in SOURCES_OF_ENERGY.items():
        question = Question(
            id=f"pew2018-{column.replace('_', '-').replace('hydrolic', 'hydraulic')}",
            study="pew",
            data=("openintro/pew_energy_2018",),
            variable=column,
            text=f"Do you favor expanding {name} in this country?",
            wording="ours",
            answers={"favor_increase": "Yes, I favor expanding it", "no_increase": "No, I do not favor expanding it"},
            family=family,
        )
        question.population(UNITED_STATES.format(2018), table[column], stratum="North America")
        yield question


def _renewables() -> Question:
    question = Question(
        id="pew2017-regulation",
        study="pew",
        data=("openintro/env_regulation",),
        variable="statement",
        text="Which of these statements comes closer to your own view?",
        wording="study",
        answers={
            "Regulations necessary": (
                "Government regulations are necessary to encourage businesses and consumers to rely more on renewable "
                "energy sources"
            ),
            "Private marketplace will ensure": (
                "The private marketplace will ensure that businesses and consumers rely more on renewable energy "
                "sources, even without government regulations"
            ),
            "Don't know": "Don't know",
        },
        dont_know=("Don't know",),
    )
    _effective(question, 1012, UNITED_STATES.format(2017), "North America")
    return question


def _russia() -> Question:
    question = Question(
        id="pew2018-influence",
        study="pew",
        data=("openintro/russian_influence_on_us_election_2016",),
        variable="influence_2016",
        text="Did the Russian government try to influence the 2016 presidential election in the United States, or not?",
        wording="ours",
        answers={"Did try": "It did try", "Did not try": "It did not try", "Don't know": "Don't know"},
        dont_know=("Don't know",),
    )
    _effective(question, 1000, "people in Russia (2018)", "Europe")
    return question


def _effective(question: Question, n: int, name: str, stratum: str) -> None:
    """Add a population whose rows are as many as its effective sample size."""
    answers = load(question.data[0])[question.variable]
    if not answers.isin(list(question.answers)).all():
        raise SystemExit(f"{question.id}: an answer is not among the options.")
    shares = shares_of_counts([int((answers == code).sum()) for code in question.answers], n=n)
    question.populations.append(Cell(id="all", attribute=name, stratum=stratum, shares=shares))


def _health_care() -> Question:
    table = load("openintro/healthcare_law_survey")
    question = Question(
        id="pew2012-mandate",
        study="pew",
        data=("openintro/healthcare_law_survey",),
        variable="response",
        text=(
            "As you may know, by 2014 nearly all Americans will be required to have health insurance. People who do "
            "not buy insurance will pay a penalty while people who cannot afford it will receive financial help from "
            "the government. Do you approve or disapprove of this policy?"
        ),
        wording="study",
        answers={"approve": "Approve", "disapprove": "Disapprove", "other": "Other or don't know"},
        dont_know=("other",),
        note="Half of the sample heard the two halves of the second sentence in the other order; both are merged.",
    )
    question.population(UNITED_STATES.format(2012), table.response, stratum="North America")
    return question


def _dream() -> Question:
    table = load("openintro/dream")
    question = Question(
        id="surveyusa2012-dream",
        study="surveyusa",
        data=("openintro/dream",),
        variable="stance",
        text=(
            "Do you support the DREAM Act, which would open a way to citizenship for people who were brought to the "
            "United States illegally as children?"
        ),
        wording="ours",
        answers={"Yes": "Yes", "No": "No", "Not sure": "Not sure"},
        dont_know=("Not sure",),
    )
    _by(question, _ideology(table.ideology.str.lower()), table.stance, TAMPA, "2012")
    return question


def _illegal_workers() -> Question:
    table = load("openintro/immigration")
    question = Question(
        id="surveyusa2012-workers",
        study="surveyusa",
        data=("openintro/immigration",),
        variable="response",
        text=(
            "Should workers who have entered the United States illegally be allowed to keep their jobs and apply for "
            "citizenship, be allowed to keep their jobs as temporary guest workers, or lose their jobs and have to "
            "leave the country?"
        ),
        wording="ours",
        answers={
            "Apply for citizenship": "Keep their jobs and apply for citizenship",
            "Guest worker": "Keep their jobs as temporary guest workers, without applying for citizenship",
            "Leave the country": "Lose their jobs and leave the country",
            "Not sure": "Not sure",
        },
        ordinal=True,
        dont_know=("Not sure",),
    )
    _by(question, _ideology(table.political), table.response, TAMPA, "2012")
    return question


def _offshore() -> Question:
    table = load("openintro/offshore_drilling").rename(columns={"v1": "position", "v2": "college"}).iloc[1:]
    question = Question(
        id="surveyusa2010-offshore",
        study="surveyusa",
        data=("openintro/offshore_drilling",),
        variable="position",
        text="Do you support or oppose drilling for oil and natural gas off the coast of California?",
        wording="ours",
        answers={"support": "Support", "oppose": "Oppose", "do_not_know": "Do not know"},
        dont_know=("do_not_know",),
        family="offshore-drilling",
    )
    college = grouping("college", "college degree", table.college, {"yes": "yes", "no": "no"})
    _by(question, college, table.position, "registered voters in California", "2010")
    return question


def _scanners() -> Question:
    table = load("openintro/full_body_scan")
    question = Question(
        id="cbs2010-scanners",
        study="cbs",
        data=("openintro/full_body_scan",),
        variable="answer",
        text="Should airports use full-body scanners to screen passengers, or should they not?",
        wording="ours",
        answers={"should": "They should", "should not": "They should not", "do not know / no answer": "Don't know"},
        dont_know=("do not know / no answer",),
    )
    names = {name: name for name in ("Democrat", "Independent", "Republican")}
    party = grouping("party", "political party", table.party_affiliation, names)
    _by(question, party, table.answer, "people in the United States", "2010", where="United States, 2010")
    return question


def _police_treatment() -> Question:
    table = load("openintro/race_justice")
    question = Question(
        id="yougov2020-police",
        study="yougov",
        data=("openintro/race_justice",),
        variable="response",
        text="Do you think Black and White people receive equal treatment from the police?",
        wording="study",
        answers={"Yes": "Yes", "No": "No", "Not sure": "Not sure"},
        dont_know=("Not sure",),
    )
    names = {"White": "White", "Black": "Black", "Hispanic": "Hispanic", "Other": "none of White, Black, Hispanic"}
    race = grouping("race", "race", table.race_eth, names)
    _by(question, race, table.response, "people in the United States", "2020", where="United States, 2020")
    return question


def _taxes() -> Question:
    table = load("openintro/ppp_201503")
    question = Question(
        id="ppp2015-taxes",
        study="ppp",
        data=("openintro/ppp_201503",),
        variable="taxes",
        text="Is it better to raise taxes on the rich or to raise taxes on the poor?",
        wording="ours",
        answers={
            "Raise taxes on the rich": "Raise taxes on the rich",
            "Raise taxes on the poor": "Raise taxes on the poor",
            "Not sure": "Not sure",
        },
        dont_know=("Not sure",),
    )
    names = {"Democrat": "Democrat", "Indep / Other": "Independent or other", "Republican": "Republican"}
    party = grouping("party", "political party", table.party, names)
    _by(question, party, table.taxes, "people in the United States", "2015", where="United States, 2015")
    return question


TAMPA = "registered voters in Tampa, Florida"


def _ideology(column: pd.Series) -> Grouping:
    return grouping("ideology", "political ideology", column, {n: n for n in ("liberal", "moderate", "conservative")})


def _by(question: Question, by: Grouping, answers: pd.Series, who: str, year: str, *, where: str = "") -> None:
    """Add the whole population and its groups."""
    question.population(f"{who} ({year})", answers, stratum="North America")
    question.grouped([by], answers, where=where or f"{who}, {year}")
