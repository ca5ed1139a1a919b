"""Word overlap as a judge: no weights, no judge of meaning either."""

from __future__ import annotations

from collections.abc import Sequence

from plural_tasks.judges.base import Entailment, JudgeCounts, Pair, judge_once
from plural_tasks.metrics.lexical import content_words


class LexicalJudge:
    """Takes the share of the hypothesis's content words that the premise holds for entailment.

    With a sentence of the answer as the premise and an explanation as the hypothesis this is the recall of
    `plural_tasks.metrics.lexical_coverage`. A hypothesis without content words is not entailed by anything (0).
    """

    name = "lexical"
    revision = ""
    directional = True

    def __init__(self) -> None:
        self.counts = JudgeCounts()

    def entail(self, pairs: Sequence[Pair]) -> list[Entailment]:
        """Return recalls, without contradiction; see `plural_tasks.judges.base.Judge.entail`."""
        return judge_once(pairs, self._judge_all, self.counts)

    def _judge_all(self, pairs: list[Pair]) -> list[Entailment]:
        self.counts.computed += len(pairs)
        words = {text: content_words(text) for pair in pairs for text in pair}
        return [Entailment(_recall(words[premise], words[hypothesis])) for premise, hypothesis in pairs]


def _recall(found: set[str], wanted: set[str]) -> float:
    return len(found & wanted) / len(wanted) if wanted else 0.0
