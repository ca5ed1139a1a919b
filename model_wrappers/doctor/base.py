"""Checks and findings of the doctor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, get_args

from model_wrappers.doctor.visit import NotLookedError, Visit
from plural_tasks.utils.errors import ModPluralError, one_line
from plural_tasks.utils.secrets import redact

Level = Literal["ok", "note", "warning", "fault"]
LEVELS: tuple[Level, ...] = get_args(Level)


@dataclass(frozen=True)
class Finding:
    """Result of one check.

    Attributes:
        name: Thing that was looked at.
        level: ``ok``; ``note`` for what need not be so; ``warning`` for what may spoil a run; ``fault`` for what will.
        found: State that was found, in one line, without keys.
        advice: Remedy; "" where none is needed.
        area: Area of the check.
    """

    name: str
    level: Level
    found: str
    advice: str = ""
    area: str = ""


def ok(name: str, found: str) -> Finding:
    """All is well."""
    return Finding(name, "ok", found)


def note(name: str, found: str, advice: str = "") -> Finding:
    """Something to know."""
    return Finding(name, "note", found, advice)


def warning(name: str, found: str, advice: str) -> Finding:
    """Something that may spoil a run."""
    return Finding(name, "warning", found, advice)


def fault(name: str, found: str, advice: str) -> Finding:
    """Something that a run will fail at, or that makes its figures worthless."""
    return Finding(name, "fault", found, advice)


@dataclass(frozen=True)
class Check:
    """One thing to look at.

    Attributes:
        area: Area of the setup, such as ``pool``.
        name: Thing that is looked at; findings may name parts of it.
        advice: Remedy where the check itself fails.
        look: Function that yields findings; it may raise anything.
    """

    area: str
    name: str
    advice: str
    look: Callable[[Visit], Iterable[Finding]]

    def findings(self, visit: Visit) -> Iterator[Finding]:
        """Look, and turn whatever is raised into a finding, so that the next check goes on."""
        try:
            for found in self.look(visit):
                yield self._shown(found)
        except NotLookedError as reason:
            yield self._shown(note(self.name, f"not looked at: {reason}"))
        except ModPluralError as error:
            yield self._shown(fault(self.name, str(error), self.advice))
        except (Exception, SystemExit) as error:  # libraries raise whatever they like, and argparse leaves
            yield self._shown(fault(self.name, f"{type(error).__name__}: {one_line(error)[:300]}", self.advice))

    def _shown(self, found: Finding) -> Finding:
        return replace(found, area=self.area, found=" ".join(redact(found.found).split()), advice=redact(found.advice))
