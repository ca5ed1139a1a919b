"""Win rate, agreement and exclusion in a human study; figures worked out by hand."""

from __future__ import annotations

import math
import sys

import pytest

from plural_tasks.human_study import Returned, report
from plural_tasks.human_study.analysis import Rating, alpha, failed_checks, majority, ratings
from plural_tasks.human_study.key import StudyPair
from plural_tasks.utils.errors import ModPluralError
from tests.plural_tasks.human_study.study import small_key


def rating(pair: str, rater: str, verdict: str, lean: float = 0.0) -> Rating:
    return Rating(pair, rater, verdict, lean)


def test_krippendorffs_alpha_on_the_published_example() -> None:
    # Krippendorff 2011, example A: two observers, ten units, two categories.
    one, two = "0100000010", "1110010000"
    rated = [
        rating(str(unit), rater, "a" if value == "1" else "b")
        for rater, values in (("Meg", one), ("Owen", two))
        for unit, value in enumerate(values)
    ]
    # 20 values, 6 ones and 14 zeros, 4 units disagree: 1 - 19 x 4 / (6 x 14) = 1 - 76/84
    assert alpha(rated) == pytest.approx(8 / 84)


def test_krippendorffs_alpha_with_ties_by_hand() -> None:
    verdicts = {"1": ("a", "a"), "2": ("a", "tie"), "3": ("b", "b")}
    rated = [
        rating(pair, rater, said) for pair, both in verdicts.items() for rater, said in zip("xy", both, strict=True)
    ]
    # Six values: a 3, tie 1, b 2. Observed 2/6; expected 2 (3x1 + 3x2 + 1x2) / 30 = 22/30; 1 - (1/3) / (22/30)
    assert alpha(rated) == pytest.approx(1 - 10 / 22)
    # Ordinal, b < tie < a: squared distances tie-a (4 - 2)^2 = 4, b-tie (3 - 1.5)^2 = 2.25, b-a (6 - 2.5)^2 = 12.25
    # Observed 2 x 4 / 6; expected 2 (3x1x4 + 2x1x2.25 + 3x2x12.25) / 30 = 6; 1 - (4/3) / 6
    assert alpha(rated, "ordinal") == pytest.approx(1 - 4 / 18)
    # A pair with one rating changes nothing.
    assert alpha([*rated, rating("4", "x", "tie")]) == pytest.approx(1 - 10 / 22)


def test_alpha_is_nan_where_there_is_nothing_to_compare() -> None:
    assert math.isnan(alpha([]))
    assert math.isnan(alpha([rating("1", "x", "a"), rating("2", "y", "b")]))
    assert math.isnan(alpha([rating("1", "x", "a"), rating("1", "y", "a")]))


def test_alpha_says_which_package_it_needs(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "krippendorff", None)
    with pytest.raises(ModPluralError, match=r"pip install krippendorff, or modplural\[study\]"):
        alpha([rating("1", "x", "a"), rating("1", "y", "b")])


def test_majority() -> None:
    assert majority(["a", "a", "b"]) == "a"
    assert majority(["tie", "b", "b"]) == "b"
    assert majority(["a", "b", "tie"]) == "tie"
    assert majority(["a", "b"]) == "tie"


def choices(**said: str) -> list[Returned]:
    return [
        Returned(name, {str(place): {"t": "tie"}.get(one, one) for place, one in enumerate(text, start=1)}, {"1": 4.0})
        for name, text in said.items()
    ]


def test_choices_become_verdicts_on_runs() -> None:
    key = small_key()
    rated = ratings(choices(x="121", y="12t", z="2t1"), key)
    assert [(one.rater, one.pair, one.verdict, one.lean) for one in rated] == [
        ("x", "p", "a", 1.0),  # first was a, chose 1
        ("x", "q", "a", -1.0),  # first was b, chose 2
        ("y", "p", "b", 1.0),  # first was b, chose 1
        ("y", "q", "tie", 0.0),
        ("z", "q", "b", -1.0),  # first was a, chose 2
        ("z", "p", "tie", 0.0),
    ]


def test_raters_who_fail_checks_are_excluded_and_listed() -> None:
    key = small_key()
    returned = choices(x="121", y="1t1", z="112")  # y says a tie, z the wrong answer
    assert [failed_checks(one, key) for one in returned] == [(0, 1), (1, 1), (1, 1)]
    lenient, strict = report(key, returned, max_failed=1), report(key, returned, max_failed=0)
    assert lenient["raters"]["excluded"] == []
    assert lenient["rates"]["n"] == 6
    assert strict["raters"]["kept"] == 1
    assert strict["raters"]["excluded"] == [
        {"rater": "y", "failed": 1, "checks": 1},
        {"rater": "z", "failed": 1, "checks": 1},
    ]
    assert strict["rates"]["n"] == 2
    assert strict["pairs"] == {"planned": 2, "rated": 2, "per_pair": 3, "short": 2}


