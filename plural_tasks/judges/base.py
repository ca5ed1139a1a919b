"""What every judge does: say for pairs of texts whether the first entails the second."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

Pair = tuple[str, str]
"""(premise, hypothesis)."""


@dataclass(frozen=True, slots=True)
class Entailment:
    """What a judge makes of one pair: three numbers in 0..1, NaN where it does not know.

    They need not sum to 1: a judge of similarity knows no contradiction.
    """

    entailment: float
    neutral: float = math.nan
    contradiction: float = math.nan

    def __post_init__(self) -> None:
        for score in (self.entailment, self.neutral, self.contradiction):
            if not (0.0 <= score <= 1.0 or math.isnan(score)):
                raise ValueError(f"a judge's scores lie in 0..1 or are NaN, found {score}")


class Judge(Protocol):
    """Judges pairs of texts.

    Attributes:
        name: What results call it: the repository of a checkpoint, or the name in `plural_tasks.judges.JUDGES`.
        revision: Commit of a checkpoint on the Hub, ``sha256:`` and a digest for local weights, "" without weights.
        directional: Does exchanging premise and hypothesis change the judgement? False for similarities.
    """

    name: str
    revision: str
    directional: bool

    def entail(self, pairs: Sequence[Pair]) -> list[Entailment]:
        """Return the judgement of every (premise, hypothesis) pair, in order.

        Equal pairs are judged once. Hand over the pairs of a whole run: they are batched together.

        Raises:
            ModPluralError: If the judge cannot be loaded or has no answer.
        """


@dataclass
class JudgeCounts:
    """What a judge has done so far.

    Attributes:
        asked: Number of pairs that it was given.
        unique: Number of different pairs, summed over calls.
        remembered: Number of different pairs that a cache answered.
        computed: Number of different pairs that were judged anew.
        truncated: Number of inputs that were longer than the judge can read and were cut.
    """

    asked: int = 0
    unique: int = 0
    remembered: int = 0
    computed: int = 0
    truncated: int = 0


def judge_once(
    pairs: Sequence[Pair], judge_all: Callable[[list[Pair]], Sequence[Entailment]], counts: JudgeCounts
) -> list[Entailment]:
    """Call ``judge_all`` with every pair that differs, once and in first-seen order, and spread out what it returns."""
    asked = [(_unicode(premise), _unicode(hypothesis)) for premise, hypothesis in pairs]
    unique = list(dict.fromkeys(asked))
    counts.asked += len(asked)
    counts.unique += len(unique)
    found = dict(zip(unique, judge_all(unique) if unique else (), strict=True))
    return [found[pair] for pair in asked]


def _unicode(text: str) -> str:
    # Half a surrogate pair, as a cut answer may end in, is no Unicode text: tokenizers and files refuse it.
    return text.encode("utf-8", "replace").decode("utf-8")
