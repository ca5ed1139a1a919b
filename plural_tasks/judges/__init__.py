"""Judges of whether an answer covers a value: one judge a file, found through one registry."""

from plural_tasks.judges.base import Entailment, Judge, JudgeCounts, Pair
from plural_tasks.judges.registry import JUDGES, load_judge

__all__ = ["JUDGES", "Entailment", "Judge", "JudgeCounts", "Pair", "load_judge"]
