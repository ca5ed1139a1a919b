"""What is said holds the answer word for word."""

import random

from tests.tools.train_embedded.made import stated
from tools.train_embedded.pools import train_questions
from tools.train_embedded.respond import reply
from tools.train_embedded.themes import opinion_themes
from tools.train_embedded.voice import comment_on, say


def test_the_answer_is_said_word_for_word_and_the_reason_follows() -> None:
    rng, forms = random.Random(1), set()
    for theme in opinion_themes():
        for stance in (-1.5, 1.5):
            answered = reply(theme, stance, rng)
            answer = answered.options[answered.chosen]
            text = say(answer, answered.reason, rng)
            assert text.endswith(f" {answered.reason}")
            said = text.removesuffix(f" {answered.reason}")
            assert answer.rstrip(".") in said
            assert stated(text, answered.options) == answer
            if answer in ("Yes", "No"):  # found in no opening
                forms.add(said.replace(answer, "…"))
    assert forms == {
        "….",
        "My answer is: ….",
        "I say: ….",
        "We say: ….",
        "For us it is: ….",
        "Put me down for: ….",
        "…, I would say.",
        "…, as most of us see it.",
    }


def test_without_a_reason_only_the_answer_is_said() -> None:
    rng = random.Random(1)
    said = {say("Yes.", "", rng) for _ in range(100)}
    assert said == {"Yes.", "My answer is: Yes.", "We say: Yes.", "Yes, as most of us see it."}


def test_answers_of_train_questions_are_told_apart_by_what_is_said() -> None:
    rng = random.Random(1)
    for question in train_questions():
        for option in question.options:
            assert stated(say(option, "", rng), question.options) == option


def test_a_comment_is_one_reason_or_two_different_ones() -> None:
    rng = random.Random(1)
    comments = [comment_on(["One.", "Two."], rng) for _ in range(300)]
    assert set(comments) == {"One.", "Two.", "One. Two.", "Two. One."}
    # Two reasons in two draws of three: 200 of 300, +- 4 x sqrt(300 x 2/9) = 32.7.
    assert 167 <= sum(comment.count(".") == 2 for comment in comments) <= 233
    assert comment_on(["One."], rng) == "One."
