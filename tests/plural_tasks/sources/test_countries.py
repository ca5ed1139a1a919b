import pytest

from plural_tasks.sources.countries import CONTINENTS, SPELLINGS, Country, country


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("S. Africa (Non-national sample)", Country("South Africa", "non-national sample", "Africa")),
        ("India (Current national sample)", Country("India", "current national sample", "Asia")),
        ("India (Old National Sample) ", Country("India", "old national sample", "Asia")),
        ("Britain", Country("Great Britain", "", "Europe")),
        ("Great Britain", Country("Great Britain", "", "Europe")),
        ("Northern Ireland", Country("Northern Ireland", "", "Europe")),
        ("S. Korea", Country("South Korea", "", "Asia")),
        ("  Czech   Rep. ", Country("Czechia", "", "Europe")),
        ("Palest. ter.", Country("Palestinian territories", "", "Asia")),
        ("Mexico", Country("Mexico", "", "North America")),
        ("Peru", Country("Peru", "", "South America")),
        ("Australia", Country("Australia", "", "Oceania")),
        ("Atlantis", Country("Atlantis", "", "")),
        ("Atlantis (sunken)", Country("Atlantis (sunken)", "", "")),
    ],
)
def test_labels(label: str, expected: Country) -> None:
    assert country(label) == expected


def test_every_spelling_leads_to_a_listed_country_that_is_no_spelling_itself() -> None:
    listed = [name for names in CONTINENTS.values() for name in names.split(", ")]

    assert set(SPELLINGS.values()) <= set(listed)
    assert not set(SPELLINGS) & set(listed)
    assert len(set(listed)) == len(listed)
