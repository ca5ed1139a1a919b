"""The layout of a study, drawn with a seed: which rater sees which pair, on which side, and the attention checks."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from plural_tasks.human_study.key import Run, StudyRow
from plural_tasks.pairwise.pairs import Pair
from plural_tasks.utils.errors import ModPluralError

_LEAST_WORDS = 8
"""A shorter answer is no attention check: it could be mistaken for word salad, or word salad for it."""


@dataclass(frozen=True)
class ShownPair:
    """What a rater reads of one row: the only part of a design that goes into a rater's file."""

    item: str
    situation: str
    answers: tuple[str, str]


@dataclass(frozen=True)
class RaterSheet:
    """A rater's rows: what is shown, and what the key says of it, in the same order."""

    rater: str
    shown: tuple[ShownPair, ...]
    rows: tuple[StudyRow, ...]


def design(
    pairs: Sequence[Pair], spare: Sequence[Pair], *, raters: int, per_pair: int, checks: int, seed: int
) -> list[RaterSheet]:
    """Lay out a study.

    Every pair is shown to ``per_pair`` raters, raters get equal numbers of pairs (give or take one), and each rater
    sees half of the pairs with run A's answer first (give or take one). Rows are shuffled, checks among them.

    Args:
        pairs: The pairs to be rated.
        spare: Pairs that are not rated; attention checks are made of these first, so that no situation is met twice.
        raters: Number of raters.
        per_pair: Raters for each pair.
        checks: Attention checks for each rater.
        seed: The same seed gives the same layout.

    Raises:
        ModPluralError: If the numbers do not fit one another.
    """
    rng = random.Random(f"study {seed}")
    width = max(2, len(str(raters)))
    sheets = []
    for number, chosen in enumerate(assign(len(pairs), raters, per_pair, rng), start=1):
        real = _sided([pairs[index] for index in chosen], rng)
        free = [pair for index, pair in enumerate(pairs) if index not in set(chosen)]
        drafts = [*real, *_checks(spare, free, pairs, checks, rng)]
        rng.shuffle(drafts)
        sheets.append(_numbered(f"rater-{number:0{width}d}", drafts))
    return sheets


def assign(n_pairs: int, raters: int, per_pair: int, rng: random.Random) -> list[list[int]]:
    """Give every pair to ``per_pair`` different raters so that loads differ by one at most.

    Each pair goes to those who have least so far, ties broken at random: raters are mixed anew for every pair, so that
    the whole study hangs together.

    Returns:
        Indices of pairs, one list for each rater.

    Raises:
        ModPluralError: If there are too few raters, or so many that some would have nothing to do.
    """
    if not 1 <= per_pair <= raters:
        raise ModPluralError(f"--per_pair: found {per_pair}, expected 1 to {raters}, the number of raters.")
    if n_pairs * per_pair < raters:
        raise ModPluralError(
            f"--raters: {n_pairs} pairs x {per_pair} ratings are {n_pairs * per_pair}, fewer than {raters} raters; "
            "take fewer raters, more pairs or more ratings of each pair."
        )
    loads: list[list[int]] = [[] for _ in range(raters)]
    order = list(range(n_pairs))
    rng.shuffle(order)
    for pair in order:
        ranked = sorted(loads, key=lambda load: (len(load), rng.random()))
        for load in ranked[:per_pair]:
            load.append(pair)
    return loads


@dataclass(frozen=True)
class _Draft:
    """A row before it has its number."""

    pair: Pair
    answers: tuple[str, str]
    first: Run | None = None
    check: Literal["1", "2"] | None = None


def _sided(pairs: Sequence[Pair], rng: random.Random) -> list[_Draft]:
    """Rows of pairs in random order, in which the runs take turns at standing first; the first turn is drawn."""
    sides: list[Run] = ["a", "b"]
    rng.shuffle(sides)
    firsts = [sides[number % 2] for number in range(len(pairs))]
    return [
        _Draft(pair, (pair.a, pair.b) if first == "a" else (pair.b, pair.a), first=first)
        for pair, first in zip(pairs, firsts, strict=True)
    ]


def _checks(
    spare: Sequence[Pair], free: Sequence[Pair], pairs: Sequence[Pair], count: int, rng: random.Random
) -> list[_Draft]:
    """Rows in which one answer is word salad from other situations.

    The other one is a real answer, of run A and run B in turn.
    """
    made = []
    hosts = [rng.sample(list(group), len(group)) for group in (spare, free)]
    candidates = [pair for group in hosts for pair in group if _long_enough(pair.a) and _long_enough(pair.b)]
    if len(candidates) < count:
        raise ModPluralError(
            f"--checks: found {count}, expected {len(candidates)} at most: a check needs a situation that its rater "
            f"does not rate, with two answers of {_LEAST_WORDS} words or more. Rate fewer of the pairs (--limit), or "
            "take more raters."
        )
    for number, host in enumerate(candidates[:count]):
        real = host.a if number % 2 else host.b
        salad = _salad([pair for pair in [*pairs, *spare] if pair.situation != host.situation], real, rng)
        right: Literal["1", "2"] = rng.choice(("1", "2"))
        answers = (real, salad) if right == "1" else (salad, real)
        made.append(_Draft(host, answers, check=right))
    return made


def _long_enough(text: str) -> bool:
    return len(text.split()) >= _LEAST_WORDS


def _salad(others: Sequence[Pair], real: str, rng: random.Random) -> str:
    """Words of other situations' answers in random order, as many as the real answer has (12 at least)."""
    some = rng.sample(others, min(5, len(others)))
    words = [word for pair in some for text in (pair.a, pair.b) for word in text.split()]
    if not words:
        raise ModPluralError("--checks: attention checks need answers to at least two situations; use --checks 0.")
    return " ".join(rng.choices(words, k=max(12, len(real.split()))))


def _numbered(rater: str, drafts: Sequence[_Draft]) -> RaterSheet:
    width = max(2, len(str(len(drafts))))
    named = [(f"{number:0{width}d}", draft) for number, draft in enumerate(drafts, start=1)]
    return RaterSheet(
        rater,
        tuple(ShownPair(item, draft.pair.situation, draft.answers) for item, draft in named),
        tuple(StudyRow(item=item, pair=draft.pair.id, first=draft.first, check=draft.check) for item, draft in named),
    )
