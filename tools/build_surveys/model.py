"""What the build makes: studies, their questions, and the shares of cells (populations and groups)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import pandas as pd

from .shares import Shares, shares_of

Codes: TypeAlias = Mapping[Any, str]
"""Code in the microdata -> text."""

MIN_SIZE = 50
"""Cells with fewer respondents, or a smaller effective sample, are left out."""


ABORTION = "abortion"
"""Family of all questions on legal abortion: what a group says of one reason tells what it says of the others."""

TRUST = "political-trust"
"""Family of the items on trust in government."""

IMMIGRATION = "immigration-consequences"
"""Family of the items on what immigration does to a country."""


@dataclass(frozen=True, kw_only=True)
class Study:
    """A survey programme; the fields go into the data file as they stand.

    Attributes:
        title: Name in prose; `Item.study`.
        producer: Who ran it.
        citation: What to cite, the package that carries the microdata included.
        homepage: Where its codebooks are.
        weighting: Whether the microdata carries a survey weight, and what was done.
        known_issues: What a reader of a score should know.
    """

    title: str
    producer: str
    citation: str
    homepage: str
    weighting: str
    known_issues: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Cell:
    """The answers of one population (has a ``stratum``) or of one group (has a ``category``).

    ``id`` is unique in its question. Groups of one ``category`` and ``where`` (place and time) are one set; ``crossed``
    ones are divided by two things at once.
    """

    id: str
    attribute: str
    shares: Shares
    category: str = ""
    where: str = ""
    crossed: bool = False
    stratum: str = ""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A questionnaire item.

    Attributes:
        id: Stable name, also `Item.cluster`.
        study: Key of the study.
        data: Files of the package, ``package/item``.
        variable: Column, by the codebook's name.
        text: What is asked.
        wording: ``study``: the published item, at most shortened or with the place filled in; ``ours``: rendered by
            us from the codebook's description.
        answers: Code in the microdata -> option text, in the order of the options.
        ordinal: The options, don't-know left out, stand in an order of degree.
        dont_know: Codes that state no opinion.
        note: What else is to be known of this item.
        family: Questions of one family go into one split: they ask the same thing, or are a battery in which groups
            differ alike, so that one answer gives the others away. "" stands for ``id``.
    """

    id: str
    study: str
    data: tuple[str, ...]
    variable: str
    text: str
    wording: Literal["study", "ours"]
    answers: Codes
    ordinal: bool = False
    dont_know: tuple[Any, ...] = ()
    note: str = ""
    family: str = ""
    populations: list[Cell] = field(default_factory=list)
    groups: list[Cell] = field(default_factory=list)

    def population(
        self, name: str, answers: pd.Series, *, stratum: str, key: str = "all", weights: pd.Series | None = None
    ) -> None:
        """Add a population, for example ``"people in Norway (1996)"``; one that is too small is left out."""
        shares = shares_of(answers, list(self.answers), weights)
        if shares.n_eff >= MIN_SIZE:
            self.populations.append(Cell(id=key, attribute=name, stratum=stratum, shares=shares))

    def adherents(self, parties: Grouping, answers: pd.Series, place: str, *, stratum: str, noun: str = "{}s") -> None:
        """Add the people of each party as a population, where the data does not describe the whole country."""
        for party, mask in parties.members.items():
            name = f"{noun.format(party)} in {'the ' if place.startswith('United') else ''}{place}"
            self.population(name, answers[mask], stratum=stratum, key=slug(noun.format(party)))

    def grouped(
        self,
        groupings: Iterable[Grouping],
        answers: pd.Series,
        *,
        where: str = "",
        suffix: str = "",
        weights: pd.Series | None = None,
    ) -> None:
        """Add one cell for each group of ``groupings`` that is large enough; ``where`` is place and time."""
        for grouping in groupings:
            for value, mask in grouping.members.items():
                of_group = None if weights is None else weights[mask]
                shares = shares_of(answers[mask], list(self.answers), of_group)
                if shares.n_eff < MIN_SIZE:
                    continue
                name = value if ": " in value else f"{grouping.category}: {value}"
                values = "-".join(slug(part.split(": ")[-1]) for part in value.split("; "))
                self.groups.append(
                    Cell(
                        id=f"{grouping.key}-{values}{suffix}",
                        attribute=f"{name} ({where})" if where else name,
                        category=grouping.category,
                        where=where,
                        crossed=grouping.crossed,
                        shares=shares,
                    )
                )


@dataclass(frozen=True)
class Grouping:
    """A way to divide respondents.

    Attributes:
        key: Part of the items' ids.
        category: What the groups are divided by, `SteerableItem.category`.
        members: Group -> the rows that belong to it. A group is named by value, or by ``category: value`` pairs
            joined by semicolons.
        crossed: Made of two groupings.
    """

    key: str
    category: str
    members: Mapping[str, pd.Series]
    crossed: bool = False


def grouping(key: str, category: str, column: pd.Series, names: Codes) -> Grouping:
    """Divide by a coded column: ``names`` maps code -> group; codes of one name are put together, others are out."""
    of_row = column.map(names)
    return Grouping(key, category, {name: of_row == name for name in dict.fromkeys(names.values())})


def crossed(first: Grouping, second: Grouping) -> Grouping:
    """Divide by two groupings at once."""
    members = {
        f"{first.category}: {one}; {second.category}: {other}": mask & second.members[other]
        for one, mask in first.members.items()
        for other in second.members
    }
    return Grouping(f"{first.key}-{second.key}", f"{first.category} and {second.category}", members, crossed=True)


def bands(key: str, category: str, column: pd.Series, limits: Mapping[str, tuple[float, float]]) -> Grouping:
    """Divide by ranges of a number, both ends included."""
    return Grouping(key, category, {name: column.between(low, high) for name, (low, high) in limits.items()})


AGES = {"18 to 29": (18, 29), "30 to 49": (30, 49), "50 to 64": (50, 64), "65 or older": (65, 120)}


def slug(text: str) -> str:
    """Return ``text`` as a part of an id: ASCII letters and digits, lower-case, joined by hyphens."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
