import math
from typing import Any

import pytest

from plural_tasks import scoring

NEVER = -math.inf


def scored(*probabilities: float) -> list[tuple[float, bool]]:
    """What the harness hands over for options of these probabilities."""
    return [(math.log(value) if value else NEVER, False) for value in probabilities]


# sqrt(.311278), worked in test_metrics, and the same in natural units: sqrt(.311278 ln 2) = sqrt(.215761)
POINT_TO_UNIFORM = 0.557923
POINT_TO_UNIFORM_NAT = 0.464501


@pytest.mark.parametrize(
    ("gold", "answers", "expected"),
    [
        # shares .4/.8, .2/.8, .2/.8 equal the gold
        ([0.5, 0.25, 0.25], scored(0.4, 0.2, 0.2), (0.0, 0.0, 1.0, 0.8, 0.0)),
        # the gold is tied, so either option is a match
        ([0.5, 0.5], scored(0.3, 0.0), (POINT_TO_UNIFORM, POINT_TO_UNIFORM_NAT, 1.0, 0.3, 0.0)),
        ([0.5, 0.5], scored(0.0, 0.3), (POINT_TO_UNIFORM, POINT_TO_UNIFORM_NAT, 1.0, 0.3, 0.0)),
        # disjoint: 1 in base 2, sqrt(ln 2) in natural units
        ([1.0, 0.0], scored(0.0, 1.0), (1.0, 0.832555, 0.0, 1.0, 0.0)),
        # the model is tied: its first option is its answer
        ([0.0, 1.0], scored(0.5, 0.5), (POINT_TO_UNIFORM, POINT_TO_UNIFORM_NAT, 0.0, 1.0, 0.0)),
        ([1.0, 0.0], scored(0.5, 0.5), (POINT_TO_UNIFORM, POINT_TO_UNIFORM_NAT, 1.0, 1.0, 0.0)),
        # no mass: the uniform distribution is compared, never a match, and counted
        ([1.0, 0.0], scored(0.0, 0.0), (POINT_TO_UNIFORM, POINT_TO_UNIFORM_NAT, 0.0, 0.0, 1.0)),
        ([0.5, 0.5], [(math.nan, False)] * 2, (0.0, 0.0, 0.0, 0.0, 1.0)),
        # one option
        ([1.0], scored(0.2), (0.0, 0.0, 1.0, 0.2, 0.0)),
    ],
)
def test_distributional(gold: list[float], answers: list[Any], expected: tuple[float, ...]) -> None:
    names = ("js_distance", "js_distance_nat", "argmax_match", "option_mass", "fallback_rate")

    assert scoring.distributional({"gold_distribution": gold}, answers) == pytest.approx(
        dict(zip(names, expected, strict=True)), abs=2e-6
    )


def test_distributional_shares_survive_a_mass_too_small_for_a_float() -> None:
    # e^-1000 is 0 as a float, but the ratio of the two is 3:1, as in the gold
    answers = [(-1000.0, False), (-1000.0 - math.log(3), False)]
    figures = scoring.distributional({"gold_distribution": [0.75, 0.25]}, answers)

    assert figures["js_distance"] == pytest.approx(0.0, abs=1e-6)
    assert (figures["argmax_match"], figures["option_mass"], figures["fallback_rate"]) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("gold", "answers", "expected"),
    [
        ([1], scored(0.1, 0.6, 0.1), (1.0, 0.8, 0.0)),
        ([0], scored(0.1, 0.6, 0.1), (0.0, 0.8, 0.0)),
        # tied gold: either index is right
        ([0, 2], scored(0.1, 0.2, 0.3), (1.0, 0.6, 0.0)),
        ([0, 2], scored(0.1, 0.3, 0.2), (0.0, 0.6, 0.0)),
        # tied model: the first is its answer
        ([0], scored(0.3, 0.3), (1.0, 0.6, 0.0)),
        ([1], scored(0.3, 0.3), (0.0, 0.6, 0.0)),
        # no mass: wrong even where the first option is right, and counted
        ([0], scored(0.0, 0.0), (0.0, 0.0, 1.0)),
        ([1], [(-1000.0, False), (-999.0, False)], (1.0, 0.0, 0.0)),
    ],
)
def test_steerable_scored(gold: list[int], answers: list[Any], expected: tuple[float, ...]) -> None:
    figures = scoring.steerable_scored({"gold": gold}, answers)

    names = ("accuracy", "option_mass", "fallback_rate")
    assert figures == pytest.approx(dict(zip(names, expected, strict=True)), abs=1e-12)


@pytest.mark.parametrize(
    ("gold", "answer", "accuracy", "fallback"),
    [
        ([1], "B. Oppose", 1.0, 0.0),
        ([0], "B. Oppose", 0.0, 0.0),
        ([0, 1], "They would oppose it", 1.0, 0.0),
        ([0], "Hard to say", 0.0, 1.0),
        ([0], "", 0.0, 1.0),
    ],
)
def test_steerable_generated(gold: list[int], answer: str, accuracy: float, fallback: float) -> None:
    doc = {"gold": gold, "options": ["Support", "Oppose", "Either"]}
    expected = {"accuracy": accuracy, "fallback_rate": fallback}

    assert scoring.steerable_generated(doc, [answer]) == expected
    # with repeats the harness hands over a list; the first answer counts
    assert scoring.steerable_generated(doc, [[answer, "C", "C"]]) == expected


EXPLANATIONS = ["Children deserve patient teachers", "The children will learn."]


@pytest.mark.parametrize(
    ("answer", "coverage", "count", "words", "fallback"),
    [
        # {children, deserve, patient, teachers}: 2 of 4 in the first sentence;
        # {children, learn}: 2 of 2 in the second
        ("Patient teachers matter. Children learn.", (2 / 4 + 2 / 2) / 2, 2, 5, 0.0),
        ("Roads need repair.", 0.0, 1, 3, 0.0),
        ("", 0.0, 0, 0, 1.0),
        (" \n", 0.0, 0, 0, 1.0),
        # an answer without a sentence is an answer, and covers nothing
        ("42", 0.0, 0, 1, 0.0),
    ],
)
def test_overton(answer: str, coverage: float, count: int, words: int, fallback: float) -> None:
    figures = scoring.overton({"explanations": EXPLANATIONS}, [answer])

    assert figures == pytest.approx(
        {
            "lexical_coverage": coverage,
            "coverage_per_sentence": coverage / count if count else 0.0,
            "n_sentences": count,
            "n_words": words,
            "fallback_rate": fallback,
        },
        abs=1e-12,
    )


@pytest.mark.parametrize(
    ("function", "doc", "results"),
    [
        (scoring.distributional, {"gold_distribution": [0.5, 0.5]}, scored(0.5, 0.5)),
        (scoring.steerable_scored, {"gold": [0]}, scored(0.5, 0.5)),
        (scoring.steerable_generated, {"gold": [0], "options": ["Yes", "No"]}, ["Yes"]),
        (scoring.overton, {"explanations": EXPLANATIONS}, ["Children learn."]),
    ],
)
def test_every_figure_is_a_finite_float(function: Any, doc: dict[str, Any], results: list[Any]) -> None:
    for name, value in function(doc, results).items():
        assert type(value) is float, name
        assert math.isfinite(value), name
