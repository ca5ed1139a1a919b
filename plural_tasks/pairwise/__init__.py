"""The sixth task: which of two runs' Overton answers covers more views, as a judge or a person sees it.

No model is asked here: answers of two runs are paired, verdicts are read and combined, and rates are worked out. The
same rates serve the verdicts of LLM judges (`model_wrappers.judging.judge`) and of people (`plural_tasks.human_study`).
"""

from plural_tasks.pairwise.pairs import Pair, draw, match
from plural_tasks.pairwise.parse import parse_verdict
from plural_tasks.pairwise.rates import Rates, VerdictAgreement, agreement, rates
from plural_tasks.pairwise.samples import OvertonAnswer, find_samples, read_answers
from plural_tasks.pairwise.summary import summarise
from plural_tasks.pairwise.verdicts import ORDERS, JudgedPair, Order, Position, Verdict, as_verdict, combine

__all__ = [
    "ORDERS",
    "JudgedPair",
    "Order",
    "OvertonAnswer",
    "Pair",
    "Position",
    "Rates",
    "Verdict",
    "VerdictAgreement",
    "agreement",
    "as_verdict",
    "combine",
    "draw",
    "find_samples",
    "match",
    "parse_verdict",
    "rates",
    "read_answers",
    "summarise",
]
