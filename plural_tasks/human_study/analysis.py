"""What raters' choices say: verdicts on runs, win rate, agreement between raters, and with a judge."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Literal

from plural_tasks.human_study.key import Choice, Key, StudyRow
from plural_tasks.human_study.read import Returned
from plural_tasks.pairwise.rates import SCORES, agreement, rates
from plural_tasks.pairwise.summary import leaning
from plural_tasks.pairwise.verdicts import Position, Verdict, as_verdict
from plural_tasks.utils.errors import ModPluralError

MAX_FAILED = 1
"""Attention checks that a rater may fail; see `failed_checks`."""

METHOD = "two-way clustered by situation and rater (Cameron, Gelbach and Miller 2011)"
"""How a study's 95 % intervals are made: taste and habit belong to raters, who each rate many situations."""

_PLACES: dict[Choice, Position] = {"1": "first", "2": "second", "tie": "tie"}
_LEANS: dict[Choice, float] = {"1": 1.0, "2": -1.0, "tie": 0.0}


@dataclass(frozen=True)
class Rating:
    """One rater's verdict on one pair; ``lean`` is +1 for the answer shown first, -1 for the second, 0 for a tie."""

    pair: str
    rater: str
    verdict: Verdict
    lean: float


def ratings(returned: Sequence[Returned], key: Key) -> list[Rating]:
    """Turn choices into verdicts on runs; attention checks are left out."""
    return [
        Rating(row.pair, one.rater, _verdict(row, one.choices[row.item]), _LEANS[one.choices[row.item]])
        for one in returned
        for row in key.rows_of(one.rater)
        if row.first is not None
    ]


def _verdict(row: StudyRow, choice: Choice) -> Verdict:
    return as_verdict(_PLACES[choice], "ab" if row.first == "a" else "ba")


def failed_checks(one: Returned, key: Key) -> tuple[int, int]:
    """How many attention checks a rater failed, and how many there were.

    A check is failed by any choice but the real answer. Someone who chooses at random passes four checks with one
    failure at most in 11 % of cases: (1/3)^4 + 4 (1/3)^3 (2/3) = 9/81.
    """
    checks = [row for row in key.rows_of(one.rater) if row.check is not None]
    return sum(one.choices[row.item] != row.check for row in checks), len(checks)


def alpha(rated: Sequence[Rating], level: Literal["nominal", "ordinal"] = "nominal") -> float:
    """Krippendorff's alpha of verdicts (Krippendorff 2011, Computing Krippendorff's alpha-reliability).

    1 is full agreement, 0 what chance gives; pairs with one rating count for nothing.

    Args:
        rated: The ratings; a rater rates a pair once.
        level: ``nominal`` (a, tie and b are three different things) or ``ordinal`` (a tie lies between them).

    Returns:
        Alpha; NaN where no pair has two ratings, or all verdicts are the same.

    Raises:
        ModPluralError: If the package krippendorff is not installed.
    """
    raters = sorted({one.rater for one in rated})
    counts = Counter(one.pair for one in rated)
    pairs = [pair for pair in dict.fromkeys(one.pair for one in rated) if counts[pair] > 1]
    scores = {(one.rater, one.pair): SCORES[one.verdict] for one in rated}
    table = [[scores.get((rater, pair), math.nan) for pair in pairs] for rater in raters]
    if len({score for row in table for score in row if not math.isnan(score)}) < 2:
        return math.nan
    try:
        import krippendorff
    except ImportError as error:
        raise ModPluralError(
            "Krippendorff's alpha needs the package krippendorff: pip install krippendorff, or modplural[study]."
        ) from error
    return float(krippendorff.alpha(reliability_data=table, level_of_measurement=level))


