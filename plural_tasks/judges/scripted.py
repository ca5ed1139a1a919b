"""A deterministic judge without a model, for dry runs and tests."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from plural_tasks.judges.base import Entailment, JudgeCounts, Pair, judge_once
from plural_tasks.utils.errors import ModPluralError


class ScriptedJudge:
    """Gives prepared judgements, or ones that a digest of the pair picks.

    Attributes:
        calls: The pairs of every call of `entail`, as they were given.
        judged: Every pair that was judged, duplicates of one call left out, in order.
    """

    name = "scripted"
    revision = ""

    def __init__(
        self,
        *,
        script: Mapping[Pair, Entailment | float] | Sequence[Entailment | float] | None = None,
        directional: bool = True,
    ) -> None:
        """Make the judge.

        Args:
            script: Judgements by pair, or in the order in which different pairs are asked; a number stands for the
                probability of entailment, and the rest for neutral. A pair that it does not hold, or one more than it
                holds, is an error. None draws judgements from digests of the pairs.
            directional: What the judge states about itself.
        """
        self.directional = directional
        self.counts = JudgeCounts()
        self.calls: list[list[Pair]] = []
        self.judged: list[Pair] = []
        self._script = script if isinstance(script, Mapping) or script is None else list(script)

    def entail(self, pairs: Sequence[Pair]) -> list[Entailment]:
        """Return what the script says; see `plural_tasks.judges.base.Judge.entail`."""
        self.calls.append(list(pairs))
        return judge_once(pairs, lambda unique: [self._judge(pair) for pair in unique], self.counts)

    def _judge(self, pair: Pair) -> Entailment:
        self.judged.append(pair)
        self.counts.computed += 1
        if self._script is None:
            first, second = hashlib.sha256("\0".join(pair).encode()).digest()[:2]
            entailment = first / 255
            return Entailment(entailment, (1 - entailment) * second / 255, (1 - entailment) * (255 - second) / 255)
        if isinstance(self._script, Mapping):
            if pair not in self._script:
                raise ModPluralError(f"scripted judge: the script holds no judgement of {pair!r}.")
            return _entailment(self._script[pair])
        if not self._script:
            raise ModPluralError(f"scripted judge: no judgement is left for {pair!r}.")
        return _entailment(self._script.pop(0))


def _entailment(score: Entailment | float) -> Entailment:
    return score if isinstance(score, Entailment) else Entailment(score, 1.0 - score, 0.0)
