"""Country and continent of a name, by the table ``continents.csv``; a name that is not listed is not guessed."""

from __future__ import annotations

import csv
import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import NamedTuple

from plural_tasks.sources.countries import country as survey_country

TABLE = Path(__file__).resolve().parent.parent / "continents.csv"

_PARTS = re.compile(r"\s*[,/;&]\s*|\s+(?:and|or)\s+")
_ARTICLE = re.compile(r"^(?:the|a|an)\s+")
_NOUNS = re.compile(
    r"\s+(?:people|peoples|persons?|individuals?|citizens?|nationals?|residents?|natives?|locals?|society|societies|"
    r"cultures?|communit(?:y|ies)|men|women|families|culture group|cultural group)$"
)


class Place(NamedTuple):
    """The place that a name stands for.

    Attributes:
        country: In the spelling of `plural_tasks.sources.countries`; "" for a name of people of several countries.
        continent: One of its continents.
    """

    country: str
    continent: str


def place_of(name: str) -> Place | None:
    """Return the country and continent of a country, nationality, people or region; None where the table has none.

    Case, articles, plurals and words like "people" do not matter. A name of several ("Danes and Swedes") has
    the country and continent that all of them share, and is unknown if they share no continent.
    """
    plain = _ARTICLE.sub("", _folded(survey_country(name).name))
    found = _lookup(plain)
    if found is not None:
        return found
    parts = [part for part in _PARTS.split(plain) if part]
    places = [_lookup(_ARTICLE.sub("", part)) for part in parts]
    known = [place for place in places if place is not None]
    if len(parts) < 2 or len(known) < len(parts) or len({place.continent for place in known}) > 1:
        return None
    countries = {place.country for place in known}
    return Place(countries.pop() if len(countries) == 1 else "", known[0].continent)


@cache
def table() -> dict[str, Place]:
    """The table: folded name -> place."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {_folded(row["name"]): Place(row["country"], row["continent"]) for row in csv.DictReader(file)}


def _lookup(plain: str) -> Place | None:
    bare = _NOUNS.sub("", plain)
    candidates = (plain, bare, *(bare[: -len(end)] for end in ("s", "es") if bare.endswith(end)))
    return next((table()[name] for name in candidates if name in table()), None)


def _folded(name: str) -> str:
    """Lower case, without accents, with plain hyphens and quotes; a hyphen between two words is a blank."""
    name = unicodedata.normalize("NFKD", name.replace("’", "'").replace("‐", "-")).casefold()
    return " ".join("".join(char for char in name if not unicodedata.combining(char)).replace("-", " ").split())
