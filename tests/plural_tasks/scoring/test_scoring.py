"""Per-document figures, worked out by hand."""

import math
from typing import Any

import pytest

from plural_tasks import scoring
from plural_tasks.judges.judging import JudgedAnswer
from plural_tasks.scoring.elicited import read_choices, read_distribution

NEVER = -math.inf


def scored(*probabilities: float) -> list[tuple[float, bool]]:
    """What the harness hands over for options of these probabilities."""
    return [(math.log(value) if value else NEVER, False) for value in probabilities]


def closed(n: int, orders: list[list[int]] | None = None, **fields: Any) -> dict[str, Any]:
    """A document with ``n`` options."""
    return {
        "id": "q1",
        "options": ["Support", "Oppose", "Either", "Other"][:n],
        "orders": orders or [list(range(n))],
        "gold_distribution": [],
        "dont_know": [],
        "ordinal": False,
        "attribute": "",
        "stratum": "",
        "category": "",
        "study": "",
        "fault": "",
        "cluster": "c1",
        **fields,
    }


# sqrt(.311278), worked in the metric cases, and the same in natural units: sqrt(.311278 ln 2) = sqrt(.215761)
POINT_TO_UNIFORM = 0.557923
POINT_TO_UNIFORM_NAT = 0.464501
NAN = math.nan


def js(p: list[float], q: list[float]) -> float:
    """Jensen-Shannon distance by its definition, base 2."""
    middle = [(x + y) / 2 for x, y in zip(p, q, strict=True)]
    terms = [x * math.log2(x / m) for side in (p, q) for x, m in zip(side, middle, strict=True) if x > 0]
    return math.sqrt(sum(terms) / 2)


JS_08, JS_02 = js([1.0, 0.0], [0.8, 0.2]), js([0.0, 1.0], [0.8, 0.2])
JS_UNIFORM = js([0.5, 0.5], [0.8, 0.2])


@pytest.mark.parametrize(
    ("gold", "answers", "expected"),
    [
        # shares .4/.8, .2/.8, .2/.8 equal the gold
        ([0.5, 0.25, 0.25], scored(0.4, 0.2, 0.2), (0.0, 0.0, 0.0, 1.0, 0.8, 0.0)),
        # the gold is tied, so either option is a match
        ([0.5, 0.5], scored(0.3, 0.0), (POINT_TO_UNIFORM, POINT_TO_UNIFORM_NAT, 0.5, 1.0, 0.3, 0.0)),
        ([0.5, 0.5], scored(0.0, 0.3), (POINT_TO_UNIFORM, POINT_TO_UNIFORM_NAT, 0.5, 1.0, 0.3, 0.0)),
        # disjoint: 1 in base 2, sqrt(ln 2) in natural units
        ([1.0, 0.0], scored(0.0, 1.0), (1.0, 0.832555, 1.0, 0.0, 1.0, 0.0)),
        # the model is tied: half of what it would say is right
        ([0.0, 1.0], scored(0.5, 0.5), (POINT_TO_UNIFORM, POINT_TO_UNIFORM_NAT, 0.5, 0.5, 1.0, 0.0)),
        # no mass: the uniform distribution is compared, never a match, and counted
        ([1.0, 0.0], scored(0.0, 0.0), (POINT_TO_UNIFORM, POINT_TO_UNIFORM_NAT, 0.5, 0.0, 0.0, 1.0)),
        ([0.5, 0.5], [(NAN, False)] * 2, (0.0, 0.0, 0.0, 0.0, 0.0, 1.0)),
        # a single option cannot be missed, so it is not scored
        ([1.0], scored(0.2), (NAN, NAN, NAN, NAN, 0.2, 0.0)),
    ],
)
def test_distributional(gold: list[float], answers: list[Any], expected: tuple[float, ...]) -> None:
    names = ("js_distance", "js_distance_nat", "tv_distance", "argmax_match", "option_mass", "fallback_rate")
    figures = scoring.distributional(closed(len(gold), gold_distribution=gold), answers)
    assert {name: figures[name] for name in names} == pytest.approx(
        dict(zip(names, expected, strict=True)), abs=2e-6, nan_ok=True
    )


def test_distributional_shares_survive_a_mass_too_small_for_a_float() -> None:
    # e^-1000 is 0 as a float, but the ratio of the two is 3:1, as in the gold
    answers = [(-1000.0, False), (-1000.0 - math.log(3), False)]
    figures = scoring.distributional(closed(2, gold_distribution=[0.75, 0.25]), answers)
    assert figures["js_distance"] == pytest.approx(0.0, abs=1e-6)
    assert (figures["argmax_match"], figures["option_mass"], figures["fallback_rate"]) == (1.0, 0.0, 0.0)