def test_a_report_by_hand() -> None:
    made_of = report(small_key(), choices(x="121", y="22t", z="1t1"))
    # p: x a, y (first b, chose 2) a, z tie; q: x a, y tie, z (first a, chose 1) a
    assert [
        (row["pair"], row["wins"], row["ties"], row["losses"], row["majority"]) for row in made_of["situations"]
    ] == [
        ("p", 2, 1, 0, "a"),
        ("q", 2, 1, 0, "a"),
    ]
    assert made_of["rates"]["win_rate"] == pytest.approx(5 / 6)
    assert made_of["rates"]["n_clusters"] == 2
    # By situation 0: both have the same mean. By rater: x 2, y 3/2, z 3/2 of 5/3 expected, squares 4/36 + 1/36 + 1/36,
    # x 3/2 = 1/4. By rating: 4 x (1/6)^2 + 2 x (1/3)^2 = 1/3, x 6/5 = 2/5. 0 + 1/4 - 2/5 < 1/4, so sqrt(1/4) / 6
    assert made_of["rates"]["se"] == pytest.approx(1 / 12)
    assert (made_of["rates"]["n_raters"], made_of["rates"]["n_effective"]) == (3, 2.0)
    assert made_of["intervals"]["degrees_of_freedom"] == 1.0  # two situations, fewer than three raters
    assert made_of["majority"]["win_rate"] == 1.0
    assert not {"se", "interval"} & set(made_of["majority"])
    # Values: a 4, tie 2. Each unit of three has 2 ordered a-tie pairs each way / (3 - 1): observed (2 + 2) / 6 = 2/3
    # expected 2 x 4 x 2 / 30 = 8/15; alpha = 1 - (2/3) / (8/15) = -1/4
    assert made_of["alpha"]["nominal"] == pytest.approx(-0.25)
    assert made_of["alpha"]["pairs"] == 2
    assert made_of["position_bias"]["mean"] == pytest.approx(0.0)  # x +1 -1, y -1 0, z +1 0
    # By situation p 1 - 1 + 0 = 0, q -1 + 0 + 1 = 0: 0. By rater 0, -1, +1: 3/2 x 2 = 3.
    # By rating 4 x 6/5 = 24/5. 3 - 24/5 < 3, so sqrt(3) / 6; t(1) = 12.706205
    reach = 12.706205 * math.sqrt(3) / 6
    assert made_of["position_bias"]["interval"] == pytest.approx((-reach, reach), abs=1e-5)
    assert made_of["seconds"] == 4.0
    assert made_of["raters"] == {"asked": 3, "returned": 3, "kept": 3, "max_failed": 1, "excluded": []}


def test_one_rater_alone_gives_no_interval() -> None:
    made_of = report(small_key(), choices(x="121"))
    assert made_of["rates"]["win_rate"] == 1.0
    assert all(math.isnan(end) for end in (*made_of["rates"]["interval"], *made_of["position_bias"]["interval"]))
    assert made_of["intervals"]["degrees_of_freedom"] == 0.0


def test_a_pair_that_nobody_rated_is_counted_and_not_invented() -> None:
    key = small_key().model_copy(
        update={"pairs": (*small_key().pairs, StudyPair(id="o", situation="on o", cluster="o", digest="do"))}
    )
    made_of = report(key, choices(x="121"))
    row = made_of["situations"][2]
    assert (row["n"], row["majority"]) == (0, "")
    assert math.isnan(row["win_rate"])
    assert made_of["pairs"]["rated"] == 2


def test_people_are_compared_with_a_judge() -> None:
    key, returned = small_key(), choices(x="121", y="22t", z="1t1")
    judge = {
        "verdicts": [{"pair": "dp", "verdict": "a"}, {"pair": "dq", "verdict": "b"}, {"pair": "dx", "verdict": "a"}]
    }
    made_of = report(key, returned, judge=judge)["judge"]
    assert (made_of["n"], made_of["raw"], made_of["pairs"], made_of["of"]) == (2, 0.5, 2, 2)
    with pytest.raises(ModPluralError, match="--judge: has no verdict on any rated pair"):
        report(key, returned, judge={"verdicts": [{"pair": "other", "verdict": "a"}]})
