"""Clean a text: entities, signs that cannot be seen, white space, links, users' names; the language is left alone."""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Annotated

from pydantic import Field, model_validator
from typing_extensions import Self

from plural_tasks.utils.checked import Checked

LINK, MAIL, USER = "[link]", "[email]", "[user]"

_LINE_ENDS = re.compile(r"\r\n?|[\u2028\u2029\x0b\x0c\x85]")
# Joiners (U+200C, U+200D) stay: Hindi, Persian and emoji are spelt with them. A lone surrogate is no text at all.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ud800-\udfff]"
)
_EMPTY_LINES = re.compile(r"\n{3,}")
_NAMED_LINK = re.compile(r"\[([^\]\n]*)\]\((?:https?://|www\.|/)[^)\s]*\)")
_LINK = re.compile(r"(?<!\w)(?:https?://|www\.)[^\s<>()\[\]\"']*[^\s<>()\[\]\"'.,;:!?]")
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_USER = re.compile(r"(?<![\w@./])@\w{2,30}\b|(?<![\w/])/?u/[A-Za-z0-9_-]{3,20}\b")


class Cleaning(Checked):
    """Settings of the cleaning of a corpus' texts.

    Attributes:
        min_chars: Shorter comments are dropped.
        max_chars: Records whose comment or prompt is longer are dropped.
        drop_duplicates: A text is taken once, however often somebody of the community said it. Where it counts how
            often, as with survey answers, it must not be dropped.
        replace_links: Web addresses become ``[link]``; of a Markdown link its text stays.
        replace_people: User names (``@name``, ``u/name``) become ``[user]``, mail addresses ``[email]``.
    """

    min_chars: Annotated[int, Field(ge=1)] = 3
    max_chars: Annotated[int, Field(ge=1)] = 100_000
    drop_duplicates: bool = True
    replace_links: bool = True
    replace_people: bool = True

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.min_chars > self.max_chars:
            raise ValueError(f"min_chars is {self.min_chars}, above max_chars, which is {self.max_chars}.")
        return self


def clean(text: str, cleaning: Cleaning) -> str:
    """Return a text without entities, control signs, needless white space, links and names of users.

    Runs of blanks become one, lines lose those at their ends, and at most one empty line stands between two others.
    """
    text = unicodedata.normalize("NFC", html.unescape(text))
    text = _UNSEEN.sub("", _LINE_ENDS.sub("\n", text))
    # The signs are looked for first because the patterns are slow, and most texts have neither links nor names.
    if cleaning.replace_links and ("http" in text or "www." in text or "](" in text):
        text = _LINK.sub(LINK, _NAMED_LINK.sub(r"\1", text))
    if cleaning.replace_people and ("@" in text or "u/" in text):
        text = _USER.sub(USER, _MAIL.sub(MAIL, text))
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return _EMPTY_LINES.sub("\n\n", "\n".join(lines)).strip()


def normalised(text: str) -> str:
    """Return what two texts have in common that differ in case, white space or Unicode spelling only."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
