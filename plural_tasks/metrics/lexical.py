"""Word overlap of an answer with the explanations it should cover: a cheap proxy, no judge of meaning."""

from __future__ import annotations

import re
from collections.abc import Sequence

from plural_tasks.metrics.splitting import sentences

_WORD = re.compile(r"[^\W\d_]{3,}")
_FUNCTION_WORDS = frozenset(
    """
    about after all also and any are because been being but can could did does doing each for from get had has
    have having her here hers him his how into its itself just may might more most must not now off one only other
    our out over own same she should some such than that the their them then there these they this those through
    too under until upon very was were what when where which while who whom why will with within without would you
    your
    """.split()  # noqa: SIM905  (a list of 96 literals is no easier to read)
)


def content_words(text: str) -> set[str]:
    """Lower-case words of at least three letters that are not function words."""
    return {word for word in _WORD.findall(text.lower()) if word not in _FUNCTION_WORDS}


def lexical_coverage(answer: str, explanations: Sequence[str]) -> float:
    """Mean over explanations of the best sentence's recall of the explanation's content words.

    Recall is the share of an explanation's content words that one sentence of the answer holds (the best sentence
    counts, as in the published value coverage, where an entailment model takes the place of word overlap).

    Returns:
        A number in 0..1; 0 for an empty answer.

    Raises:
        ValueError: If there is no explanation.
    """
    if not explanations:
        raise ValueError("coverage needs at least one explanation")
    words = [content_words(sentence) for sentence in sentences(answer)]
    return sum(_best(content_words(explanation), words) for explanation in explanations) / len(explanations)


def _best(wanted: set[str], found: Sequence[set[str]]) -> float:
    return max((len(wanted & words) / len(wanted) for words in found if wanted), default=0.0)
