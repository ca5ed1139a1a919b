"""Sentences of generated answers."""

import pytest

from plural_tasks.metrics import sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One thing. Another thing!  Why not?", ["One thing.", "Another thing!", "Why not?"]),
        ("first line\n\nsecond line", ["first line", "second line"]),
        ("It is fine. it is good.", ["It is fine.", "it is good."]),
        ("I do. So do I. We agree.", ["I do.", "So do I.", "We agree."]),
        ("", []),
        ("   \n ", []),
        ("... !\n---\n3.\n42", []),
        ("line one\r\nline two\x0bline three", ["line one", "line two", "line three"]),
    ],
)
def test_end_at_marks_and_lines(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "It costs 3.50 today.",
        "See example.com for v2.1 of it.",
        "Dr. Smith met Mrs. Jones at St. Mary.",
        "They need care, e.g. Rest, i.e. Time, or help vs. Harm.",
        "J. R. Smith leads the U.S. Senate and the U.N. Council.",
        "Rule No. 5 and pp. 12 hold.",
        "It opens at 5 p.m. on days, etc. and so on.",
        "Acme Inc. is large, as is Smith et al. in theirs.",
        "She has a Ph.D. in law.",
        '"Why?" he asked, and "No!" she said.',
        "Well... maybe it is… so.",
        "He said (really?) that it is.",
        '"I will." they said, (as ever.) of course.',
    ],
)
def test_do_not_end_within(text: str) -> None:
    assert sentences(text) == [text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("They left the U.S. The end came.", ["They left the U.S.", "The end came."]),
        ("We take vitamin C. It helps.", ["We take vitamin C.", "It helps."]),
        ("They came at 6 p.m. We left.", ["They came at 6 p.m.", "We left."]),
        ("Apples, etc. Then more.", ["Apples, etc.", "Then more."]),
        ("They say no. People agree.", ["They say no.", "People agree."]),
        ("It is art. 5 people agree on art. They do.", ["It is art. 5 people agree on art.", "They do."]),
        ("It was in 1999. The next came.", ["It was in 1999.", "The next came."]),
        ('"Go." She went. (It is so.) Then!', ['"Go."', "She went.", "(It is so.)", "Then!"]),
        ("Wait... No. What?! Yes.", ["Wait...", "No.", "What?!", "Yes."]),
        ("So they left. “Why?” is asked.", ["So they left.", "“Why?” is asked."]),
    ],
)
def test_abbreviations_may_end_one(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- one point\n* two points\n• three", ["one point", "two points", "three"]),
        ("1. Care: help.\n2) Rest.\n(3) Time.", ["Care: help.", "Rest.", "Time."]),
        ("Values: 1. Care counts. 2. Rest counts.", ["Values: 1. Care counts.", "Rest counts."]),
        ("a) Yes\nB. No\niv. Perhaps", ["Yes", "No", "Perhaps"]),
        ("## **Duty**\n> - __Care__ counts: `help`.", ["Duty", "Care counts: help."]),
        ("**1.** *Care.* **2. Rest.**", ["Care.", "Rest."]),
        ("1.\n2.\n\n- ", []),
        ("snake_case stays, 2 - 1 as well.", ["snake_case stays, 2 - 1 as well."]),
        ("10 people - all of them - left.", ["10 people - all of them - left."]),
    ],
)
def test_markers_and_emphasis_are_no_part_of_them(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("不可以。这是错的！好的", ["不可以。", "这是错的！", "好的"]),
        ("यह ठीक है। वह गया।", ["यह ठीक है।", "वह गया।"]),
        ("C'est bien. Élodie le sait. ¿Por qué? ¡No!", ["C'est bien.", "Élodie le sait.", "¿Por qué?", "¡No!"]),
    ],
)
def test_of_other_languages(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_long_lines_take_no_time() -> None:
    assert len(sentences("It is so. " * 20_000)) == 20_000
    assert len(sentences("a." * 20_000 + "*" * 20_000 + "-" * 20_000)) == 1
