"""What a community says names the answers that many give, the most frequent first, and how many give them."""

import random

import pytest

from community_lms.evaluation.agreement import stated_option
from tests.tools.train_embedded.made import told
from tools.train_embedded.pools import cells, voices
from tools.train_embedded.respond import ask_about
from tools.train_embedded.themes import opinion_themes
from tools.train_embedded.voice import comment_on, number, tell

THREE = ("Too little.", "About right", "Too much")
SCALE = ("1 (never)", *map(str, range(2, 10)), "10 (always)")


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ((0.05, 0.9, 0.05), "About right, say nearly all of us."),
        ((0.02, 0.85, 0.13), "About right, say nearly all of us."),
        ((0.7, 0.2, 0.1), "Too little, say most of us. About right, say some."),
        ((0.6, 0.2, 0.2), "Too little, say most of us. About right, say some. Too much, say a few."),
        ((0.84, 0.1, 0.06), "Too little, say most of us."),
        ((0.1, 0.45, 0.45), "About right, say about half of us. Too much, say others."),
        ((0.3, 0.4, 0.3), "About right, say many of us. Too little, say others. Too much, say some."),
    ],
)
def test_answers_are_named_with_how_many_give_them(shares: tuple[float, ...], said: str) -> None:
    assert tell(THREE, shares) == said
    assert tell(THREE, shares, "That is why.") == f"{said} That is why."


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        # A fifth lies at or below 1, four fifths at or below 3.
        (
            (0.5, 0.2, 0.2, 0.1, 0, 0, 0, 0, 0, 0),
            "1 (never), say more of us than anything else. Most say between 1 and 3.",
        ),
        ((0.1, 0, 0, 0, 0.3, 0.2, 0.2, 0, 0.1, 0.1), "5, say more of us than anything else. Most say between 5 and 7."),
        ((0, 0, 0, 0, 0, 0, 0, 0, 0.1, 0.9), "10 (always), say most of us."),
    ],
)
def test_of_a_scale_the_most_frequent_number_and_the_range_are_told(shares: tuple[float, ...], said: str) -> None:
    assert tell(SCALE, shares) == said
    assert tell(SCALE[::-1], shares[::-1]) == said


def test_a_step_of_a_scale_has_a_number() -> None:
    assert [number(step) for step in ("10 (always)", "3")] == [10, 3]
    with pytest.raises(ValueError, match="no step of a scale"):
        number("always")


def test_the_likeliest_answer_is_the_one_that_is_read_out_of_the_message() -> None:
    rng = random.Random(1)
    for theme in opinion_themes():
        for mean in (-1.5, 0.3, 1.5):
            asked = ask_about(theme, rng)
            shares = asked.shares(mean)
            text = tell(asked.options, shares, theme.between[0])
            assert told(text, asked.options)[0] == asked.options[shares.index(max(shares))]
            assert stated_option(text, asked.options) == shares.index(max(shares))


def test_answers_to_train_questions_are_told_apart_by_what_is_said() -> None:
    for voice in voices():
        for question, cell in cells(voice.name):
            text = tell(question.options, cell.shares)
            assert stated_option(text, question.options) == cell.shares.index(max(cell.shares))


def test_a_comment_is_one_reason_or_two_different_ones() -> None:
    rng = random.Random(1)
    comments = [comment_on(["One.", "Two."], rng) for _ in range(300)]
    assert set(comments) == {"One.", "Two.", "One. Two.", "Two. One."}
    # Two reasons in two draws of three: 200 of 300, +- 4 x sqrt(300 x 2/9) = 32.7.
    assert 167 <= sum(comment.count(".") == 2 for comment in comments) <= 233
    assert comment_on(["One."], rng) == "One."
