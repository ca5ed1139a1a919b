import math

import pytest

from community_lms.evaluation.agreement import (
    agreement,
    count_stated,
    modal_accuracy,
    sampling_floor,
    stated_option,
)
from community_lms.evaluation.groups import Groups
from community_lms.messages.message import Message
from tests.community_lms.evaluation.surveys import question

SPENDING = ("Too little", "About the right amount", "Too much")
AGREE = ("Strongly agree", "Somewhat agree", "Agree", "Disagree")
SCALE = ("1 (not at all important)", "2", "3", "4", "5", "6", "7", "8", "9", "10 (very important)")


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("Too little, because schools are poor.", SPENDING, 0),
        ("We say: too much.", SPENDING, 2),
        ("“About the right amount”, I think.", SPENDING, 1),
        ("too little. Others spend too much.", SPENDING, 0),
        ("Some say too little, some too much.", SPENDING, None),
        ("We spend enough.", SPENDING, None),
        ("", SPENDING, None),
        ("B. It is fine.", SPENDING, 1),
        ("The answer is C", SPENDING, 2),
        ("A person like me has no view.", SPENDING, None),
        ("A: too much", SPENDING, 2),  # its words count before its letter
        ("We somewhat agree with that.", AGREE, 1),
        ("People like us strongly agree", AGREE, 0),
        ("We do not agree.", AGREE, None),
        ("We disagree with it.", AGREE, 3),
        ("10, it matters most", SCALE, 9),
        ("I would say 7.", SCALE, 6),
        ("I, for one, care.", SCALE, None),  # no letter where I would be one
        ("It has mattered for 100 years", SCALE, None),
        ("8 or 9", SCALE, 7),
    ],
)
def test_an_option_is_read_or_there_is_none(text: str, options: tuple[str, ...], expected: int | None) -> None:
    assert stated_option(text, options) == expected


def said(*texts: str, name: str = "us") -> list[Message]:
    return [Message(name, text, tokens=3) for text in texts]


def test_shares_are_over_the_messages_that_state_an_option() -> None:
    found = count_stated(said("Yes", "No", "Yes, of course", "who knows"), ("Yes", "No"))

    assert (found.shares, found.stated, found.asked) == ((2 / 3, 1 / 3), 3, 4)
    assert count_stated(said("hm"), ("Yes", "No")).shares is None


def test_modal_accuracy_counts_a_tie_by_the_share_that_is_right() -> None:
    assert modal_accuracy([0.6, 0.4], [0.9, 0.1]) == 1.0
    assert modal_accuracy([0.4, 0.6], [0.9, 0.1]) == 0.0
    assert modal_accuracy([0.5, 0.5], [0.9, 0.1]) == 0.5
    assert modal_accuracy([0.4, 0.4, 0.2], [0.1, 0.45, 0.45]) == 0.5
    assert modal_accuracy([0.2, 0.4, 0.4], [0.1, 0.45, 0.45]) == 1.0


def test_the_floor_is_what_drawn_answers_have() -> None:
    # One draw from (1/2, 1/2) is (1, 0) or (0, 1): the same distance for both.
    assert sampling_floor([0.5, 0.5], 1) == pytest.approx(HALF)
    assert sampling_floor([1.0, 0.0], 5) == 0.0
    assert sampling_floor([0.5, 0.5], 4) > sampling_floor([0.5, 0.5], 400) > 0.0


GROUPS = {"red": Groups(groups=("red",)), "blue": Groups(groups=("blue",))}
QUESTIONS = [
    question("one", groups={"red (x)": [1.0, 0.0], "blue (x)": [0.0, 1.0]}),
    question("two", groups={"red (x)": [1.0, 0.0], "blue (x)": [0.5, 0.5]}),
    question("three", groups={"red (x)": [0.0, 1.0]}),
]
# Jensen-Shannon distance of (1, 0) and (1/2, 1/2): the root of H(3/4, 1/4) less the mean of 0 and 1 bit.
HALF = math.sqrt(-0.75 * math.log2(0.75) - 0.25 * math.log2(0.25) - 0.5)


def answers() -> dict[str, dict[str, list[Message]]]:
    return {
        "red": {"one": said("Yes", "Yes"), "two": said("Yes", "No"), "three": said("hm", "hm")},
        "blue": {"one": said("No", "hm"), "two": said("Yes", "No"), "three": said("Yes", "Yes")},
        "grey": {"one": said("Yes", "No"), "two": said("Yes", "No"), "three": said("Yes", "No")},
    }


def test_agreement_by_hand() -> None:
    found = agreement(answers(), QUESTIONS, GROUPS)
    red, blue = found["communities"]["red"], found["communities"]["blue"]

    # red: one 0, two d((.5, .5), (1, 0)), three unanswered
    assert red["js_distance"] == pytest.approx(HALF / 2)
    assert red["standard_error"] == pytest.approx(HALF / 2)  # two rows 0, h: sd h / sqrt 2, over sqrt 2
    assert red["accuracy"] == pytest.approx((1.0 + 0.5) / 2)
    assert (red["n"], red["unanswered_questions"], red["answers"], red["unparsed"]) == (2, 1, 6, 2)
    assert red["uniform"] == pytest.approx(HALF)
    assert red["uniform_accuracy"] == 0.5
    # one: 0 beside distance 1 from blue's groups; two: h beside 0
    assert red["against_other_groups"]["estimate"] == pytest.approx(((0.0 - 1.0) + (HALF - 0.0)) / 2)
    # blue's answers from red's groups: one 1, two h; grey has no groups and is nobody's rival
    assert red["against_other_voices"]["estimate"] == pytest.approx(((0.0 - 1.0) + (HALF - HALF)) / 2)
    assert red["against_uniform"]["estimate"] == pytest.approx(((0.0 - HALF) + 0.0) / 2)
    assert red["groups"] == ["red"]
    # blue: one 0 (one of two parsed), two 0; three was not asked of its groups
    assert (blue["js_distance"], blue["n"], blue["answers"], blue["unparsed"]) == (0.0, 2, 4, 1)
    assert blue["against_other_groups"]["estimate"] == pytest.approx(((0.0 - 1.0) + (0.0 - HALF)) / 2)


def test_the_table_has_answers_in_rows_and_groups_in_columns() -> None:
    found = agreement(answers(), QUESTIONS, GROUPS)

    assert found["names"] == ["red", "blue"]
    assert found["table"][0] == pytest.approx([HALF / 2, 0.5])  # to blue: one 1, two 0
    assert found["table"][1] == pytest.approx([(1.0 + HALF + 1.0) / 3, 0.0])
    assert found["n"] == [[2, 2], [3, 2]]
    assert found["without_groups"] == ["grey"]


def test_the_summary_is_clustered_by_question() -> None:
    summary = agreement(answers(), QUESTIONS, GROUPS)["summary"]["against_other_groups"]

    # one: -1, -1; two: h, -h -> four rows of two questions
    assert (summary["n"], summary["n_clusters"]) == (4, 2)
    assert summary["estimate"] == pytest.approx(-0.5)
    # deviations of the clusters: one -1, two +1; sqrt(2 / 1 * (1 + 1)) / 4
    assert summary["se"] == pytest.approx(0.5)


def test_a_lone_community_has_no_rivals() -> None:
    found = agreement({"red": answers()["red"]}, QUESTIONS, GROUPS)

    assert math.isnan(found["communities"]["red"]["against_other_groups"]["estimate"])
    assert found["table"] == [[pytest.approx(HALF / 2)]]
