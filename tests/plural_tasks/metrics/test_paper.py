"""What the published code leaves to other packages; the rest is in cases/paper.json."""

import sys

import pytest

from plural_tasks.metrics import paper
from plural_tasks.utils.errors import ModPluralError


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
