"""Distances between communities' messages to the same questions: embedding distance, BLEU and self-BLEU."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import combinations, product
from typing import TYPE_CHECKING, Any, Protocol

from community_lms.messages.message import Message
from plural_tasks.metrics.uncertainty import paired_difference

if TYPE_CHECKING:
    import numpy as np

SELF_BLEU_MESSAGES = 100
"""Messages of each community that self-BLEU is taken over: it grows with their number."""

Messages = Mapping[str, Mapping[str, Sequence[Message]]]
"""Community -> question -> its messages."""


class Embedder(Protocol):
    """An embedding model, such as `plural_tasks.judges.embedding.EmbeddingJudge`."""

    name: str
    revision: str

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of length 1, one row a text."""


def distinctness(messages: Messages, embedder: Embedder | None) -> dict[str, Any]:
    """Compare messages; empty ones are left out.

    Returns:
        ``communities`` (names); `bleu_figures`; with an embedder also ``judge``, `distance_figures`.
    """
    texts = {
        name: {question: [one.text for one in replies if one.text.strip()] for question, replies in by.items()}
        for name, by in messages.items()
    }
    found: dict[str, Any] = {
        "communities": list(texts),
        "embedding_distance": None,
        "judge": None,
        **bleu_figures(texts),
    }
    if embedder is not None:
        found |= {"judge": embedder.name, "judge_revision": embedder.revision, **distance_figures(texts, embedder)}
    return found


def distance_figures(texts: Mapping[str, Mapping[str, Sequence[str]]], embedder: Embedder) -> dict[str, Any]:
    """Distances of messages to the same question: 1 - cosine of their embeddings, 0..2.

    Returns:
        ``embedding_distance``: community x community, the mean over questions of the mean over pairs of messages; on
        the diagonal two different messages of one community, the floor (NaN where it has one message to a question).
        ``between`` and ``within``: means over communities; ``between_minus_within``: paired by question, clustered.
    """
    import numpy as np

    names = list(texts)
    flat = list(dict.fromkeys(text for by in texts.values() for listed in by.values() for text in listed))
    if not flat:
        return {"embedding_distance": None}
    vectors = np.asarray(embedder.embed(flat), dtype=float)
    place = {text: row for row, text in enumerate(flat)}
    table: dict[tuple[str, str], dict[str, float]] = {}
    for a, b in product(names, names):
        table[a, b] = {
            question: _distance(
                vectors[[place[one] for one in texts[a][question]]],
                vectors[[place[one] for one in texts[b].get(question, ())]],
                same=a == b,
            )
            for question in texts[a]
        }
    means = [[_mean(table[a, b].values()) for b in names] for a in names]
    questions = list(dict.fromkeys(question for by in texts.values() for question in by))
    between = [_mean(table[pair].get(question, math.nan) for pair in combinations(names, 2)) for question in questions]
    within = [_mean(table[name, name].get(question, math.nan) for name in names) for question in questions]
    return {
        "embedding_distance": means,
        "between": _mean(between),
        "within": _mean(within),
        "between_minus_within": asdict(paired_difference(between, within, questions)),
    }


def _distance(a: np.ndarray, b: np.ndarray, *, same: bool) -> float:
    """Mean of 1 - cosine over pairs of rows; of different rows where both are the ``same``. NaN without pairs."""
    if not len(a) or not len(b) or (same and len(a) < 2):
        return math.nan
    cosines = a @ b.T
    if same:
        count = len(a)
        return float(1.0 - (cosines.sum() - cosines.trace()) / (count * (count - 1)))
    return float(1.0 - cosines.mean())


def bleu_figures(texts: Mapping[str, Mapping[str, Sequence[str]]]) -> dict[str, Any]:
    """Overlap of wording, by sacrebleu's sentence BLEU with effective order; 0..100, high where messages are alike.

    Returns:
        ``self_bleu``: community -> mean BLEU of its messages with all its others (to whatever question) as references
        (self-BLEU, Zhu et al. 2018), over at most `SELF_BLEU_MESSAGES`, drawn with a seed; ``self_bleu_messages``: how
        many. ``pair_bleu``: community x community, mean BLEU of a message with one of the column's messages to the same
        question as reference; on the diagonal two different messages of one community.
    """
    from sacrebleu.metrics.bleu import BLEU

    metric = BLEU(effective_order=True)

    def score(text: str, references: Sequence[str]) -> float:
        return float(metric.sentence_score(text, list(references)).score)

    pools = {name: _drawn([text for listed in by.values() for text in listed]) for name, by in texts.items()}
    own = {
        name: _mean(score(text, [*pool[:row], *pool[row + 1 :]]) for row, text in enumerate(pool) if len(pool) > 1)
        for name, pool in pools.items()
    }
    names = list(texts)
    pairs = [[_mean(_pair_scores(texts[a], texts[b], a == b, score)) for b in names] for a in names]
    return {
        "self_bleu": own,
        "self_bleu_messages": {name: len(pool) for name, pool in pools.items()},
        "pair_bleu": pairs,
    }


def _pair_scores(a: Mapping[str, Sequence[str]], b: Mapping[str, Sequence[str]], same: bool, score: Any) -> list[float]:
    return [
        score(text, [other])
        for question, listed in a.items()
        for row, text in enumerate(listed)
        for column, other in enumerate(b.get(question, ()))
        if not (same and row == column)
    ]


def _drawn(texts: list[str]) -> list[str]:
    return texts if len(texts) <= SELF_BLEU_MESSAGES else random.Random(0).sample(texts, SELF_BLEU_MESSAGES)


def _mean(values: Any) -> float:
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else math.nan
