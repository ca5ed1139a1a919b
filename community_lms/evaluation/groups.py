"""Groups of survey respondents that communities stand for, as data, and the shares of their answers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import field_validator, model_validator

from plural_tasks.schema import Text
from plural_tasks.sources.surveys import Population, SurveyQuestion
from plural_tasks.utils.checked import Checked, parse, read_yaml

PACKAGED = Path(__file__).with_name("groups.yaml")
_WHOLE = re.compile(r"people (born )?in (?!.*\bwho\b)")


class Groups(Checked):
    """People whose answers a community is compared with; ``groups.yaml`` says what an entry means."""

    groups: tuple[Text, ...] = ()
    populations: tuple[Text, ...] = ()
    strata: tuple[Text, ...] = ()

    @field_validator("groups", "populations")
    @classmethod
    def _patterns(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        for entry in entries:
            if _is_pattern(entry):
                try:
                    re.compile(entry[1:-1])
                except re.error as error:
                    raise ValueError(f"{entry} is no regular expression ({error}).") from error
        return entries

    @model_validator(mode="after")
    def _some(self) -> Groups:
        if not (self.groups or self.populations or self.strata):
            raise ValueError("names nobody; expected groups, populations or strata.")
        return self

    @property
    def entries(self) -> list[str]:
        """All entries, for a report."""
        return [*self.groups, *self.populations, *(f"countries of {name}" for name in self.strata)]

    def matches(self, question: SurveyQuestion) -> list[Any]:
        """The cells of a question that are this community's groups, each once."""
        found: list[Any] = [cell for cell in question.groups if _any(self.groups, cell.attribute)]
        found += [
            cell for cell in question.populations if _any(self.populations, cell.attribute) or self._of_stratum(cell)
        ]
        return list({(cell.id, cell.attribute): cell for cell in found}.values())

    def _of_stratum(self, cell: Population) -> bool:
        return cell.stratum in self.strata and _WHOLE.match(cell.attribute) is not None


class GroupFile(Checked):
    """A group file: community -> its groups."""

    communities: dict[str, Groups]

    @field_validator("communities", mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {name: {"groups": entry} if isinstance(entry, list) else entry for name, entry in value.items()}


@dataclass(frozen=True)
class Target:
    """Answers of a community's groups to one question.

    Attributes:
        shares: Mean share of each option over the groups, 0..1.
        cells: Names of the groups.
    """

    shares: tuple[float, ...]
    cells: tuple[str, ...]


def read_groups(path: Path) -> dict[str, Groups]:
    """Read a group file.

    Raises:
        ModPluralError: If it cannot be read or is malformed; names file and field.
    """
    return parse(GroupFile, read_yaml(path), where=str(path)).communities


def target(question: SurveyQuestion, groups: Groups) -> Target | None:
    """The mean shares of a community's groups on a question, each counting the same; None where none was asked."""
    cells = groups.matches(question)
    if not cells:
        return None
    shares = [sum(cell.shares[place] for cell in cells) / len(cells) for place in range(len(question.options))]
    total = sum(shares)
    return Target(tuple(share / total for share in shares), tuple(cell.attribute for cell in cells))


def _any(entries: Sequence[str], attribute: str) -> bool:
    return any(_matches(entry, attribute) for entry in entries)


def _matches(entry: str, attribute: str) -> bool:
    if _is_pattern(entry):
        return re.search(entry[1:-1], attribute) is not None
    if "(" in entry:
        return attribute.startswith(entry)
    return attribute == entry or attribute.startswith(f"{entry} (")


def _is_pattern(entry: str) -> bool:
    return len(entry) > 2 and entry.startswith("/") and entry.endswith("/")
