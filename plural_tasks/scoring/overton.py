"""Overton tasks: how much of what bears on a situation does the answer say?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plural_tasks.judges.judging import JudgedAnswer


def overton(
    doc: Mapping[str, Any], answer: str, judged: JudgedAnswer, question: JudgedAnswer, judge: str
) -> dict[str, Any]:
    """Score one answer.

    Coverage grows with length, so the number of sentences and words stands beside it. An empty answer covers nothing
    and is counted in ``fallback_rate``.

    Args:
        doc: Document with ``cluster``.
        answer: The model's text.
        judged: What the judge found in the answer.
        question: What the judge found in the situation itself, given as an answer: a baseline.
        judge: Name and revision of the judge.

    Returns:
        The figures that task_configs/README.md explains.
    """
    coverage = judged.coverage
    return {
        "coverage": coverage,
        "coverage_reverse": judged.coverage_reverse,
        "coverage_33": judged.coverage_33,
        "coverage_per_sentence": judged.coverage_per_sentence,
        "contradiction_rate": judged.contradiction_rate,
        "n_sentences": float(judged.n_sentences),
        "n_words": float(len(answer.split())),
        "fallback_rate": float(not answer.strip()),
        "n_scored": coverage,
        "coverage_stderr": (coverage, doc["cluster"]),
        "paper_coverage": judged.paper_coverage,
        "paper_coverage_33": judged.paper_coverage_33,
        "baseline_question": question.coverage,
        "judge": judge,
    }
