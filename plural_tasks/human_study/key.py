"""The key of a study: which answer is whose, and which pairs are attention checks. Raters never see it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from plural_tasks.schema import Text
from plural_tasks.utils.checked import Checked, parse, read_json
from plural_tasks.utils.errors import ModPluralError
from plural_tasks.utils.files import write_text

VERSION = 1
"""Version of the key and of the raters' files: raised when an older reader would misread them."""

Choice = Literal["1", "2", "tie"]
"""What a rater says: the answer shown first, the one shown second, or about the same."""

CHOICES: tuple[Choice, ...] = ("1", "2", "tie")
Run = Literal["a", "b"]


class StudyPair(Checked):
    """A pair of the study; see `plural_tasks.pairwise.Pair`."""

    id: Text
    situation: Text
    cluster: Text
    digest: Text


class StudyRow(Checked):
    """One row of a rater's file.

    Attributes:
        item: Its number in that file; says nothing about the pair.
        pair: Id of the pair, or of the situation that an attention check is about.
        first: The run whose answer is Answer 1; None for an attention check.
        check: The answer that an attentive rater chooses; None for a real pair.
    """

    item: Text
    pair: Text
    first: Run | None = None
    check: Literal["1", "2"] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.first is None) == (self.check is None):
            raise ValueError(f"row {self.item!r} of pair {self.pair!r} needs exactly one of first and check.")
        return self


class StudyRater(Checked):
    """A rater's rows, in the order shown."""

    name: Text
    rows: Annotated[tuple[StudyRow, ...], Field(min_length=1)]


class Key(Checked):
    """Everything that turns raters' choices into verdicts on runs.

    Attributes:
        format: Tells this file from others.
        version: `VERSION` of the program that wrote it.
        study: Drawn at random, and written into every rater's file: answers of another study are refused.
        task: Name of the task.
        runs: What run A and run B are called.
        question: What raters were asked.
        seed: Seed of the draw, the assignment, the sides and the checks.
        per_pair: Raters for each pair.
        pairs: The pairs.
        raters: The raters, each with the rows shown.
    """

    format: Literal["plural-study-key"] = "plural-study-key"
    version: int = VERSION
    study: Text
    task: Text
    runs: dict[Run, str]
    question: Text
    seed: int
    per_pair: Annotated[int, Field(ge=1)]
    pairs: Annotated[tuple[StudyPair, ...], Field(min_length=1)]
    raters: Annotated[tuple[StudyRater, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _check(self) -> Self:
        known = {pair.id for pair in self.pairs}
        for rater in self.raters:
            if len({row.item for row in rater.rows}) != len(rater.rows):
                raise ValueError(f"{rater.name!r} has one item number twice.")
            for row in rater.rows:
                if row.first is not None and row.pair not in known:
                    raise ValueError(f"{rater.name!r}, item {row.item!r}: pair {row.pair!r} is not among the pairs.")
        return self

    def rows_of(self, rater: str) -> tuple[StudyRow, ...]:
        """The rows of a rater, or none for an unknown name."""
        return next((one.rows for one in self.raters if one.name == rater), ())


def read_key(path: Path) -> Key:
    """Read a key.

    Raises:
        ModPluralError: If it cannot be read, is no key, or is of another version.
    """
    data = read_json(path)
    if not isinstance(data, dict) or data.get("format") != "plural-study-key":
        raise ModPluralError(
            f"{path}: is no key of a study; expected the key.json that `modplural study export` wrote."
        )
    if data.get("version") != VERSION:
        raise ModPluralError(
            f"{path}: has version {data.get('version')!r}, this modplural reads {VERSION}; use the one that wrote it."
        )
    return parse(Key, data, where=str(path))


def write_key(path: Path, key: Key) -> None:
    """Write a key.

    Raises:
        ModPluralError: If it cannot be written.
    """
    data = key.model_dump(exclude_none=True)
    write_text(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n")
