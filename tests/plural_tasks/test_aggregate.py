"""Figures over a whole task, worked out by hand."""

import math

import pytest

from plural_tasks import aggregate

NAN = math.nan


def test_mean_and_count_leave_out_what_cannot_be_scored() -> None:
    assert aggregate.mean([1.0, NAN, 0.0]) == 0.5
    assert aggregate.count([1.0, NAN, 0.0]) == 2
    assert math.isnan(aggregate.mean([NAN]))
    assert aggregate.count([NAN]) == 0


def test_standard_error_is_clustered_by_question() -> None:
    # mean 1/2; cluster sums of deviations: a: +.5 +.5 = 1, b: -.5 -.5 = -1; sqrt(2/1 * (1 + 1)) / 4 = .5
    assert aggregate.clustered_se([(1.0, "a"), (1.0, "a"), (0.0, "b"), (0.0, "b")]) == pytest.approx(0.5)
    # each on its own: sqrt(4/3 * 4 * .25) / 4
    alone = [(1.0, "a"), (1.0, "b"), (0.0, "c"), (0.0, "d")]
    assert aggregate.clustered_se(alone) == pytest.approx(math.sqrt(4 / 3) / 4)


def test_groups_and_the_worst_off() -> None:
    rows = [(1.0, "rich", "q")] * 40 + [(0.25, "poor", "q")] * 30 + [(0.0, "few", "q")] * 29 + [(0.0, "", "q")]
    found = aggregate.by_group(rows)
    assert [(record["group"], record["n"], record["mean"]) for record in found] == [
        ("few", 29, 0.0),
        ("poor", 30, 0.25),
        ("rich", 40, 1.0),
    ]
    assert str(found) == "3 groups, 0.0000 to 1.0000"
    assert aggregate.lowest_group(rows) == 0.25  # 29 documents are too few to be called the worst
    assert aggregate.highest_group(rows) == 1.0
    assert math.isnan(aggregate.lowest_group(rows[-3:]))
    assert str(aggregate.by_group([(NAN, "x", "q")])) == "no group"


def test_majority_always_answers_with_the_place_that_does_best() -> None:
    # accuracy: place 0: 0 + 0 + 1 + 1 + 0, place 1: 1 + 1 + 0 + 0 (there is none) + 1; of 5: 3
    up = [(0.0, [0.0, 1.0]), (0.0, [0.0, 1.0]), (0.0, [1.0, 0.0]), (0.0, [1.0]), (0.0, [0.0, 1.0]), (0.0, [])]
    assert aggregate.majority(up) == pytest.approx(3 / 5)
    # distance: place 0: .6 + .1, place 1: .3 + .3, place 2: .1 + 1 (there is none)
    down = [(1.0, [0.6, 0.3, 0.1]), (1.0, [0.1, 0.3]), (1.0, [])]
    assert aggregate.majority(down) == pytest.approx(0.6 / 2)
    assert math.isnan(aggregate.majority([(1.0, [])]))
    # tied golds: (0, 1), (0, 1), (1): always 1 is right three times
    tied = [(0.0, [1.0, 1.0]), (0.0, [1.0, 1.0]), (0.0, [0.0, 1.0])]
    assert aggregate.majority(tied) == 1.0


def test_an_answer_that_ignores_the_group() -> None:
    # question a: option 0 is right for two of three groups; b: option 1 for its only one; c cannot be scored
    records = [("a", [1.0, 0.0]), ("a", [1.0, 0.0]), ("a", [0.0, 1.0]), ("b", [0.0, 1.0]), ("c", [])]
    assert aggregate.unsteered(records) == pytest.approx(3 / 4)
    assert math.isnan(aggregate.unsteered([("c", [])]))


def test_every_question_counts_the_same() -> None:
    # a: (1 + 0 + 0) / 3, b: 1; a third question cannot be scored
    pairs = [(1.0, "a"), (0.0, "a"), (0.0, "a"), (1.0, "b"), (NAN, "c")]
    assert aggregate.mean_of_questions(pairs) == pytest.approx((1 / 3 + 1) / 2)


def test_figures_over_classes() -> None:
    # Support: recall 1.5 / 2 (one document's two orders disagree); Oppose: 0 / 1; Either: 1 / 1
    records = [
        ("Support", ["Support"]),
        ("Support", ["Support", "Either"]),
        ("Oppose", [None]),
        ("Either", ["Either"]),
    ]
    assert aggregate.balanced_accuracy(records) == pytest.approx((0.75 + 0 + 1) / 3)
    # F1: Support 2*1.5 / (2 + 1.5) = 6/7; Oppose 0; Either 2*1 / (1 + 1.5) = .8
    assert aggregate.macro_f1(records) == pytest.approx((6 / 7 + 0 + 0.8) / 3)
    # the documents that are not "Either": 1, .5, 0
    assert aggregate.binary_accuracy(records) == pytest.approx(0.5)
    assert aggregate.binary_balanced_accuracy(records) == pytest.approx(0.375)
    assert aggregate.binary_macro_f1(records) == pytest.approx((6 / 7 + 0) / 2)
    assert math.isnan(aggregate.binary_accuracy([("Either", ["Either"])]))
    # "Either" is said and never right: a class of its own, with an F1 of 0; Support 2/3, Oppose 1; binary: no class
    said = [("Support", ["Support"]), ("Support", ["Either"]), ("Oppose", ["Oppose"])]
    assert aggregate.macro_f1(said) == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert aggregate.binary_macro_f1(said) == pytest.approx((2 / 3 + 1) / 2)


def test_published_figures_over_classes() -> None:
    pairs = [("A", "A"), ("A", "C"), ("B", None), ("C", "C")]
    # recall A .5, B 0, C 1
    assert aggregate.paper_balanced_accuracy(pairs) == pytest.approx(0.5)
    # F1 A 2/3, B 0, C 2/3, and 0 for the unreadable class
    assert aggregate.paper_macro_f1(pairs) == pytest.approx(1 / 3)
    # rows without any C: (A, A), (B, None): accuracy 1/2; recall 1, 0; F1 1, 0, 0
    assert aggregate.paper_binary_accuracy(pairs) == 0.5
    assert aggregate.paper_binary_balanced_accuracy(pairs) == 0.5
    assert aggregate.paper_binary_macro_f1(pairs) == pytest.approx(1 / 3)


def test_one_judge_is_named_once() -> None:
    assert aggregate.shared_text(["nli@1", "nli@1"]) == "nli@1"
    assert aggregate.shared_text(["nli@1", "word@2"]) == "nli@1 / word@2"
