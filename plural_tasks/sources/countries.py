"""Names of the countries in cross-national surveys: one spelling each, the note on the sample apart, the continent."""

from __future__ import annotations

import re
from typing import NamedTuple

SPELLINGS = {
    "Bosnia Herzegovina": "Bosnia and Herzegovina",
    "Britain": "Great Britain",
    "Burma": "Myanmar",
    "Côte d'Ivoire": "Ivory Coast",
    "Czech Rep.": "Czechia",
    "Czech Republic": "Czechia",
    "Hong Kong SAR": "Hong Kong",
    "Macao SAR": "Macau",
    "Macau SAR": "Macau",
    "Macedonia": "North Macedonia",
    "Palest. ter.": "Palestinian territories",
    "Palestinian ter.": "Palestinian territories",
    "Russian Federation": "Russia",
    "S. Africa": "South Africa",
    "S. Korea": "South Korea",
    "Slovak Rep.": "Slovakia",
    "Slovak Republic": "Slovakia",
    "Taiwan ROC": "Taiwan",
    "Türkiye": "Turkey",
    "U.S.": "United States",
    "USA": "United States",
    "Viet Nam": "Vietnam",
}
"""Spelling in a survey -> the one used here. Names that are not listed are kept. Northern Ireland is no spelling of
Great Britain: the European Values Study samples them apart."""

CONTINENTS = {
    "Africa": (
        "Algeria, Angola, Burkina Faso, Egypt, Ethiopia, Ghana, Ivory Coast, Kenya, Libya, Mali, Morocco, Nigeria, "
        "Rwanda, Senegal, South Africa, Tanzania, Tunisia, Uganda, Zimbabwe"
    ),
    "Asia": (
        "Armenia, Azerbaijan, Bangladesh, China, Cyprus, Georgia, Hong Kong, India, Indonesia, Iran, Iraq, Israel, "
        "Japan, Jordan, Kazakhstan, Kuwait, Kyrgyzstan, Lebanon, Macau, Malaysia, Maldives, Mongolia, Myanmar, "
        "Pakistan, Palestinian territories, Philippines, Singapore, South Korea, Sri Lanka, Taiwan, Tajikistan, "
        "Thailand, Turkey, Uzbekistan, Vietnam"
    ),
    "Europe": (
        "Albania, Andorra, Austria, Belarus, Belgium, Bosnia and Herzegovina, Bulgaria, Croatia, Czechia, Denmark, "
        "Estonia, Finland, France, Germany, Great Britain, Greece, Hungary, Iceland, Ireland, Italy, Kosovo, Latvia, "
        "Lithuania, Luxembourg, Moldova, Montenegro, Netherlands, North Macedonia, Northern Ireland, Norway, Poland, "
        "Portugal, Romania, Russia, Serbia, Slovakia, Slovenia, Spain, Sweden, Switzerland, Ukraine"
    ),
    "North America": (
        "Canada, Costa Rica, Dominican Republic, El Salvador, Guatemala, Haiti, Honduras, Jamaica, Mexico, Nicaragua, "
        "Panama, Puerto Rico, Trinidad and Tobago, United States"
    ),
    "Oceania": "Australia, New Zealand",
    "South America": "Argentina, Bolivia, Brazil, Chile, Colombia, Ecuador, Paraguay, Peru, Uruguay, Venezuela",
}
"""After the United Nations' M49 regions; Central America and the Caribbean are counted to North America."""

_CONTINENT_OF = {name: continent for continent, names in CONTINENTS.items() for name in names.split(", ")}
_SAMPLE_NOTE = re.compile(r"\s*\((?P<note>[^()]*\bsample\b[^()]*)\)\s*$", re.IGNORECASE)


class Country(NamedTuple):
    """A surveyed population.

    Attributes:
        name: The country, in the spelling used here.
        sample: Note on the sample, lower-case ("non-national sample"); "" where the survey has none.
        continent: Key of `CONTINENTS`; "" for a country that is not listed.
    """

    name: str
    sample: str
    continent: str


def country(label: str) -> Country:
    """Read a survey's label, like ``"S. Africa (Non-national sample)"``."""
    found = _SAMPLE_NOTE.search(label)
    name = " ".join((label[: found.start()] if found else label).split())
    name = SPELLINGS.get(name, name)
    return Country(name, found["note"].strip().casefold() if found else "", _CONTINENT_OF.get(name, ""))
