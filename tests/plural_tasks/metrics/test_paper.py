"""What the published code draws at random or leaves to other packages; the rest is in cases/paper.json."""

import random
import sys

import pytest

from plural_tasks.metrics import paper
from plural_tasks.utils.errors import ModPluralError


class NoDraw(random.Random):
    def randrange(self, *_: int) -> int:
        raise AssertionError("drew a comment")


@pytest.mark.parametrize(
    ("reply", "n", "index"),
    [
        ("Comment 3", 6, 2),
        ("6", 6, 5),
        ("4 or 2", 6, 1),  # the lowest, not the first
        ("all 10 of them", 6, 0),  # the 1 of 10
        ("12", 12, 0),  # never 12
        ("7", 12, 6),
        ("in 2024, comment 6", 6, 1),  # the 2 of 2024
    ],
)
def test_the_lowest_number_anywhere_is_selected(reply: str, n: int, index: int) -> None:
    assert paper.paper_selection(reply, n, NoDraw()) == (index, False)


@pytest.mark.parametrize("reply", ["", "the last one", "7", "0"])
def test_a_reply_without_a_number_draws_a_comment_and_says_so(reply: str) -> None:
    drawn = [paper.paper_selection(reply, 6, random.Random(seed)) for seed in range(60)]

    assert all(fallback for _, fallback in drawn)
    assert {index for index, _ in drawn} == set(range(6))
    assert drawn == [paper.paper_selection(reply, 6, random.Random(seed)) for seed in range(60)]


def test_every_pattern_is_tried_for_all_letters_before_the_next() -> None:
    # "the answer is b" (second pattern) comes before "answer: a" (third), though A comes before B.
    assert paper.paper_three_way("so answer: a, no, the answer is b") == "B"


def test_a_missing_sentence_splitter_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    paper._splitter.cache_clear()
    monkeypatch.setitem(sys.modules, "sentence_splitter", None)
    with pytest.raises(ModPluralError, match="pip install sentence-splitter"):
        paper.paper_sentences("One. Two.")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Care matters. Dr. Who agrees! Why not?", ["Care matters.", "Dr. Who agrees!", "Why not?"]),
        ("lower case. goes on.", ["lower case. goes on."]),
        ("One.\n\nTwo.", ["One.", "", "Two."]),  # an empty line is a sentence
        ("  \n ", [""]),  # a blank answer is one, too
        ("", []),
    ],
)
def test_sentences_as_the_published_code_splits_them(text: str, found: list[str]) -> None:
    pytest.importorskip("sentence_splitter", reason="the optional package sentence-splitter is not installed")
    assert paper.paper_sentences(text) == found
