"""Cross table of perplexities: every community LM, and the bare backbone, reads every community's held-out texts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from community_lms.evaluation.texts import EvaluationText
from plural_tasks.metrics.uncertainty import clustered_bootstrap

BACKBONE = "backbone"
"""The reader without an adapter or a persona."""


@dataclass(frozen=True)
class Reading:
    """Likelihood of one text under one reader.

    Attributes:
        nll: Negative log-likelihood of the comment and its end token, in nats.
        tokens: Number of these tokens.
        bytes: Length of the comment in UTF-8.
    """

    nll: float
    tokens: int
    bytes: int


Readings = Mapping[str, Mapping[str, Sequence[Reading]]]
"""Reader -> text -> one reading for each document, in the same order for all readers."""


def cross_table(
    readings: Readings, texts: Mapping[str, Sequence[EvaluationText]], resamples: int = 2000
) -> dict[str, Any]:
    """Summarise readings.

    Perplexity is exp(sum of nll / sum of tokens): per token, over the comments and their end tokens together.

    Returns:
        ``texts`` and ``readers`` (names), ``table`` (reader x text, perplexity per token), ``bits_per_byte`` (likewise,
        for readers whose tokenizers differ), ``tokens`` and ``documents`` by text (tokens as the first reader counts
        them), ``own`` (see `_own`), ``best`` (how many of the communities with a text read it best, backbone included,
        and who reads the others' texts better).
    """
    readers, names = list(readings), list(texts)
    own = {name: _own(name, readings, texts[name], resamples) for name in names if name in readers and name != BACKBONE}
    exceptions = {name: found["best_reader"] for name, found in own.items() if found["best_reader"] != name}
    return {
        "texts": names,
        "readers": readers,
        "unit": "perplexity per token of the comment and its end token",
        "table": [[perplexity(readings[reader][name]) for name in names] for reader in readers],
        "bits_per_byte": [[bits_per_byte(readings[reader][name]) for name in names] for reader in readers],
        "tokens": {name: sum(one.tokens for one in readings[readers[0]][name]) for name in names},
        "documents": {name: len(texts[name]) for name in names},
        "own": own,
        "best": {"own": len(own) - len(exceptions), "of": len(own), "exceptions": exceptions},
    }


def perplexity(read: Sequence[Reading]) -> float:
    """exp(nats per token) of readings together; infinite where that is beyond a float."""
    mean = math.fsum(one.nll for one in read) / sum(one.tokens for one in read)
    return math.exp(mean) if mean < 700.0 else math.inf


def bits_per_byte(read: Sequence[Reading]) -> float:
    """Bits of readings together for each byte of their comments; NaN where these are empty."""
    size = sum(one.bytes for one in read)
    return math.fsum(one.nll for one in read) / math.log(2.0) / size if size else math.nan


def difference(
    a: Sequence[Reading], b: Sequence[Reading], clusters: Sequence[str], resamples: int = 2000
) -> dict[str, Any]:
    """Difference of log-perplexity, ``a`` minus ``b``, over the same documents; below 0 where ``a`` reads them better.

    (sum of nll_a - sum of nll_b) / sum of tokens, or per byte where the readers' tokens differ. The interval is that of
    a paired bootstrap: documents are drawn with both readings, and those on one question together.

    Returns:
        ``estimate`` in nats, ``interval`` (95 %), ``per`` (``token`` or ``byte``), ``n`` documents, ``n_clusters``.
    """
    same = all(x.tokens == y.tokens for x, y in zip(a, b, strict=True))
    sizes = [x.tokens if same else x.bytes for x in a]
    gaps = [x.nll - y.nll for x, y in zip(a, b, strict=True)]

    def statistic(weights: Sequence[float]) -> float:
        size = math.fsum(weight * size for weight, size in zip(weights, sizes, strict=True))
        gap = math.fsum(weight * gap for weight, gap in zip(weights, gaps, strict=True))
        return gap / size if size else math.nan

    return {
        "estimate": statistic([1.0] * len(gaps)),
        "interval": clustered_bootstrap(statistic, clusters, resamples=resamples),
        "per": "token" if same else "byte",
        "n": len(gaps),
        "n_clusters": len(set(clusters)),
    }


def _own(name: str, readings: Readings, documents: Sequence[EvaluationText], resamples: int) -> dict[str, Any]:
    """Compare a community LM on its own text with the backbone and with the best of the other communities."""
    clusters = [document.cluster for document in documents]
    totals = {reader: math.fsum(one.nll for one in read[name]) for reader, read in readings.items()}
    found: dict[str, Any] = {"best_reader": min(totals, key=lambda reader: (totals[reader], reader != name))}
    mine = readings[name][name]
    if BACKBONE in readings:
        found["against_backbone"] = difference(mine, readings[BACKBONE][name], clusters, resamples)
    others = [reader for reader in readings if reader not in (name, BACKBONE)]
    if others:
        best = min(others, key=lambda reader: totals[reader])
        found["against_other"] = {
            "reader": best,
            **difference(mine, readings[best][name], clusters, resamples),
        }
    return found


def as_rows(read: Sequence[Reading]) -> list[dict[str, Any]]:
    """Readings as plain JSON."""
    return [asdict(one) for one in read]


def from_rows(rows: Sequence[Mapping[str, Any]]) -> list[Reading]:
    """Readings from what `as_rows` made."""
    return [Reading(**row) for row in rows]