def majority(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict with most votes; a tie where several have most."""
    votes = Counter(verdicts).most_common()
    leading = [verdict for verdict, count in votes if count == votes[0][1]]
    return leading[0] if len(leading) == 1 else "tie"


def report(
    key: Key, returned: Sequence[Returned], *, max_failed: int = MAX_FAILED, judge: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Work out a study, as plain JSON.

    Args:
        key: The study's key.
        returned: What raters sent back.
        max_failed: Raters who fail more attention checks than this are excluded, and listed.
        judge: What `modplural judge` wrote about the same pairs, to compare people with it.

    Returns:
        ``raters`` (asked, returned, excluded with their failed checks, kept), ``rates`` over single verdicts (see
        `plural_tasks.pairwise.rates.Rates`), ``majority`` (rates of the majority verdict of each pair, without error:
        one rater is part of many majorities, and a majority has no one rater to cluster by), ``alpha`` (nominal,
        ordinal, and the pairs with two ratings or more), ``position_bias``, ``intervals`` (how those of ``rates`` and
        ``position_bias`` are made: two-way clustered by situation and rater, t with the smaller effective number of
        clusters - 1 degrees of freedom; NaN for one rater or one situation), ``seconds`` (median for a pair; NaN where
        no file tells), ``pairs`` (planned, rated, and those with fewer ratings than planned), ``situations`` (one row
        for each pair), and with a judge ``judge`` (agreement of its verdicts with the majority's).

    Raises:
        ModPluralError: If the judge's file is of other pairs.
    """
    failed = {one.rater: failed_checks(one, key) for one in returned}
    kept = [one for one in returned if failed[one.rater][0] <= max_failed]
    rated = ratings(kept, key)
    clusters = {pair.id: pair.cluster for pair in key.pairs}
    groups, names = [clusters[one.pair] for one in rated], [one.rater for one in rated]
    people = rates([one.verdict for one in rated], groups, names)
    rows = _situations(key, rated)
    voted: dict[str, Verdict] = {row["pair"]: row["majority"] for row in rows if row["n"]}
    made = {
        "study": key.study,
        "task": key.task,
        "runs": dict(key.runs),
        "raters": {"asked": len(key.raters), "returned": len(returned), **_excluded(failed, max_failed)},
        "rates": asdict(people),
        "majority": _majorities(voted),
        "alpha": _alphas(rated, rows),
        "position_bias": leaning([one.lean for one in rated], groups, names),
        "intervals": {"method": METHOD, "degrees_of_freedom": people.n_effective - 1.0},
        "seconds": _seconds(kept),
        "pairs": _pairs(key, rows),
        "situations": rows,
    }
    return made if judge is None else {**made, "judge": _against_judge(key, voted, judge)}


def _excluded(failed: Mapping[str, tuple[int, int]], max_failed: int) -> dict[str, Any]:
    names = [name for name, (count, _) in failed.items() if count > max_failed]
    rows = [{"rater": name, "failed": failed[name][0], "checks": failed[name][1]} for name in names]
    return {"kept": len(failed) - len(rows), "max_failed": max_failed, "excluded": rows}


def _majorities(voted: Mapping[str, Verdict]) -> dict[str, Any]:
    made = asdict(rates(list(voted.values()), list(voted)))
    names = ("n", "wins", "ties", "losses", "win_share", "tie_share", "loss_share", "win_rate")
    return {name: made[name] for name in names}


def _alphas(rated: Sequence[Rating], rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    several = sum(row["n"] > 1 for row in rows)
    return {"nominal": alpha(rated), "ordinal": alpha(rated, "ordinal"), "pairs": several}


def _seconds(kept: Sequence[Returned]) -> float:
    """The median for a pair; NaN where no file tells."""
    seconds = [value for one in kept for value in one.seconds.values()]
    return median(seconds) if seconds else math.nan


def _pairs(key: Key, rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    counts = [row["n"] for row in rows]
    short = sum(count < key.per_pair for count in counts)
    return {"planned": len(counts), "rated": sum(map(bool, counts)), "per_pair": key.per_pair, "short": short}


def _situations(key: Key, rated: Sequence[Rating]) -> list[dict[str, Any]]:
    rows = []
    for pair in key.pairs:
        verdicts = [one.verdict for one in rated if one.pair == pair.id]
        counts = Counter(verdicts)
        row = {"pair": pair.id, "situation": pair.situation, "n": len(verdicts)}
        row |= {"wins": counts["a"], "ties": counts["tie"], "losses": counts["b"]}
        row["win_rate"] = math.fsum(SCORES[verdict] for verdict in verdicts) / len(verdicts) if verdicts else math.nan
        row["majority"] = majority(verdicts) if verdicts else ""
        rows.append(row)
    return rows


def _against_judge(key: Key, voted: Mapping[str, Verdict], judge: Mapping[str, Any]) -> dict[str, Any]:
    """Agreement of a judge's combined verdicts with people's majority, over the pairs that both have.

    Pairs are known by their content, so that a judge who saw other answers is noticed.
    """
    said = {row["pair"]: row["verdict"] for row in judge["verdicts"]}
    both = [(voted[pair.id], said[pair.digest]) for pair in key.pairs if pair.id in voted and pair.digest in said]
    if not both:
        raise ModPluralError(
            "--judge: has no verdict on any rated pair of this study; judge the same two runs, in the same order, with "
            "the same --limit and --seed."
        )
    people, machine = zip(*both, strict=True)
    return {**asdict(agreement(people, machine)), "pairs": len(both), "of": len(voted)}
