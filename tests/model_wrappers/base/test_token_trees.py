"""Sequences in rows: what is shared stands once, and every token sees its own past only."""

import pytest

from model_wrappers.base.token_trees import common_start, lay_out

TRUNK = tuple(range(100, 108))
ONE, OTHER = (*TRUNK, 1, 2), (*TRUNK, 3)


def test_sequences_that_begin_alike_share_a_row() -> None:
    (row,) = lay_out([OTHER, ONE, ONE])
    # 8 tokens of the trunk, 2 of one branch and 1 of the other.
    assert row.tokens == [*TRUNK, 1, 2, 3]
    assert row.depths == [*range(10), 8]
    assert row.paths == {ONE: list(range(10)), OTHER: [*range(8), 10]}
    assert not row.plain


def test_a_token_sees_its_ancestors_and_itself() -> None:
    (row,) = lay_out([ONE, OTHER])
    seen = row.seen()
    assert seen[10].nonzero()[0].tolist() == [*range(8), 10]
    assert seen[9].nonzero()[0].tolist() == list(range(10))
    assert seen[3].nonzero()[0].tolist() == [0, 1, 2, 3]


def test_a_beginning_of_another_costs_nothing_and_needs_no_mask() -> None:
    (row,) = lay_out([TRUNK, ONE, (*ONE, 5)], share=False, pair=9.0)
    assert row.tokens == [*ONE, 5]
    assert row.plain
    assert [len(path) for path in row.paths.values()] == [8, 10, 11]


@pytest.mark.parametrize(
    ("sequences", "options"),
    [
        ([ONE, OTHER], {"share": False}),
        ([ONE, (*TRUNK[:2], 7, 7, 7, 7)], {"pair": 0.01}),  # ONE: 8 + .02 (14^2 - 6^2) = 11.2 against 10 + .5
        ([(1, 2), (3, 4)], {}),  # nothing in common
    ],
)
def test_rows_of_their_own(sequences, options) -> None:
    rows = lay_out(sequences, **options)
    assert [row.tokens for row in rows] == [list(one) for one in sorted(sequences, key=lambda one: (-len(one), one))]
    assert all(row.plain for row in rows)


def test_what_attention_costs_decides_which_rows_are_shared() -> None:
    pair = [ONE, (*TRUNK[:2], 7, 7, 7, 7)]
    (shared,) = lay_out(pair, pair=0.005)  # 8 + .01 (14^2 - 6^2) = 9.6 against 10 + .25
    assert len(shared.tokens) == 14
    (same,) = lay_out([ONE, OTHER], pair=0.3)  # 1 + .6 x 21 = 13.6 against 9 + .3 x 40.5 = 21.15
    assert len(same.tokens) == 11


def test_a_chain_that_branches_is_a_tree() -> None:
    (row,) = lay_out([TRUNK, ONE, OTHER])
    assert not row.plain
    assert row.paths[TRUNK] == list(range(8))


def test_shared_rows_come_first_and_of_each_kind_the_longest() -> None:
    assert [len(row.tokens) for row in lay_out([(1,), (2, 3, 4), (5, 6)])] == [3, 2, 1]
    assert [row.plain for row in lay_out([(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), ONE, OTHER])] == [False, True]


def test_common_start() -> None:
    assert common_start((1, 2, 3), (1, 2, 4, 5)) == 2
    assert common_start((1, 2), (1, 2, 4)) == 2
    assert common_start((), (1,)) == 0
