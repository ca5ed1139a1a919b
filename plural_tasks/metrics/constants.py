"""Constant answers: what a rule scores that reads no question, chosen over the whole task.

Each function gets for every document the scores of all constant answers and returns the score of the chosen one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Places = tuple[float, Sequence[float]]
"""The score of an answer that a document does not have (0 where higher is better, else the worst there is), and the
score of answering with each *place* as shown; no scores where the document is not scored."""

Question = tuple[str, Sequence[float]]
"""The question's name, and the score of answering with each option; no scores where the document is not scored."""


def best_place(records: Sequence[Places]) -> list[float]:
    """Always answer with the same place: the one that does best over all documents.

    Places as shown, not in the study's order: where options are shuffled nobody sees the latter.

    Returns:
        One score for each document, NaN where it is not scored. On ties the first place is taken.
    """
    scored = [(worst, scores) for worst, scores in records if scores]
    if not scored:
        return [math.nan] * len(records)
    places = range(max(len(scores) for _, scores in scored))
    means = [math.fsum(_at(record, place) for record in scored) / len(scored) for place in places]
    higher_is_better = scored[0][0] == 0.0
    best = means.index(max(means) if higher_is_better else min(means))
    return [_at(record, best) if record[1] else math.nan for record in records]


def _at(record: Places, place: int) -> float:
    worst, scores = record
    return float(scores[place]) if place < len(scores) else worst


def best_of_question(records: Sequence[Question]) -> list[float]:
    """Give everybody who is asked a question the same answer: the one that is right for most of them.

    It knows all golds of the question but not who is asked, so only what exceeds it is steering.

    Returns:
        One score for each document, NaN where it is not scored. On ties the first option is taken.
    """
    questions: dict[tuple[str, int], list[Sequence[float]]] = {}
    for name, scores in records:
        if scores:
            questions.setdefault((name, len(scores)), []).append(scores)
    best: dict[tuple[str, int], int] = {}
    for question, rows in questions.items():
        sums = [math.fsum(column) for column in zip(*rows, strict=True)]
        best[question] = sums.index(max(sums))
    return [float(scores[best[name, len(scores)]]) if scores else math.nan for name, scores in records]