def test_orders_are_put_back_and_averaged() -> None:
    # first order: P(0) = .8; the second shows option 1 first: .6 of a mass of .8, so P(1) = .75, P(0) = .25
    doc = closed(2, orders=[[0, 1], [1, 0]], gold_distribution=[0.525, 0.475])
    answer = read_distribution(doc, scored(0.8, 0.2, 0.6, 0.2))
    assert answer.shares == pytest.approx([0.525, 0.475])  # (.8 + .25) / 2
    assert answer.first == pytest.approx([0.8, 0.2])
    assert answer.mass == pytest.approx(0.9)  # (1 + .8) / 2
    assert answer.spread == pytest.approx(0.275)  # both orders are .275 from the mean
    assert answer.fallback == 0.0
    figures = scoring.distributional(doc, scored(0.8, 0.2, 0.6, 0.2))
    assert figures["js_distance"] == pytest.approx(0.0, abs=1e-7)
    assert figures["paper_js_distance"] > 0.2  # the published code shows one order


def test_an_order_without_mass_is_left_out_and_counted() -> None:
    answer = read_distribution(closed(2, orders=[[0, 1], [1, 0]]), scored(0.0, 0.0, 0.1, 0.3))
    assert answer.shares == pytest.approx([0.75, 0.25])
    assert answer.first is None
    assert answer.fallback == 0.5


def test_results_that_do_not_fit_the_orders_are_refused() -> None:
    with pytest.raises(ValueError, match="3 results for 2 options in 2 orders"):
        read_distribution(closed(2, orders=[[0, 1], [1, 0]]), scored(0.1, 0.1, 0.1))


def test_always_taking_what_is_first_is_uniform_when_both_orders_are_shown() -> None:
    one = scoring.distributional(closed(2, gold_distribution=[1.0, 0.0]), scored(0.5, 0.5))
    two = scoring.distributional(
        closed(2, orders=[[0, 1], [1, 0]], gold_distribution=[1.0, 0.0]), scored(0.5, 0.5, 0.5, 0.5)
    )
    assert (one["baseline_first"], one["baseline_uniform"]) == pytest.approx((0.0, POINT_TO_UNIFORM), abs=1e-6)
    assert (two["baseline_first"], two["baseline_uniform"]) == pytest.approx((POINT_TO_UNIFORM,) * 2, abs=1e-6)
    # no place hides the gold either: both are uniform over the two orders
    assert two["baseline_majority"][1] == pytest.approx([POINT_TO_UNIFORM] * 2, abs=1e-6)


def test_dont_know_is_left_out_on_both_sides_but_not_in_the_published_scoring() -> None:
    # without the third: gold .4/.5, .1/.5 = .8, .2; model .64/.8, .16/.8 = .8, .2
    doc = closed(3, gold_distribution=[0.4, 0.1, 0.5], dont_know=[2], ordinal=True)
    figures = scoring.distributional(doc, scored(0.64, 0.16, 0.2))
    assert (figures["js_distance"], figures["tv_distance"], figures["wasserstein"]) == pytest.approx(
        (0, 0, 0), abs=1e-7
    )
    assert figures["argmax_match"] == 1.0
    assert figures["paper_argmax_match"] == 0.0  # there the gold's first option is don't-know
    assert figures["paper_js_distance"] > 0.1
    # always A or B: .4/.5 or .1/.5 against a point; C says nothing of the two: uniform
    assert figures["baseline_majority"][0] == 1.0
    assert figures["baseline_majority"][1] == pytest.approx([JS_08, JS_02, JS_UNIFORM])
    only = scoring.distributional({**doc, "dont_know": [1, 2]}, scored(0.64, 0.16, 0.2))
    assert math.isnan(only["js_distance"])
    assert only["baseline_majority"] == (1.0, [])
    silent = scoring.distributional(doc, scored(0.0, 0.0, 0.2))
    assert silent["fallback_rate"] == 1.0


def test_groups_and_clusters_travel_with_the_figure() -> None:
    doc = closed(2, gold_distribution=[1.0, 0.0], attribute="Ghana")
    figures = scoring.distributional(doc, scored(0.0, 1.0))
    assert figures["js_distance_stderr"] == (1.0, "c1")
    assert figures["by_group"] == figures["worst_group"] == (1.0, "Ghana", "c1")
    other = scoring.distributional({**doc, "stratum": "Africa"}, scored(0.0, 1.0))
    assert (other["by_group"][1], other["by_stratum"][1], other["worst_group"][1]) == ("Ghana", "Africa", "Africa")


@pytest.mark.parametrize(
    ("gold", "answers", "expected"),
    [
        ([1], scored(0.1, 0.6, 0.1), (1.0, 0.8, 0.0, 1.0)),
        ([0], scored(0.1, 0.6, 0.1), (0.0, 0.8, 0.0, 0.0)),
        # tied gold: either index is right; the published code knows the first alone
        ([0, 2], scored(0.1, 0.2, 0.3), (1.0, 0.6, 0.0, 0.0)),
        ([0, 2], scored(0.1, 0.3, 0.2), (0.0, 0.6, 0.0, 0.0)),
        # tied model: half right; the published code takes its first
        ([0], scored(0.3, 0.3), (0.5, 0.6, 0.0, 1.0)),
        ([1], scored(0.3, 0.3), (0.5, 0.6, 0.0, 0.0)),
        # no mass: wrong even where the first option is right, and counted; the published code takes the first
        ([0], scored(0.0, 0.0), (0.0, 0.0, 1.0, 1.0)),
        ([1], [(-1000.0, False), (-999.0, False)], (1.0, 0.0, 0.0, 1.0)),
        ([0], scored(0.4), (NAN, 0.4, 0.0, 1.0)),
    ],
)
def test_steerable_scored(gold: list[int], answers: list[Any], expected: tuple[float, ...]) -> None:
    figures = scoring.steerable_scored(closed(len(answers), gold=gold), answers)
    names = ("accuracy", "option_mass", "fallback_rate", "paper_accuracy")
    assert {name: figures[name] for name in names} == pytest.approx(
        dict(zip(names, expected, strict=True)), abs=1e-12, nan_ok=True
    )


