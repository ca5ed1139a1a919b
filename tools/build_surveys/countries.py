"""The countries of the World Values Survey's extracts: the name used here, and the continent (M49 regions)."""

from __future__ import annotations

_BY_CONTINENT = {
    "Africa": (
        "Algeria, Burkina Faso, Egypt, Ethiopia, Ghana, Libya, Mali, Morocco, Nigeria, Rwanda, Tanzania, Tunisia, "
        "Uganda, Zambia, Zimbabwe"
    ),
    "Asia": (
        "Armenia, Azerbaijan, Bangladesh, China, Georgia, Hong Kong, India, Indonesia, Iran, Iraq, Israel, Japan, "
        "Jordan, Kazakhstan, Kuwait, Kyrgyzstan, Lebanon, Malaysia, Pakistan, Palestine, Philippines, Qatar, "
        "Saudi Arabia, Singapore, South Korea, Taiwan, Thailand, Turkey, Uzbekistan, Vietnam, Yemen"
    ),
    "Europe": (
        "Albania, Andorra, Belarus, Bosnia, Bulgaria, Croatia, Czech Rep., Estonia, Finland, France, Great Britain, "
        "Hungary, Italy, Latvia, Lithuania, Macedonia, Moldova, Montenegro, Netherlands, Norway, Poland, Romania, "
        "Russia, Serbia, Slovakia, Slovenia, Spain, Sweden, Switzerland, Ukraine"
    ),
    "North America": (
        "Canada, Dominican Republic, El Salvador, Guatemala, Mexico, Puerto Rico, Trinidad and Tobago, United States"
    ),
    "Oceania": "Australia, New Zealand",
    "South America": "Argentina, Brazil, Chile, Colombia, Ecuador, Peru, Uruguay, Venezuela",
}
_NAMES = {
    "Bosnia": "Bosnia and Herzegovina",
    "Czech Rep.": "Czechia",
    "Macedonia": "North Macedonia",
    "Palestine": "Palestinian territories",
}
_WITH_ARTICLE = ("Dominican Republic", "Netherlands", "Palestinian territories", "Philippines", "United States")

COUNTRIES = {
    label: (_NAMES.get(label, label), continent)
    for continent, labels in _BY_CONTINENT.items()
    for label in labels.split(", ")
}
"""Label of the extract -> name and continent."""


def people_in(label: str) -> str:
    """Return for example ``"people in the Netherlands"``."""
    name = COUNTRIES[label][0]
    return f"people in the {name}" if name in _WITH_ARTICLE else f"people in {name}"
