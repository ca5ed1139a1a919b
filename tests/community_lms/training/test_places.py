import csv

import pytest

from community_lms.training.builders.places import TABLE, Place, _folded, place_of, table
from plural_tasks.sources.countries import CONTINENTS, SPELLINGS

ROWS = list(csv.DictReader(TABLE.open(encoding="utf-8")))
US = Place("United States", "North America")


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("American", US),
        ("AMERICANS", US),
        ("african-american", US),
        ("Nigerian people", Place("Nigeria", "Africa")),
        ("the Dutch", Place("Netherlands", "Europe")),
        ("Turks", Place("Turkey", "Asia")),
        ("Quebecois", Place("Canada", "North America")),
        ("S. Korea (Non-national sample)", Place("South Korea", "Asia")),
        ("Côte d’Ivoire", Place("Ivory Coast", "Africa")),
        ("Trinidad and Tobago", Place("Trinidad and Tobago", "North America")),
        ("Danes and Swedes", Place("", "Europe")),
        ("Scottish/Welsh", Place("Great Britain", "Europe")),
        ("South Asians", Place("", "Asia")),
    ],
)
def test_known_names(name: str, place: Place) -> None:
    assert place_of(name) == place


@pytest.mark.parametrize(
    "name",
    ["", "and", "Moon people", "Latin American", "Georgian", "Danes and Japanese", "Danes and gamers", "Non-Americans"],
)
def test_what_is_not_listed_is_not_guessed(name: str) -> None:
    assert place_of(name) is None


def test_the_table_says_what_the_survey_sources_say() -> None:
    for continent, names in CONTINENTS.items():
        for name in names.split(", "):
            assert place_of(name) == Place(name, continent)
    for spelling, name in SPELLINGS.items():
        assert place_of(spelling) == place_of(name)
        assert place_of(spelling).country == name


def test_the_table_is_sound() -> None:
    countries = {row["country"]: row["continent"] for row in ROWS if row["kind"] == "country"}
    assert len(countries) == len([row for row in ROWS if row["kind"] == "country"]) > 220
    for row in ROWS:
        assert row["continent"] in CONTINENTS, row
        assert row["kind"] in ("country", "spelling", "people", "region"), row
        if row["country"]:
            assert countries[row["country"]] == row["continent"], row
        if row["kind"] == "country":
            assert row["name"] == row["country"]
    assert len({row["name"] for row in ROWS}) == len(ROWS)


def test_names_that_differ_in_accents_only_mean_the_same() -> None:
    for row in ROWS:
        assert table()[_folded(row["name"])] == Place(row["country"], row["continent"])


def test_every_continent_has_adjectives() -> None:
    for continent in CONTINENTS:
        assert sum(row["continent"] == continent and row["kind"] == "people" for row in ROWS) >= 14
