"""Token sequences that begin alike, laid out so that what they share is computed once.

A row of a batch holds a tree of tokens: each sees its ancestors only and has its depth as position, so that a causal
LM computes on every path what it would compute on that sequence alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

Tokens = tuple[int, ...]

MASKED = 2.0
"""How much more work a pair is where a mask says who sees whom; kernels for causal attention need none. A guess."""
PAIR = 2.7
"""Work of attention between two tokens, over the hidden size, in units of all other work for one token.

Taken, not measured: as if attention took a third as long as the rest at 148 tokens of a model of 576. It decides what
is shared, and no figure. The attention kernel's part of scoring is in the profiles of ``benchmarks/speed.md``.
"""


@dataclass(frozen=True)
class TokenRow:
    """One row of a batch.

    Attributes:
        tokens: All tokens, every parent before its children.
        depths: Position of each token in its sequences.
        paths: Sequence -> places of its tokens in the row.
    """

    tokens: list[int]
    depths: list[int]
    paths: dict[Tokens, list[int]]

    @property
    def plain(self) -> bool:
        """Whether the row is a single sequence, with or without beginnings of it."""
        return self.depths == list(range(len(self.tokens)))

    def seen(self) -> np.ndarray:
        """What each token sees: itself and its ancestors (tokens x tokens, bool)."""
        seen = np.zeros((len(self.tokens),) * 2, dtype=bool)
        for path in self.paths.values():
            seen[np.ix_(path, path)] |= np.tri(len(path), dtype=bool)
        return seen


def lay_out(sequences: Sequence[Tokens], *, share: bool = True, pair: float = 0.0) -> list[TokenRow]:
    """Put sequences into rows, those that begin alike together where that is less work.

    In a row attention is computed between all tokens, seen or not; in a row of one sequence between half of the pairs.

    Args:
        sequences: None is empty; one that is given twice is computed once.
        share: Whether different continuations may stand in one row (a sequence's own beginnings always do).
        pair: Work of attention between two tokens, in units of all other work for one token.

    Returns:
        Rows of several sequences, then plain ones; of each the longest first.
    """
    rows = [_row(group) for group in _groups(sorted(set(sequences)), share, pair)]
    return sorted(rows, key=lambda row: (row.plain, -len(row.tokens)))


def _groups(ordered: Sequence[Tokens], share: bool, pair: float) -> Iterator[list[Tokens]]:
    """Sequences in lexicographical order, so that each has most in common with its neighbour."""
    group: list[Tokens] = []
    size, chain = 0, True  # a chain: each is the beginning of the next
    for sequence in ordered:
        common = common_start(group[-1], sequence) if group else 0
        new = len(sequence) - common
        goes_on = chain and bool(group) and common == len(group[-1])
        fits = share and common > 0 and _is_less_work(size, new, len(sequence), pair)
        if group and not goes_on and not fits:
            yield group
            group, size, new, goes_on = [], 0, len(sequence), True
        size, chain = size + new, goes_on or not group
        group.append(sequence)
    if group:
        yield group


def _is_less_work(size: int, new: int, length: int, pair: float) -> bool:
    """Whether adding ``new`` tokens to a row of ``size`` is less work than reading a sequence of ``length`` alone."""
    together = new + MASKED * pair * ((size + new) ** 2 - size**2)
    return together < length + pair * length**2 / 2


def _row(group: Sequence[Tokens]) -> TokenRow:
    tokens: list[int] = []
    depths: list[int] = []
    paths: dict[Tokens, list[int]] = {}
    before: Tokens = ()
    path: list[int] = []
    for sequence in group:
        common = common_start(before, sequence)
        path = path[:common] + list(range(len(tokens), len(tokens) + len(sequence) - common))
        tokens.extend(sequence[common:])
        depths.extend(range(common, len(sequence)))
        paths[sequence] = path
        before = sequence
    return TokenRow(tokens, depths, paths)


def common_start(one: Tokens, other: Tokens) -> int:
    """How many tokens two sequences have in common from the start."""
    pairs = zip(one, other, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
