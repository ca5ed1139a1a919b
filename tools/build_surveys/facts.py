"""Facts known from elsewhere that the shares must show: they catch a reversed coding, or levels in a wrong order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .model import Cell, Question


class Fact(NamedTuple):
    """The share of ``option`` is larger in the cell ``more`` than in the cell ``less``, by `DIFFERENCE` at least."""

    question: str
    option: str
    more: str
    less: str


class Figure(NamedTuple):
    """A published share, in per cent, that a cell shows within ``within`` points."""

    question: str
    option: str
    cell: str
    per_cent: float
    within: float
    source: str


DIFFERENCE = 0.05
LIMITS = "Place strict limits on the number of foreigners who can come here"

FACTS = (
    Fact("gss2018-natenvir", "Too little", "party-democrat", "party-republican"),
    Fact("gss2018-natenvir", "Too little", "ideology-liberal", "ideology-conservative"),
    Fact("gss2018-natarms", "Too little", "party-republican", "party-democrat"),
    Fact("gss2018-natarms", "Too much", "ideology-liberal", "ideology-conservative"),
    Fact("gss2018-natsci", "Too little", "degree-graduate-degree", "degree-less-than-high-school"),
    Fact("gss-abany", "Yes", "party-democrat-2010-2018", "party-republican-2010-2018"),
    Fact("gss-abany", "Yes", "religion-never-2010-2018", "religion-every-week-or-more-often-2010-2018"),
    Fact("gss-abrape", "Yes", "schooling-16-years-or-more-2010-2018", "schooling-less-than-12-years-2010-2018"),
    Fact("gss2010-grass", "Should be legal", "degree-graduate-degree", "degree-less-than-high-school"),
    Fact("gss1974-fehome", "Agree", "schooling-less-than-9-years", "schooling-16-years-or-more"),
    Fact("wvs-e143", "Let anyone come who wants to", "vietnam-2006", "malaysia-2006"),
    Fact("wvs-e143", "Prohibit people coming here from other countries", "india-2006", "sweden-2006"),
    Fact("wvs-f117", "1 (never justifiable)", "jordan-2014", "malaysia-2012"),
    Fact("wvs-poverty", "Too much", "united-states-1995", "sweden-1996"),
    Fact("wvs-f120", "1 (never justifiable)", "god-10-of-10-2011", "god-1-to-4-of-10-2011"),
    Fact("wvs-e018", "A good thing", "leftright-right-7-to-10-of-10-2011", "leftright-left-1-to-4-of-10-2011"),
    Fact("wvs-a165", "Most people can be trusted", "college-yes-2011", "college-no-2011"),
    Fact("wvs-f063", "10 (very important)", "age-65-or-older-2011", "age-18-to-29-2011"),
    Fact("anes2012-choice", "Favor", "party-democrat", "party-republican"),
    Fact("anes2012-health", "Oppose", "party-republican", "party-democrat"),
    Fact("anes-trust", "Most of the time", "party-republican-2004", "party-democrat-2004"),
    Fact("anes-trust", "Most of the time", "party-democrat-1996", "party-republican-1996"),
    Fact("anes-biginterests", "Run by a few big interests", "1980", "1984"),
    Fact("cces2016-whiteadv", "Strongly agree", "party-democrat", "party-republican"),
    Fact("cces2016-whiteadv", "Strongly agree", "race-black", "race-white"),
    Fact("cces2016-racerare", "Strongly disagree", "party-democrat", "party-republican"),
    Fact("cces2016-fearraces", "Strongly disagree", "ideology-liberal", "ideology-conservative"),
    Fact("cces2016-angryracism", "Strongly agree", "race-black", "race-white"),
    Fact("ess-euvote", "Join the European Union", "region-oslo-og-viken", "region-nord-norge"),
    Fact("ess-imueclt", "10 (cultural life enriched)", "norway-2021-left", "norway-2021-right"),
    Fact("ess-imwbcnt", "10 (better place to live)", "united-kingdom-2018-left", "united-kingdom-2018-right"),
    Fact("ces2011-abortion", "Yes", "religion-very-important", "religion-not-important-at-all"),
    Fact("chile1988-vote", "No", "education-post-secondary", "education-primary"),
    Fact("chile1988-vote", "No", "sex-male", "sex-female"),
    Fact("beps-europe", "11 (most against)", "vote-conservative", "vote-liberal-democrat"),
    Fact("denmark1979-punishment", "No corporal punishment", "education-high", "education-elementary"),
    Fact("surveyusa2012-workers", "Lose their jobs and leave the country", "ideology-conservative", "ideology-liberal"),
    Fact("yougov2020-police", "No", "race-black", "race-white"),
    Fact("ppp2015-taxes", "Raise taxes on the rich", "party-democrat", "party-republican"),
)

FIGURES = (
    Figure("gss-happy", "Very happy", "all", 31, 2, "GSS 1994-2006, about 31 % very happy"),
    Figure("gss2010-grass", "Should be legal", "all", 48, 2, "GSS 2010, 48 % of those with an opinion"),
    Figure("gss1974-fehome", "Agree", "all", 35.6, 0.5, "GSS codebook, 1974 and 1975: 1,024 of 2,877 agree"),
    Figure("gss-abhlth", "Yes", "2010-2018", 88.5, 0.1, "GSS codebook, 2010-2018: 6,577 of 7,429 yes"),
    Figure("wvs-e143", LIMITS, "united-states-2006", 49, 3, "World Values Survey, weighted, 49 %"),
    Figure("anes-trust", "Most of the time", "1980", 23, 1.5, "ANES Guide to Public Opinion"),
    Figure("anes-trust", "Most of the time", "2004", 43, 1.5, "ANES Guide to Public Opinion"),
    Figure("ces2011-abortion", "Yes", "all", 18, 3, "Canadian Election Study 2011"),
    Figure("pew2018-solar-panel-farms", "Yes, I favor expanding it", "all", 89, 0.6, "Pew Research Center, May 2018"),
    Figure("pew2018-coal-mining", "Yes, I favor expanding it", "all", 37, 0.6, "Pew Research Center, May 2018"),
)


def broken(questions: Sequence[Question]) -> Iterator[str]:
    """Say which facts and figures the shares do not show."""
    by_id = {question.id: question for question in questions}
    for fact in FACTS:
        question = by_id[fact.question]
        more, less = (_share(question, fact.option, cell) for cell in (fact.more, fact.less))
        if more - less < DIFFERENCE:
            yield f"{fact}: found {more:.3f} and {less:.3f}"
    for figure in FIGURES:
        share = 100 * _share(by_id[figure.question], figure.option, figure.cell)
        if abs(share - figure.per_cent) > figure.within:
            yield f"{figure}: found {share:.2f}"


def _share(question: Question, option: str, cell_id: str) -> float:
    cell: Cell = next(cell for cell in (*question.populations, *question.groups) if cell.id == cell_id)
    return cell.shares.shares[list(question.answers.values()).index(option)]
