"""Studies with one or few questions: Canada 1997 and 2011, Chile 1988, Britain, Denmark 1979, students in 1967."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from .microdata import load
from .model import ABORTION, AGES, Question, Study, bands, crossed, grouping

CES11 = Study(
    title="Canadian Election Study 2011",
    producer="Institute for Social Research, York University",
    citation=(
        "Fournier, Cutler, Soroka and Stolle 2013, Canadian Election Study 2011; extract of the R package carData."
    ),
    homepage="https://ces-eec.arts.ubc.ca",
    weighting="Survey weight of the extract (province and household size), effective sample size after Kish.",
)
CNES97 = Study(
    title="Canadian National Election Study 1997",
    producer="Institute for Social Research, York University",
    citation="York University Institute for Social Research, CNES 1997; extract of the R package sem.",
    homepage="https://ces-eec.arts.ubc.ca",
    weighting="The extract carries no weight: unweighted.",
    known_issues=("Mail-back questionnaire: those who returned it, and answered every item.",),
)
CHILE = Study(
    title="FLACSO survey before the Chilean plebiscite of 1988",
    producer="FLACSO/Chile",
    citation="FLACSO/Chile 1988; Fox 2016, Applied Regression Analysis; extract of the R package carData.",
    homepage="https://cran.r-project.org/package=carData",
    weighting="The extract carries no weight: unweighted.",
    known_issues=("The wording is ours.",),
)
BEPS = Study(
    title="British Election Panel Study 1997-2001",
    producer="Centre for Research into Elections and Social Trends",
    citation=(
        "British Election Panel Study 1997-2001; Fox and Andersen 2006, Sociological Methodology 36; extract of the R "
        "package carData."
    ),
    homepage="https://www.britishelectionstudy.com",
    weighting="The extract carries no weight: unweighted.",
    known_issues=(
        "Only voters of the three main parties are in the extract: shares are given for groups only.",
        "Left out because the extract's codebook does not say what the codes mean: the five-point items on the economy "
        "and on party leaders.",
    ),
)
GALLUP = Study(
    title="Gallup survey on corporal punishment, Denmark 1979",
    producer="Gallup Institute, Denmark",
    citation="Andersen 1991, The Statistical Analysis of Categorical Data, pp. 207-208; table of the R package vcd.",
    homepage="https://cran.r-project.org/package=vcd",
    weighting="Published counts, unweighted.",
    known_issues=("The wording is ours.",),
)
STUDENTS = Study(
    title="Ballot on the Vietnam War, University of North Carolina 1967",
    producer="Student newspaper of the University of North Carolina at Chapel Hill",
    citation="Aitkin et al. 1989, Statistical Modelling in GLIM; table of the R package vcdExtra.",
    homepage="https://cran.r-project.org/package=vcdExtra",
    weighting="Published counts, unweighted.",
    known_issues=("Those who filled in a ballot, not a sample.",),
)

TRADITION = {
    "MBSA2": (
        "We should be more tolerant of people who choose to live according to their own standards, even if they are "
        "very different from our own."
    ),
    "MBSA7": "Newer lifestyles are contributing to the breakdown of our society.",
    "MBSA8": "The world is always changing and we should adapt our view of moral behaviour to these changes.",
    "MBSA9": "This country would have many fewer problems if there were more emphasis on traditional family values.",
}


def questions() -> Iterator[Question]:
    """Yield all questions with their cells."""
    yield _canada_abortion()
    yield from _canada_tradition()
    yield _chile()
    yield _britain()
    yield _denmark()
    yield _students()


def _canada_abortion() -> Question:
    table = load("carData/CES11")
    question = Question(
        id="ces2011-abortion",
        study="ces11",
        data=("carData/CES11",),
        variable="abortion",
        text="Should abortion be banned?",
        wording="study",
        answers={"Yes": "Yes", "No": "No"},
        family=ABORTION,
    )
    importance = {
        "very": "very important",
        "somewhat": "somewhat important",
        "notvery": "not very important",
        "not": "not important at all",
    }
    degrees = {
        "lessHS": "less than high school",
        "HS": "high school",
        "somePS": "some post-secondary",
        "college": "community college",
        "bachelors": "bachelor's degree",
        "higher": "graduate degree",
    }
    groupings = [
        grouping("religion", "importance of religion", table.importance, importance),
        grouping("sex", "sex", table.gender, {"Female": "female", "Male": "male"}),
        grouping("degree", "highest degree", table.education, degrees),
        grouping("place", "place of residence", table.urban, {"urban": "urban", "rural": "rural"}),
    ]
    name = "people in Canada (2011)"
    question.population(name, table.abortion, stratum="North America", weights=table.weight)
    question.grouped(groupings, table.abortion, where="Canada, 2011", weights=table.weight)
    return question


def _canada_tradition() -> Iterator[Question]:
    table = load("sem/CNES")
    for variable, statement in TRADITION.items():
        question = Question(
            id=f"cnes1997-{variable.lower()}",
            study="cnes97",
            data=("sem/CNES",),
            variable=variable,
            text=f"Do you agree or disagree with the following statement? {statement}",
            wording="study",
            answers={
                "StronglyAgree": "Strongly agree",
                "Agree": "Agree",
                "Disagree": "Disagree",
                "StronglyDisagree": "Strongly disagree",
            },
            ordinal=True,
        )
        question.population("people in Canada (1997)", table[variable], stratum="North America")
        yield question


def _chile() -> Question:
    table = load("carData/Chile")
    question = Question(
        id="chile1988-vote",
        study="chile88",
        data=("carData/Chile",),
        variable="vote",
        text=(
            "A plebiscite is to decide whether General Pinochet stays in power. Will you vote Yes (for Pinochet) or No "
            "(against Pinochet)?"
        ),
        wording="ours",
        answers={"Y": "Yes", "N": "No", "A": "I will abstain", "U": "Undecided"},
        dont_know=("U",),
    )
    schools = {"P": "primary", "S": "secondary", "PS": "post-secondary"}
    sex = grouping("sex", "sex", table.sex, {"F": "female", "M": "male"})
    education = grouping("education", "education", table.education, schools)
    age = bands("age", "age", table.age, AGES)
    groupings = [sex, education, age, crossed(sex, age), crossed(education, age)]
    question.population("people in Chile (1988)", table.vote, stratum="South America")
    question.grouped(groupings, table.vote, where="Chile, 1988")
    return question


def _britain() -> Question:
    table = load("carData/BEPS")
    question = Question(
        id="beps-europe",
        study="beps",
        data=("carData/BEPS",),
        variable="Europe",
        text=(
            "Where do you stand on European integration, on a scale from 1 (most in favour of it) to 11 (most against "
            "it)?"
        ),
        wording="ours",
        answers={1: "1 (most in favour)", **{n: str(n) for n in range(2, 11)}, 11: "11 (most against)"},
        ordinal=True,
    )
    parties = {name: name for name in ("Conservative", "Labour", "Liberal Democrat")}
    vote = grouping("vote", "party voted for", table.vote, parties)
    question.grouped([vote], table.Europe, where="Great Britain, 1997–2001")
    question.adherents(vote, table.Europe, "Great Britain (1997–2001)", stratum="Europe", noun="{} voters")
    return question


def _denmark() -> Question:
    counts = load("vcd/Punishment")
    table = _one_row_each(counts)
    question = Question(
        id="denmark1979-punishment",
        study="gallup-dk",
        data=("vcd/Punishment",),
        variable="attitude",
        text="What is your attitude towards corporal punishment of children?",
        wording="ours",
        answers={"no": "No corporal punishment", "moderate": "Moderate corporal punishment"},
    )
    schools = {name: name for name in ("elementary", "secondary", "high")}
    ages = {"15-24": "15 to 24", "25-39": "25 to 39", "40-": "40 or older"}
    groupings = [
        grouping("education", "education", table.education, schools),
        grouping("age", "age", table.age, ages),
        grouping("memory", "remembers being punished as a child", table.memory, {"yes": "yes", "no": "no"}),
    ]
    question.population("people in Denmark (1979)", table.attitude, stratum="Europe")
    question.grouped(groupings, table.attitude, where="Denmark, 1979")
    return question


def _students() -> Question:
    table = _one_row_each(load("vcdExtra/Vietnam"))
    question = Question(
        id="unc1967-vietnam",
        study="unc67",
        data=("vcdExtra/Vietnam",),
        variable="response",
        text="Which policy should the United States follow in Vietnam?",
        wording="ours",
        answers={
            "A": "Defeat North Vietnam by widespread bombing and land invasion",
            "B": "Maintain the present policy",
            "C": "De-escalate military activity, stop bombing and begin negotiations",
            "D": "Withdraw military forces immediately",
        },
        ordinal=True,
        note="The options are the ballot's own words.",
    )
    years = {1: "first year", 2: "second year", 3: "third year", 4: "fourth year", 5: "graduate student"}
    sex = grouping("sex", "sex", table.sex, {"Female": "female", "Male": "male"})
    year = grouping("year", "year of study", table.year, years)
    groupings = [sex, year, crossed(sex, year)]
    where = "students at the University of North Carolina at Chapel Hill"
    question.population(f"{where} (May 1967)", table.response, stratum="North America")
    question.grouped(groupings, table.response, where=f"{where}, May 1967")
    return question


def _one_row_each(counts: pd.DataFrame) -> pd.DataFrame:
    return counts.loc[counts.index.repeat(counts.Freq)].reset_index(drop=True)
