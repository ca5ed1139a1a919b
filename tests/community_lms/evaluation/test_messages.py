import pytest

from community_lms.evaluation.messages import fault, message_figures, repetition
from community_lms.messages.message import Message

CASES = [
    ("", "empty"),
    (" \n\t", "empty"),
    ("I'm sorry, but I can't help with that.", "refused"),
    ("I’m sorry, but as a language model I cannot take a side.", "refused"),
    ("I’m sorry, but I can’t say anything about it.", "refused"),
    ("As an AI language model, I see both sides.", "refused"),
    ("Well, I am just an AI and have no family.", "refused"),
    ("I do not have personal opinions, but many people do.", "refused"),
    ("I cannot answer this question.", "refused"),
    ("Sorry, I can't discuss politics.", "refused"),
    ("It would not be appropriate for me to comment.", "refused"),
    ("I apologize, but I am unable to say anything about it.", "refused"),
    # people who decline, object, apologise or have no view
    ("We cannot accept that the rich pay so little.", None),
    ("I'm sorry to say that our schools are poor.", None),
    ("I don't have an opinion on space, it is far away.", None),
    ("We are not able to help everybody who comes here.", None),
    ("An AI should not decide on a loan.", None),
    ("I can't say that I trust them.", None),
    ("I can't help thinking that it is wrong.", None),
    ("I cannot answer for my neighbours, but I would go.", None),
    ("No.", None),
    ("... 42 !!", "degenerate"),
    ("no no no no no no no no", "degenerate"),
    ("we want it and we want it and we want it and we want it", "degenerate"),
    ("We want schools that are good, and we want roads that are good.", None),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_what_is_wrong_with_a_message(text: str, expected: str | None) -> None:
    assert fault(text) == expected


def test_repetition_is_the_share_of_4_grams_seen_before() -> None:
    # a b c d a b c d: abcd bcda cdab dabc abcd -> 1 of 5
    assert repetition("a b c d A, B C d") == pytest.approx(0.2)
    assert repetition("a a a a a a a") == pytest.approx(0.75)  # 4 of them, 1 distinct
    assert repetition("a a a a a a") == 0.0  # 3 are too few
    assert repetition("我们想要好学校" * 10) == pytest.approx(1 - 7 / 67)  # 70 characters, 67 4-grams, 7 distinct


def test_figures_by_hand() -> None:
    texts = ["", "As an AI, no.", "7", "We like it.", "We like it too."]
    lengths = [1, 10, 2, None, 10]
    found = message_figures([Message("us", *pair, None) for pair in []], 10)
    assert (found["n"], found["empty"], found["cut_off"], found["mean_tokens"]) == (0, None, None, None)

    messages = [Message("us", text, tokens=length) for text, length in zip(texts, lengths, strict=True)]
    found = message_figures(messages, 10)
    assert found == {
        "n": 5,
        "empty": 0.2,
        "refused": 0.2,
        "degenerate": 0.2,
        "cut_off": 0.5,  # 2 of 4 whose length is known
        "mean_tokens": 5.75,  # 23 / 4
        "repetition": 0.0,
    }
