"""What a judge's verdicts on two runs say, as plain JSON."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import asdict
from typing import Any

from plural_tasks.metrics.two_way import two_way_interval
from plural_tasks.metrics.uncertainty import clustered_interval
from plural_tasks.pairwise.pairs import Pair
from plural_tasks.pairwise.rates import agreement, rates
from plural_tasks.pairwise.verdicts import JudgedPair


def summarise(judged: Sequence[JudgedPair], pairs: Sequence[Pair]) -> dict[str, Any]:
    """Work out rates, agreement between the orders, and the biases of a judge.

    Args:
        judged: One for each pair.
        pairs: The pairs, in the same order.

    Returns:
        ``n_pairs``; ``rates`` of the combined verdicts (see `plural_tasks.pairwise.rates.Rates`);
        ``unreadable_replies`` (of 2 for each pair); ``order_disagreement`` (pairs whose two orders differ, counted as
        ties); ``orders`` (agreement of the two orders); ``position_bias`` (see `leaning`); ``length`` (see `lengths`);
        ``equal_answers`` (pairs whose two answers are the same text); ``empty_answers`` by run.

    Raises:
        ValueError: If the two do not belong together.
    """
    if [one.id for one in judged] != [pair.id for pair in pairs]:
        raise ValueError("the verdicts are not those of the pairs")
    clusters = [one.cluster for one in judged]
    return {
        "n_pairs": len(judged),
        "rates": asdict(rates([one.verdict for one in judged], clusters)),
        "unreadable_replies": sum((one.ab, one.ba).count("unreadable") for one in judged),
        "order_disagreement": sum(one.order_disagreement for one in judged),
        "orders": asdict(agreement([one.ab for one in judged], [one.ba for one in judged])),
        "position_bias": leaning([one.lean for one in judged], clusters),
        "length": lengths(judged, pairs),
        "equal_answers": sum(pair.a == pair.b for pair in pairs),
        "empty_answers": {"a": sum(not pair.a for pair in pairs), "b": sum(not pair.b for pair in pairs)},
    }


def leaning(
    leans: Sequence[float], clusters: Sequence[Hashable], raters: Sequence[Hashable] | None = None
) -> dict[str, Any]:
    """Mean lean towards the answer shown first, with its clustered 95 % interval.

    A lean is a habit of the one who leans. For one judge, and only for it, the interval is clustered by situation alone
    (`clustered_interval`); for people by situation and rater (`two_way_interval`).

    Args:
        leans: -1 (shown second) .. +1 (shown first), NaN where nothing could be read.
        clusters: The situation of each.
        raters: The rater of each; None for one judge.

    Returns:
        ``mean`` (0 for no bias), ``interval``; NaN where nothing could be read, and no interval for one of several
        raters.
    """
    known = [lean for lean in leans if not math.isnan(lean)]
    mean = math.fsum(known) / len(known) if known else math.nan
    if raters is None:
        return {"mean": mean, "interval": clustered_interval(leans, clusters)}
    return {"mean": mean, "interval": two_way_interval(leans, clusters, raters)}


def lengths(judged: Sequence[JudgedPair], pairs: Sequence[Pair]) -> dict[str, Any]:
    """Length beside verdicts, because judges like long answers.

    Returns:
        ``words_a`` and ``words_b`` (means over the pairs), ``longer_won`` (share of the pairs won by either run in
        which the longer answer won; NaN for none) and ``n``, the number of pairs behind it.
    """
    words = [(len(pair.a.split()), len(pair.b.split())) for pair in pairs]
    won = [
        (one.verdict == "a") == (a > b)
        for one, (a, b) in zip(judged, words, strict=True)
        if one.verdict in ("a", "b") and a != b
    ]
    count = max(1, len(words))
    return {
        "words_a": sum(a for a, _ in words) / count,
        "words_b": sum(b for _, b in words) / count,
        "longer_won": sum(won) / len(won) if won else math.nan,
        "n": len(won),
    }
