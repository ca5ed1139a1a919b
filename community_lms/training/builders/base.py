"""The description of a builder, the request that it takes, and the functions that all builders share."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from community_lms.training.builders.places import place_of
from community_lms.training.corpus import Record
from community_lms.training.tally import CorpusTally
from plural_tasks.schema import Text
from plural_tasks.sources.base import LocatedRow
from plural_tasks.utils.checked import Checked
from plural_tasks.utils.errors import ModPluralError

Texts = Literal["preferred", "feedback", "both"]


class CorpusRequest(Checked):
    """A corpus to be built.

    Attributes:
        path: Local file or folder, or a data set of the Hub.
        by: Property by which people form a community; one of the builder's `Builder.by`.
        split: Split on the Hub.
        revision: Commit, tag or branch on the Hub.
        subset: Configuration on the Hub.
        columns: Our column -> theirs (builder ``files``).
        community: The community of all records (builder ``files``, where the data name none).
        source: Name of the corpus in the records; "" takes the builder's.
        licence: Licence in the records; "" takes the builder's.
        texts: Texts that are taken of people who rate answers: the answer they prefer, their own feedback, or both.
        answers: Answers voiced for each survey question and group; at most 24, so that no two need be the same.
        seed: Seed of the random draws.
    """

    path: Text
    by: str = ""
    split: str | None = None
    revision: str | None = None
    subset: str | None = None
    columns: dict[str, Text] = Field(default_factory=dict)
    community: str | None = None
    source: str = ""
    licence: str = ""
    texts: Texts = "both"
    answers: Annotated[int, Field(ge=1, le=24)] = 10
    seed: int = 0


@dataclass(frozen=True)
class Builder:
    """A way to turn a source into records.

    Attributes:
        name: Key in the registry.
        title: Title of the data, in prose.
        reads: Files or data sets that it reads, in a sentence.
        records: Yields the records of a request, not cleaned yet; counts rows, and those it cannot use, in the tally.
        by: Properties by which people can form a community; the first is the default.
        hub: The public place on the Hub; "" where people bring the files.
        licence: Licence of the texts; "" where it depends on the files, and is then for the user to say.
        licence_note: Advice on the licence in that case.
        min_chars: Shorter comments are dropped unless the user says otherwise.
    """

    name: str
    title: str
    reads: str
    records: Callable[[CorpusRequest, CorpusTally], Iterator[Record]]
    by: tuple[str, ...]
    hub: str = ""
    licence: str = ""
    licence_note: str = ""
    min_chars: int = 3

    def record(self, request: CorpusRequest, community: str, prompt: str, comment: str, licence: str = "") -> Record:
        """Make a record; what the request says of source and licence goes first."""
        return {
            "community": community,
            "source": request.source or self.title,
            "licence": request.licence or licence or self.licence,
            "prompt": prompt,
            "comment": comment,
        }


def community_name(text: str) -> str:
    """Return a name as pool files have it: ``"South America"`` is ``south_america``; "" where no letter is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().casefold()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")


def by_place(label: str, by: str, tally: CorpusTally) -> str:
    """Return the community of a country or people, by ``country`` or ``continent``; "" and counted if unknown."""
    place = place_of(label)
    found = getattr(place, by) if place is not None else ""
    if not found:
        tally.drop(f"no {by} known", label or "(not stated)")
    return community_name(found)


def column(row: LocatedRow, *names: str) -> Any:
    """Return the value of the first of these columns that the row has.

    Raises:
        ModPluralError: If it has none of them; names the row.
    """
    for name in names:
        if name in row:
            return row[name]
    wanted = " or ".join(repr(name) for name in names)
    raise ModPluralError(f"{row.where}: column {wanted} is missing; found {', '.join(row)}.")


def text_field(row: Mapping[str, Any], name: str) -> str:
    """Return a text of a row, "" where it is missing or a word for missing (None, NaN, N/A)."""
    value = row.get(name)
    text = " ".join(value.split()) if isinstance(value, str) else ""
    return "" if text.casefold() in ("nan", "none", "null", "n/a", "na") else text


def folder_file(folder: Path, name: str) -> Path:
    """Return a file that a source's folder has to hold.

    Raises:
        ModPluralError: If it is not there.
    """
    path = folder / name
    if not path.is_file():
        raise ModPluralError(f"{folder}: holds no {name}, which is read from there.")
    return path
