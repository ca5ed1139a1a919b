import pytest

from community_lms.training.cleaning import Cleaning, clean, normalised
from plural_tasks.utils.checked import parse
from plural_tasks.utils.errors import ModPluralError

PLAIN = Cleaning()


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  a \t b\u00a0c  ", "a b c"),
        ("a &amp; b &#39;c&#39;", "a & b 'c'"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("a  \n\n\n\n  b", "a\n\nb"),
        ("zero\u200bwidth\ufeff \x00\x07bell\u00ad", "zerowidth bell"),
        ("lone \ud800surrogate", "lone surrogate"),
        ("cafe\u0301", "café"),
        ("see https://a.org/x?y=1, or www.b.net.", "see [link], or [link]."),
        ("see [the page](https://a.org/x) now", "see the page now"),
        ("(https://a.org)", "([link])"),
        ("thanks @ann_1 and /u/bob-2, u/carl", "thanks [user] and [user], [user]"),
        ("mail ann.lee@example.co.uk today", "mail [email] today"),
        ("half @ noon, 5@, a/u/b", "half @ noon, 5@, a/u/b"),
        ("मैं ऐसा नहीं\u200dमानता", "मैं ऐसा नहीं\u200dमानता"),
        ("<b>bold</b> 3 < 4", "<b>bold</b> 3 < 4"),
    ],
)
def test_clean(text: str, cleaned: str) -> None:
    assert clean(text, PLAIN) == cleaned
    assert clean(cleaned, PLAIN) == cleaned  # cleaning what is clean changes nothing


def test_links_and_people_can_stay() -> None:
    text = "see https://a.org, @ann, [page](https://b.org), u/bob, a@b.org"
    assert clean(text, Cleaning(replace_links=False, replace_people=False)) == text


def test_what_is_the_same_but_for_case_and_blanks() -> None:
    assert normalised(" The  CAT\n") == normalised("the cat") == "the cat"
    assert normalised("ﬁne") == "fine"
    assert normalised("कि") != normalised("का")  # vowel signs count


def test_bounds_are_checked() -> None:
    with pytest.raises(ModPluralError, match="min_chars is 9, above max_chars, which is 5"):
        parse(Cleaning, {"min_chars": 9, "max_chars": 5}, where="here")
