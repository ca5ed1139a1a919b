"""Two runs' answers to the same documents, side by side."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from plural_tasks.pairwise.samples import OvertonAnswer
from plural_tasks.utils.errors import ModPluralError


@dataclass(frozen=True)
class Pair:
    """One situation and what run A and run B said about it; ``cluster`` is that of the standard errors."""

    id: str
    situation: str
    cluster: str
    a: str
    b: str

    @property
    def digest(self) -> str:
        """SHA-256, in hexadecimal, of situation and answers: the same for the same content in the same order."""
        content = json.dumps([self.situation, self.a, self.b], ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()


def match(
    a: Sequence[OvertonAnswer], b: Sequence[OvertonAnswer], *, names: tuple[str, str] = ("run A", "run B")
) -> list[Pair]:
    """Pair the answers of two runs by document id, in the order of the first run.

    Args:
        a: Answers of run A.
        b: Answers of run B.
        names: How errors call the runs.

    Raises:
        ModPluralError: If a document is missing in one run, or its situation or values differ.
    """
    others = {answer.id: answer for answer in b}
    _check_same_ids([answer.id for answer in a], list(others), names)
    pairs = []
    for one in a:
        other = others[one.id]
        for what, left, right in (
            ("another situation", one.situation, other.situation),
            ("other values", one.gold, other.gold),
        ):
            if left != right:
                raise ModPluralError(
                    f"document {one.id!r} has {what} in {names[1]} than in {names[0]}; expected two runs of one "
                    "version of a task and its data."
                )
        pairs.append(Pair(one.id, one.situation, one.cluster, one.text, other.text))
    return pairs


def _check_same_ids(a: Sequence[str], b: Sequence[str], names: tuple[str, str]) -> None:
    for here, there, place, other in ((a, b, names[1], names[0]), (b, a, names[0], names[1])):
        missing = [name for name in here if name not in set(there)]
        if missing:
            raise ModPluralError(
                f"{place}: has no answer to {len(missing)} of the {len(here)} documents of {other} (the first is "
                f"{missing[0]!r}); expected the same documents, so run both with the same data and --limit."
            )


def draw(pairs: Sequence[Pair], limit: int | None, seed: int) -> list[Pair]:
    """Draw ``limit`` pairs at random, kept in their order; None keeps all.

    Pairs are ranked by a digest of seed and id, so that a larger draw holds the smaller one and verdicts that are
    there already are used again.

    Raises:
        ModPluralError: If there are fewer pairs than that.
    """
    if limit is None:
        return list(pairs)
    if not 1 <= limit <= len(pairs):
        raise ModPluralError(f"--limit: found {limit}, expected 1 to {len(pairs)}, the number of pairs.")
    ranked = sorted(pairs, key=lambda pair: hashlib.sha256(f"{seed}\0{pair.id}".encode()).digest())
    chosen = {pair.id for pair in ranked[:limit]}
    return [pair for pair in pairs if pair.id in chosen]
