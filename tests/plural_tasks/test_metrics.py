import math

import pytest

from plural_tasks.metrics import js_distance, lexical_coverage, normalise, sentences
from plural_tasks.metrics.lexical import content_words

NEVER = -math.inf
NAN = math.nan


# Jensen-Shannon distance = sqrt((KL(p|m) + KL(q|m)) / 2), m = (p + q) / 2.
@pytest.mark.parametrize(
    ("p", "q", "bits"),
    [
        # m = [.75, .25]; KL(p|m) = lb(4/3) = .415037; KL(q|m) = .5 lb(2/3) + .5 lb 2 = .207519;
        # divergence = .311278 bit
        ([1.0, 0.0], [0.5, 0.5], 0.311278),
        # m = [.25, .5, .25]; KL(p|m) = .5 lb 2 + .5 lb 1 = .5 = KL(q|m); divergence = .5 bit
        ([0.5, 0.5, 0.0], [0.0, 0.5, 0.5], 0.5),
        # m = [.5, .5]; KL = lb 2 = 1 on both sides
        ([1.0, 0.0], [0.0, 1.0], 1.0),
        # m = [.5, .5]; KL(p|m) = .75 lb 1.5 + .25 lb .5 = .438722 - .25 = .188722 = KL(q|m)
        ([0.75, 0.25], [0.25, 0.75], 0.188722),
    ],
)
class TestDistance:
    def test_in_base_2(self, p: list[float], q: list[float], bits: float) -> None:
        assert js_distance(p, q) == pytest.approx(math.sqrt(bits), abs=1e-6)

    def test_in_natural_units(self, p: list[float], q: list[float], bits: float) -> None:
        assert js_distance(p, q, base=math.e) == pytest.approx(math.sqrt(bits * math.log(2)), abs=1e-6)

    def test_is_symmetric(self, p: list[float], q: list[float], bits: float) -> None:
        assert js_distance(p, q) == pytest.approx(js_distance(q, p), abs=1e-12)

    def test_does_not_depend_on_scale(self, p: list[float], q: list[float], bits: float) -> None:
        counts = [8 * share for share in p]
        assert js_distance(counts, q) == pytest.approx(math.sqrt(bits), abs=1e-6)


@pytest.mark.parametrize("shares", [[1.0], [0.5, 0.5], [0.1, 0.2, 0.7], [1 / 3, 1 / 3, 1 / 3], [1e-9, 1 - 1e-9]])
def test_distance_of_equal_distributions_is_0(shares: list[float]) -> None:
    assert js_distance(shares, list(shares)) == pytest.approx(0.0, abs=1e-8)


def test_distance_of_disjoint_distributions_is_the_largest_there_is() -> None:
    assert js_distance([1, 0, 0], [0, 0.5, 0.5]) == pytest.approx(1.0, abs=1e-12)
    # sqrt(ln 2) = .832555
    assert js_distance([1, 0, 0], [0, 0.5, 0.5], base=math.e) == pytest.approx(0.8326, abs=5e-5)


def test_distance_needs_as_many_options_on_both_sides() -> None:
    with pytest.raises(ValueError, match="distributions of 2 and 3 options cannot be compared"):
        js_distance([0.5, 0.5], [0.5, 0.25, 0.25])


@pytest.mark.parametrize("wrong", [[0.0, 0.0], [NAN, 1.0], [-0.5, 1.5], [math.inf, 0.0]])
def test_what_is_no_distribution_has_no_distance(wrong: list[float]) -> None:
    for pair in ((wrong, [1.0, 0.0]), ([1.0, 0.0], wrong)):
        with pytest.raises(ValueError, match="is no distribution"):
            js_distance(*pair)


@pytest.mark.parametrize(
    ("logs", "shares", "mass"),
    [
        # e^ln.2 = .2 and e^ln.3 = .3: mass .5, shares .2/.5 and .3/.5
        ([math.log(0.2), math.log(0.3)], [0.4, 0.6], 0.5),
        ([0.0], [1.0], 1.0),
        ([NEVER, math.log(0.5)], [0.0, 1.0], 0.5),
        ([NAN, math.log(0.5), math.log(0.25)], [0.0, 2 / 3, 1 / 3], 0.75),
        ([NEVER, NEVER], [0.0, 0.0], 0.0),
        ([NAN, NEVER], [0.0, 0.0], 0.0),
        ([], [], 0.0),
        # far below the smallest float, yet their ratio is 3:1
        ([-1000.0, -1000.0 - math.log(3)], [0.75, 0.25], 0.0),
        ([-1e6, -1e300], [1.0, 0.0], 0.0),
        # unnormalised scores: e^2 and e^2
        ([2.0, 2.0], [0.5, 0.5], 2 * math.exp(2)),
    ],
)
def test_normalise(logs: list[float], shares: list[float], mass: float) -> None:
    found_shares, found_mass = normalise(logs)

    assert found_shares == pytest.approx(shares, abs=1e-12)
    assert found_mass == pytest.approx(mass, rel=1e-12)


def test_normalise_does_not_overflow() -> None:
    shares, mass = normalise([1e300, 1e300])

    assert shares == [0.5, 0.5]
    assert math.isfinite(mass)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One thing. Another thing!  Why not?", ["One thing.", "Another thing!", "Why not?"]),
        ("first line\n\nsecond line", ["first line", "second line"]),
        ("It costs 3.50 today.", ["It costs 3.50 today."]),
        ("- one point\n- two points", ["- one point", "- two points"]),
        ("... !", []),
        ("", []),
        ("   \n ", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_content_words_are_long_lower_case_and_no_function_words() -> None:
    # "of", "a", "is" are short, "The", "and", "without" are function words, digits and signs are no letters.
    found = content_words("The Duty of a Nurse is care, and without 24h rest_breaks größer!")

    assert found == {"duty", "nurse", "care", "rest", "breaks", "größer"}


ANSWER = "Patient teachers matter. Children learn."


@pytest.mark.parametrize(
    ("answer", "explanations", "expected"),
    [
        # content words {children, deserve, patient, teachers}: 2 of 4 in the first sentence, 1 in the second
        (ANSWER, ["Children deserve patient teachers"], 2 / 4),
        # {roads, need, repair}: none
        (ANSWER, ["Roads need repair"], 0.0),
        # mean of 2/4, 0/3 and {children, learn}: 2/2
        (
            ANSWER,
            ["Children deserve patient teachers", "Roads need repair", "The children will learn."],
            (2 / 4 + 0 + 1) / 3,
        ),
        # words of different sentences do not add up: best is 1 of 2
        ("Honesty helps. Loyalty helps.", ["honesty, loyalty"], 1 / 2),
        ("Honesty and loyalty help.", ["honesty, loyalty"], 1.0),
        # an explanation of function words only cannot be covered
        ("It is about you.", ["It is about you."], 0.0),
        ("", ["Roads need repair"], 0.0),
    ],
)
def test_lexical_coverage(answer: str, explanations: list[str], expected: float) -> None:
    assert lexical_coverage(answer, explanations) == pytest.approx(expected, abs=1e-12)


def test_coverage_needs_an_explanation() -> None:
    with pytest.raises(ValueError, match="at least one explanation"):
        lexical_coverage("An answer.", [])
