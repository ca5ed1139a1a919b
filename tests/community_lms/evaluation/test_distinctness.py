import math
from collections.abc import Sequence

import numpy as np
import pytest

from community_lms.evaluation.distinctness import SELF_BLEU_MESSAGES, bleu_figures, distance_figures, distinctness
from community_lms.messages.message import Message

AT = {"east": (1.0, 0.0), "north": (0.0, 1.0), "west": (-1.0, 0.0), "slant": (0.6, 0.8)}


class Compass:
    """Embeds four words at known places."""

    name, revision = "compass", "r1"

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        self.asked.append(list(texts))
        return np.array([AT[text] for text in texts], dtype=np.float32)


TEXTS = {
    "a": {"one": ["east", "east"], "two": ["east", "slant"]},
    "b": {"one": ["north", "west"], "two": ["east", "east"]},
}


def test_distances_by_hand() -> None:
    found = distance_figures(TEXTS, Compass())

    # a within: one 0, two 1 - 0.6; b within: one 1 - 0, two 0
    # a to b: one mean(1, 2) = 1.5; two mean(0, 0, .4, .4) = .2
    assert found["embedding_distance"] == [
        pytest.approx([0.2, 0.85], abs=1e-6),
        pytest.approx([0.85, 0.5], abs=1e-6),
    ]
    assert found["between"] == pytest.approx(0.85)
    assert found["within"] == pytest.approx((0.5 + 0.2) / 2)  # by question: (0 + 1) / 2 and (.4 + 0) / 2
    gap = found["between_minus_within"]
    assert (gap["n"], gap["estimate"]) == (2, pytest.approx(0.5))  # 1.5 - .5 and .2 - .2


def test_one_message_has_no_floor_and_none_no_distance() -> None:
    found = distance_figures({"a": {"one": ["east"]}, "b": {"one": ["north"]}, "c": {"one": []}}, Compass())
    table = found["embedding_distance"]

    assert math.isnan(table[0][0])
    assert table[0][1] == pytest.approx(1.0)
    assert math.isnan(table[0][2])


def test_each_text_is_embedded_once_and_empty_ones_not_at_all() -> None:
    judge = Compass()
    said = {name: {"one": [Message(name, text) for text in ("east", " ", "east")]} for name in ("a", "b")}
    found = distinctness(said, judge)

    assert judge.asked == [["east"]]
    assert (found["judge"], found["judge_revision"]) == ("compass", "r1")
    assert found["communities"] == ["a", "b"]


def test_without_a_judge_distances_are_left_out_and_nothing_takes_their_place() -> None:
    found = distinctness({"a": {"one": [Message("a", "we go")]}}, None)

    assert found["embedding_distance"] is None
    assert found["judge"] is None
    assert math.isnan(found["self_bleu"]["a"])


def test_bleu_is_100_for_equal_and_0_for_foreign_words() -> None:
    texts = {
        "a": {"one": ["we want good schools now", "we want good schools now"], "two": ["we want good schools now"]},
        "b": {"one": ["they ask who pays"], "two": ["nobody knows that road"]},
    }
    found = bleu_figures(texts)

    assert found["self_bleu"] == {"a": pytest.approx(100.0), "b": pytest.approx(0.0, abs=1e-9)}
    assert found["self_bleu_messages"] == {"a": 3, "b": 2}
    assert found["pair_bleu"][0][0] == pytest.approx(100.0)  # the two on question one
    assert found["pair_bleu"][0][1] == pytest.approx(0.0, abs=1e-9)
    assert math.isnan(found["pair_bleu"][1][1])  # one message to a question


def test_bleu_of_a_pair_by_hand() -> None:
    found = bleu_figures({"a": {"one": ["w x y z"]}, "b": {"one": ["w x y v"]}})

    # precisions 3/4, 2/3, 1/2 and 4-grams 0/1, smoothed to 1/2 of 1/1 by sacrebleu's exp; no brevity penalty
    assert found["pair_bleu"][0][1] == pytest.approx(100 * (3 / 4 * 2 / 3 * 1 / 2 * 1 / 2) ** 0.25)


def test_self_bleu_is_over_a_stated_number_of_messages() -> None:
    texts = {"a": {str(number): [f"message {number}"] for number in range(SELF_BLEU_MESSAGES + 5)}}

    assert bleu_figures(texts)["self_bleu_messages"] == {"a": SELF_BLEU_MESSAGES}
    assert bleu_figures(texts) == bleu_figures(texts)
