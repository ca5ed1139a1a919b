"""Themes: opinions on which people differ, written for this project, with reasons and with stances of communities."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from plural_tasks.schema import Text
from plural_tasks.utils.checked import Checked, parse, read_yaml
from plural_tasks.utils.errors import ModPluralError

FOLDER = Path(__file__).resolve().parent / "themes"
EVERYDAY = "everyday"
"""The file of themes without stances: only the reader is trained on them."""

Stance = Annotated[float, Field(ge=-2.0, le=2.0)]


class Theme(Checked):
    """One opinion; see ``themes/README.md``.

    Attributes:
        id: Unique over all files.
        topic: In a word or three.
        statement: What some hold.
        opposite: What others hold.
        question: Answered by yes by those who hold the statement.
        situation: An action or state of affairs.
        spend: What public money is spent on, where the theme is about that.
        plus: Reasons of those who hold the statement.
        minus: Reasons of those who hold the opposite.
        between: What people in the middle say.
        options: Graded answers to ``asks``, from most minus to most plus.
        asks: The question that ``options`` answer.
        positions: Mean stance of a community's people, from -2 to 2, as the author judged it.
    """

    id: Text
    topic: Text
    statement: Text
    opposite: Text
    question: Text
    situation: Text
    spend: Text | None = None
    plus: Annotated[tuple[Text, ...], Field(min_length=3, max_length=3)]
    minus: Annotated[tuple[Text, ...], Field(min_length=3, max_length=3)]
    between: Annotated[tuple[Text, ...], Field(min_length=2, max_length=2)]
    options: tuple[Text, ...] = ()
    asks: Text | None = None
    positions: dict[str, Stance] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check(self) -> Theme:
        if bool(self.options) != (self.asks is not None):
            raise ValueError("options and asks belong together")
        return self


@cache
def read_themes(name: str) -> tuple[Theme, ...]:
    """Read one file of themes.

    Raises:
        ModPluralError: If the file or an entry is malformed; names the file and the entry.
    """
    path = FOLDER / f"{name}.yaml"
    entries = read_yaml(path)
    if not isinstance(entries, list):
        raise ModPluralError(f"{path}: found {type(entries).__name__}, expected a list of themes.")
    return tuple(_theme(name, number, entry) for number, entry in enumerate(entries, start=1))


def _theme(name: str, number: int, entry: object) -> Theme:
    if not isinstance(entry, Mapping):
        return parse(Theme, entry, where=f"{name}.yaml, theme {number}")
    short = entry.get("id", number)
    return parse(Theme, {**entry, "id": f"{name}/{short}"}, where=f"{name}.yaml, theme {short!r}")


def opinion_themes() -> list[Theme]:
    """All themes with stances, in the order of files and entries.

    Raises:
        ModPluralError: If an id occurs twice.
    """
    names = sorted(path.stem for path in FOLDER.glob("*.yaml") if path.stem != EVERYDAY)
    themes = [theme for name in names for theme in read_themes(name)]
    ids = [theme.id for theme in themes]
    twice = next((name for name in ids if ids.count(name) > 1), None)
    if twice is not None:
        raise ModPluralError(f"{FOLDER}: theme {twice!r} occurs twice.")
    return themes
