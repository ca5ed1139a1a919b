"""Judge a whole run's Overton answers at once: every sentence against every explanation, in both directions."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from plural_tasks.judges.base import Entailment, Judge, Pair
from plural_tasks.metrics.coverage import (
    contradiction_rate,
    coverage_per_sentence,
    is_covered,
    mean_coverage,
    value_coverage,
)
from plural_tasks.metrics.paper import paper_coverage, paper_sentences
from plural_tasks.metrics.splitting import sentences

Scores = tuple[tuple[Entailment, ...], ...]
"""A judge's scores, of shape (values, sentences)."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class JudgedAnswer:
    """What a judge found in one answer.

    Attributes:
        sentences: The answer, split.
        scores: For each explanation (premise) and each sentence (hypothesis), the published direction.
        reverse_scores: The same shape, with the sentence as premise; None where it was not asked.
        value_coverage: For each explanation the entailment of the best sentence, 0..1; 0 for an empty answer.
        coverage: Mean of ``value_coverage``.
        coverage_reverse: The same with the sentence as premise: how far it *says* the explanation; NaN where this was
            not asked or the judge has no direction.
        coverage_33: 1 where ``coverage`` exceeds 0.33, else 0.
        coverage_per_sentence: ``coverage`` / ``n_sentences``.
        contradiction_rate: Share of sentences that contradict an explanation; NaN without sentences, and where the
            judge knows no contradiction.
        n_sentences: Number of sentences.
        paper_coverage: Coverage by the published rules, -1 for an empty answer (see `plural_tasks.metrics.paper`); NaN
            where their sentence splitter is not installed.
        paper_coverage_33: 1 where ``paper_coverage`` exceeds 0.33, else 0, or NaN.
    """

    sentences: tuple[str, ...]
    scores: Scores
    reverse_scores: Scores | None
    value_coverage: tuple[float, ...]
    coverage: float
    coverage_reverse: float
    coverage_33: float
    coverage_per_sentence: float
    contradiction_rate: float
    n_sentences: int
    paper_coverage: float
    paper_coverage_33: float


def judge_answers(
    judge: Judge, explanations: Sequence[Sequence[str]], answers: Sequence[str], *, reverse: bool = True
) -> list[JudgedAnswer]:
    """Judge every answer against the explanations of its situation.

    The judge is called once, with the pairs of all answers, so that it can put inputs of like length together and
    judge equal ones once.

    Args:
        judge: A judge, such as `plural_tasks.judges.load_judge` returns.
        explanations: For each answer what it should cover; at least one each.
        answers: The texts.
        reverse: Also ask whether a sentence entails an explanation. Judges without direction are not asked again.

    Raises:
        ValueError: If the lengths differ, or an answer has no explanation.
        ModPluralError: If the judge cannot be used.
    """
    if not all(explanations):
        raise ValueError("coverage needs at least one explanation for every answer")
    reverse = reverse and judge.directional
    found = [sentences(answer) for answer in answers]
    published = _published(answers)
    pairs: list[Pair] = []
    for reasons, split, as_published in zip(explanations, found, published, strict=True):
        pairs += [(reason, sentence) for reason in reasons for sentence in (*split, *(as_published or ()))]
        pairs += [(sentence, reason) for reason in reasons for sentence in split if reverse]
    scores = dict(zip(pairs, judge.entail(pairs), strict=True))
    return [
        _judged(scores, reasons, split, as_published, reverse)
        for reasons, split, as_published in zip(explanations, found, published, strict=True)
    ]


def _judged(
    scores: Mapping[Pair, Entailment],
    reasons: Sequence[str],
    split: Sequence[str],
    as_published: Sequence[str] | None,
    reverse: bool,
) -> JudgedAnswer:
    forward = tuple(tuple(scores[reason, sentence] for sentence in split) for reason in reasons)
    backward = tuple(tuple(scores[sentence, reason] for sentence in split) for reason in reasons) if reverse else None
    entailment = _matrix(forward, "entailment")
    coverage, paper = mean_coverage(entailment), math.nan
    if as_published is not None:
        paper = paper_coverage([[scores[reason, line].entailment for line in as_published] for reason in reasons])
    return JudgedAnswer(
        sentences=tuple(split),
        scores=forward,
        reverse_scores=backward,
        value_coverage=tuple(value_coverage(entailment)),
        coverage=coverage,
        coverage_reverse=math.nan if backward is None else mean_coverage(_matrix(backward, "entailment")),
        coverage_33=is_covered(coverage),
        coverage_per_sentence=coverage_per_sentence(coverage, len(split)),
        contradiction_rate=contradiction_rate(
            *(_matrix(forward, name) for name in ("entailment", "neutral", "contradiction"))
        ),
        n_sentences=len(split),
        paper_coverage=paper,
        paper_coverage_33=is_covered(paper),
    )


def _matrix(scores: Scores, name: str) -> list[list[float]]:
    return [[getattr(score, name) for score in row] for row in scores]


def _published(answers: Sequence[str]) -> list[list[str]] | list[None]:
    """The answers as the published code splits them; None for each where its splitter is not installed."""
    if find_spec("sentence_splitter") is None:
        logger.warning(
            "paper_coverage is left out: the package that the published code splits sentences with is not installed "
            "(pip install sentence-splitter)."
        )
        return [None] * len(answers)
    return [paper_sentences(answer) for answer in answers]