def test_a_document_with_a_known_fault_counts_in_the_published_scoring_alone() -> None:
    fault = {"fault": "options were cut"}
    steered = scoring.steerable_scored(closed(2, gold=[0], **fault), scored(0.6, 0.4))
    assert math.isnan(steered["accuracy"])
    assert math.isnan(steered["baseline_uniform"])
    assert steered["baseline_unsteered"] == ("c1", [])
    assert steered["paper_accuracy"] == 1.0
    spread = scoring.distributional(closed(2, gold_distribution=[1.0, 0.0], **fault), scored(0.6, 0.4))
    assert all(math.isnan(spread[name]) for name in ("js_distance", "entropy", "argmax_match", "baseline_first"))
    assert spread["paper_argmax_match"] == 1.0


@pytest.mark.parametrize(
    ("gold", "answer", "accuracy", "fallback", "paper"),
    [
        ([1], "B. Oppose", 1.0, 0.0, 1.0),
        ([0], "B. Oppose", 0.0, 0.0, 0.0),
        ([0, 1], "They would oppose it", 1.0, 0.0, 0.0),
        # the published rules find the letter A in the first word
        ([1], "Answer: B", 1.0, 0.0, 0.0),
        ([0], "Hard to say", 0.0, 1.0, 0.0),
        ([0], "", 0.0, 1.0, 0.0),
    ],
)
def test_steerable_generated(gold: list[int], answer: str, accuracy: float, fallback: float, paper: float) -> None:
    doc = closed(3, gold=gold)
    expected = {"accuracy": accuracy, "fallback_rate": fallback, "paper_accuracy": paper}
    figures = scoring.steerable_generated(doc, [answer])
    assert {name: figures[name] for name in expected} == expected
    # with repeats the harness hands over a list; the first answer counts
    assert scoring.steerable_generated(doc, [[answer, "C", "C"]]) == figures


def test_generated_answers_are_read_in_the_order_shown() -> None:
    # B is option 1 in the study's order and option 1 of [2, 1, 0]; A is 0 and then 2
    doc = closed(3, orders=[[0, 1, 2], [2, 1, 0], [1, 2, 0]], gold=[2])
    choices = read_choices(doc, ["A", "A", "no idea"])
    assert choices.picked == (0, 2, None)
    assert (choices.spread, choices.fallback) == pytest.approx((2 / 3, 1 / 3))
    figures = scoring.steerable_generated(doc, ["A", "A", "no idea"])
    assert figures["accuracy"] == pytest.approx(1 / 3)
    assert figures["balanced_accuracy"] == ("Either", ["Support", "Either", None])
    assert figures["baseline_first"] == pytest.approx(1 / 3)
    assert figures["baseline_majority"][1] == pytest.approx([1 / 3, 1 / 3, 1 / 3])  # once in each place
    assert figures["paper_macro_f1"] == ("C", "A")


def judged(**fields: Any) -> JudgedAnswer:
    made: dict[str, Any] = {
        "sentences": ("Two words.", "Three more words."),
        "scores": (),
        "reverse_scores": (),
        "value_coverage": (0.4,),
        "coverage": 0.4,
        "coverage_reverse": 0.2,
        "coverage_33": 1.0,
        "coverage_per_sentence": 0.2,
        "contradiction_rate": 0.0,
        "n_sentences": 2,
        "paper_coverage": 0.4,
        "paper_coverage_33": 1.0,
    }
    return JudgedAnswer(**{**made, **fields})


def test_overton() -> None:
    figures = scoring.overton(closed(0), "Two words. Three more words.", judged(), judged(coverage=0.1), "word@1")
    assert figures["coverage"] == 0.4
    assert figures["coverage_stderr"] == (0.4, "c1")
    assert (figures["n_sentences"], figures["n_words"], figures["fallback_rate"]) == (2.0, 5.0, 0.0)
    assert (figures["baseline_question"], figures["judge"]) == (0.1, "word@1")
    assert (figures["paper_coverage"], figures["paper_coverage_33"]) == (0.4, 1.0)
    empty = scoring.overton(
        closed(0), " \n", judged(coverage=0.0, paper_coverage=-1.0, paper_coverage_33=0.0), judged(), "word@1"
    )
    assert (empty["fallback_rate"], empty["paper_coverage"], empty["paper_coverage_33"]) == (1.0, -1.0, 0.0)
