"""General Social Survey: national spending 2018, abortion 1977-2018, and single items of other years."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from .microdata import load
from .model import ABORTION, AGES, Grouping, Question, Study, bands, crossed, grouping
from .shares import shares_of_counts

UNITED_STATES = "people in the United States"
STUDY = Study(
    title="General Social Survey",
    producer="NORC at the University of Chicago",
    citation=(
        "Smith, Davern, Freese and Morgan, General Social Surveys 1972-2018, NORC at the University of Chicago; "
        "extracts of the R packages stevedata (Miller), openintro, HSAUR (Haberman 1973) and wooldridge."
    ),
    homepage="https://gss.norc.org",
    weighting=(
        "The extracts carry no weight: unweighted. One adult is interviewed in each household, so adults of large "
        "households are somewhat under-represented."
    ),
    known_issues=(
        "Don't-know answers are missing in the extracts, so shares are of those who gave an opinion.",
        "Of the 18 spending items of 2018 five are left out: the extract merges two wordings that half of the sample "
        "each was asked, and their answers differ too much (natfare, natcity, natrace, natcrime, nataid).",
        "1982 and 1987 are left out of the abortion items: Black respondents were oversampled.",
    ),
)

SPENDING = {1: "Too little", 0: "About the right amount", -1: "Too much"}
SPENDING_TEXT = (
    "We are faced with many problems in this country, none of which can be solved easily or inexpensively. Are we "
    "spending too much money, too little money, or about the right amount on {}?"
)
TOPICS = {
    "natspac": "the space exploration program",
    "natenvir": "improving and protecting the environment",
    "natheal": "improving and protecting the nation's health",
    "natcity": "solving the problems of the big cities",
    "natcrime": "halting the rising crime rate",
    "natdrug": "dealing with drug addiction",
    "nateduc": "improving the nation's education system",
    "natrace": "improving the conditions of Blacks",
    "natarms": "the military, armaments and defense",
    "nataid": "foreign aid",
    "natfare": "welfare",
    "natroad": "highways and bridges",
    "natsoc": "Social Security",
    "natmass": "mass transportation",
    "natpark": "parks and recreation",
    "natchld": "assistance for childcare",
    "natsci": "supporting scientific research",
    "natenrgy": "developing alternative energy sources",
}
OTHER_WORDING = {
    "natspac": ("space exploration", 264, 515, 278),
    "natenvir": ("the environment", 763, 255, 101),
    "natheal": ("health", 802, 220, 116),
    "natcity": ("assistance to big cities", 242, 433, 344),
    "natcrime": ("law enforcement", 615, 379, 122),
    "natdrug": ("drug rehabilitation", 746, 255, 110),
    "nateduc": ("education", 904, 181, 66),
    "natrace": ("assistance to Blacks", 507, 379, 140),
    "natarms": ("national defense", 341, 449, 325),
    "nataid": ("assistance to other countries", 149, 305, 653),
    "natfare": ("assistance to the poor", 825, 228, 79),
}
"""The wording that half of the sample heard, with its published counts of 2018 (too little, about right, too much):
GSS codebook, variables natspacy to natfarey. What is left of the extract's counts is the first wording's."""

WORDING_LIMIT = 0.06
"""Largest total variation distance between the two wordings' answers. The eleven items leave a gap here, from 0.052
(natheal) to 0.067 (natrace); mixing two halves moves a share by half of the distance at most."""

REASONS = {
    "abdefect": "there is a strong chance of serious defect in the baby",
    "abnomore": "she is married and does not want any more children",
    "abhlth": "the woman's own health is seriously endangered by the pregnancy",
    "abpoor": "the family has a very low income and cannot afford any more children",
    "abrape": "she became pregnant as a result of rape",
    "absingle": "she is not married and does not want to marry the man",
    "abany": "the woman wants it for any reason",
}
PERIODS = {"1977-1989": (1977, 1989), "1990-1998": (1990, 1998), "2000-2008": (2000, 2008), "2010-2018": (2010, 2018)}
OVERSAMPLED = (1982, 1987)
RELIGION = "activities of a place of worship besides services"


def questions() -> Iterator[Question]:
    """Yield all questions with their cells."""
    yield from _spending()
    yield from _abortion()
    yield _grass()
    yield _womens_role()
    yield _happiness()


def wording_distance(table: pd.DataFrame, variable: str) -> float:
    """Total variation distance between the answers to the two wordings of an item; 0 where there is one wording."""
    if variable not in OTHER_WORDING:
        return 0.0
    both = [int((table[variable] == code).sum()) for code in SPENDING]
    second = OTHER_WORDING[variable][1:]
    first = [total - part for total, part in zip(both, second, strict=True)]
    pairs = zip(shares_of_counts(first).shares, shares_of_counts(second).shares, strict=True)
    return sum(abs(one - other) for one, other in pairs) / 2


def _spending() -> Iterator[Question]:
    table = load("stevedata/gss_spending")
    groupings = _groupings_2018(table)
    for variable, topic in TOPICS.items():
        if wording_distance(table, variable) > WORDING_LIMIT:
            continue
        other = OTHER_WORDING.get(variable)
        question = Question(
            id=f"gss2018-{variable}",
            study="gss",
            data=("stevedata/gss_spending",),
            variable=variable,
            text=SPENDING_TEXT.format(topic),
            wording="study",
            answers=SPENDING,
            ordinal=True,
            note=f"Half of the sample was asked about “{other[0]}” instead; both halves are merged." if other else "",
        )
        question.population(f"{UNITED_STATES} (2018)", table[variable], stratum="North America")
        question.grouped(groupings, table[variable], where="United States, 2018")
        yield question


def _groupings_2018(table: pd.DataFrame) -> list[Grouping]:
    parties = {0: "Democrat", 1: "Democrat", 2: "Independent", 3: "Independent", 4: "Independent"}
    views = dict.fromkeys((1, 2, 3), "liberal") | {4: "moderate"} | dict.fromkeys((5, 6, 7), "conservative")
    degrees = {
        0: "less than high school",
        1: "high school",
        2: "junior college",
        3: "bachelor's degree",
        4: "graduate degree",
    }
    party = grouping("party", "political party", table.partyid, parties | {5: "Republican", 6: "Republican"})
    ideology = grouping("ideology", "political ideology", table.polviews, views)
    race = grouping("race", "race", table.race, {1: "White", 2: "Black", 3: "neither White nor Black"})
    degree = grouping("degree", "highest degree", table.degree, degrees)
    age = bands("age", "age", table.age, AGES)
    return [
        *(party, ideology, race, degree, age),
        grouping("sex", "sex", table.sex, {1: "female", 0: "male"}),
        *(crossed(party, race), crossed(ideology, degree), crossed(ideology, age)),
    ]


def _abortion() -> Iterator[Question]:
    table = load("stevedata/gss_abortion")
    table = table[~table.year.isin(OVERSAMPLED)]
    for variable, reason in REASONS.items():
        question = Question(
            id=f"gss-{variable}",
            study="gss",
            data=("stevedata/gss_abortion",),
            variable=variable,
            text=(
                "Please tell me whether or not you think it should be possible for a pregnant woman to obtain a legal "
                f"abortion if {reason}."
            ),
            wording="study",
            answers={1: "Yes", 0: "No"},
            family=ABORTION,
        )
        for period, (first, last) in PERIODS.items():
            part = table[table.year.between(first, last)]
            years = period.replace("-", "–")
            name = f"{UNITED_STATES} ({years})"
            question.population(name, part[variable], stratum="North America", key=period)
            groupings = _groupings_abortion(part, crosses=period == "2010-2018")
            question.grouped(groupings, part[variable], where=f"United States, {years}", suffix=f"-{period}")
        yield question


def _groupings_abortion(table: pd.DataFrame, *, crosses: bool) -> list[Grouping]:
    parties = {
        "Strong Democrat": "Democrat",
        "Not Str Democrat": "Democrat",
        "Ind,Near Dem": "Independent",
        "Independent": "Independent",
        "Ind,Near Rep": "Independent",
        "Not Str Republican": "Republican",
        "Strong Republican": "Republican",
    }
    # relactiv, GSS codebook: 1 never, 2 less than once a year ... 7 nearly every week, 8 every week ... 11 several
    # times a day.
    activity = {"never": (1, 1), "less than every week": (2, 7), "every week or more often": (8, 11)}
    schooling = {"less than 12 years": (0, 11), "12 years": (12, 12), "13 to 15 years": (13, 15)}
    races = {"White": "White", "Black": "Black", "Other": "neither White nor Black"}
    party = grouping("party", "political party", table.partyid, parties)
    school = bands("schooling", "schooling", table.educ, schooling | {"16 years or more": (16, 20)})
    religion = bands("religion", RELIGION, table.relactiv, activity)
    if not crosses:
        return [party, school, religion]
    return [
        *(party, school, religion),
        grouping("race", "race", table.race, races),
        grouping("sex", "sex", table.sex, {"Female": "female", "Male": "male"}),
        bands("age", "age", table.age, AGES),
        *(crossed(party, religion), crossed(party, school), crossed(religion, school)),
    ]


def _grass() -> Question:
    table = load("openintro/gss2010")
    question = Question(
        id="gss2010-grass",
        study="gss",
        data=("openintro/gss2010",),
        variable="grass",
        text="Do you think the use of marijuana should be made legal, or not?",
        wording="study",
        answers={"LEGAL": "Should be legal", "NOT LEGAL": "Should not be legal"},
    )
    degrees = {
        "LT HIGH SCHOOL": "less than high school",
        "HIGH SCHOOL": "high school",
        "JUNIOR COLLEGE": "junior college",
        "BACHELOR": "bachelor's degree",
        "GRADUATE": "graduate degree",
    }
    question.population(f"{UNITED_STATES} (2010)", table.grass, stratum="North America")
    by_degree = grouping("degree", "highest degree", table.degree, degrees)
    question.grouped([by_degree], table.grass, where="United States, 2010")
    return question


def _womens_role() -> Question:
    counts = load("HSAUR/womensrole")
    table = pd.concat([_repeated(counts, "agree"), _repeated(counts, "disagree")], ignore_index=True)
    question = Question(
        id="gss1974-fehome",
        study="gss",
        data=("HSAUR/womensrole",),
        variable="fehome",
        text=(
            "Do you agree or disagree with this statement? Women should take care of running their homes and leave "
            "running the country up to men."
        ),
        wording="study",
        answers={"agree": "Agree", "disagree": "Disagree"},
    )
    schooling = {
        "less than 9 years": (0, 8),
        "9 to 11 years": (9, 11),
        "12 years": (12, 12),
        "13 to 15 years": (13, 15),
    }
    sex = grouping("sex", "sex", table.sex, {"Female": "female", "Male": "male"})
    school = bands("schooling", "schooling", table.education, schooling | {"16 years or more": (16, 20)})
    groupings = [sex, school, crossed(sex, school)]
    question.population(f"{UNITED_STATES} (1974–1975)", table.answer, stratum="North America")
    question.grouped(groupings, table.answer, where="United States, 1974–1975")
    return question


def _repeated(counts: pd.DataFrame, answer: str) -> pd.DataFrame:
    rows = counts.loc[counts.index.repeat(counts[answer]), ["education", "sex"]]
    return rows.assign(answer=answer)


def _happiness() -> Question:
    table = load("wooldridge/happiness")
    question = Question(
        id="gss-happy",
        study="gss",
        data=("wooldridge/happiness",),
        variable="happy",
        text="Taken all together, how would you say things are these days?",
        wording="study",
        answers={"very happy": "Very happy", "pretty happy": "Pretty happy", "not too happy": "Not too happy"},
        ordinal=True,
        note="The extract's item on guns in the home (owngun) is left out: it has lost the answer “no”.",
    )
    question.population(f"{UNITED_STATES} (1994–2006)", table.happy, stratum="North America")
    return question
