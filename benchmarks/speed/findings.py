"""What a comparison found, and the file that keeps it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from benchmarks.speed.timing import Rounds, median_rate, ratio

FORMAT = 1


@dataclass(frozen=True)
class Claim:
    """A figure that has an aim.

    Attributes:
        what: The figure.
        measured: What was found.
        aim: What was aimed at.
        sense: On which side of the aim the figure is to be.
        unit: Of both.
    """

    what: str
    measured: float
    aim: float
    sense: Literal["at least", "at most"] = "at least"
    unit: str = "times"

    @property
    def met(self) -> bool:
        """Is the figure on the right side of the aim, or on it?"""
        return self.measured >= self.aim if self.sense == "at least" else self.measured <= self.aim

    def as_json(self) -> dict[str, Any]:
        """All fields, and whether the aim is met."""
        return {**vars(self), "met": self.met}


@dataclass
class Finding:
    """What a comparison found.

    Attributes:
        title: Names the comparison on the page.
        unit: What is counted a second.
        rounds: Way -> its rounds; they took turns.
        pairs: Ways whose rates are compared, the faster one first.
        figures: Whatever else was found: numbers, and tables as lists of rows.
        claims: What has an aim.
        notes: What the figures mean: what is scaled, left out or counted along.
    """

    title: str
    unit: str = ""
    rounds: dict[str, Rounds] = field(default_factory=dict)
    pairs: Sequence[tuple[str, str]] = ()
    figures: dict[str, Any] = field(default_factory=dict)
    claims: Sequence[Claim] = ()
    notes: Sequence[str] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain JSON, with the medians of rates and the ratios."""
        return {
            "title": self.title,
            "unit": self.unit,
            "ways": {
                name: {"rounds": [vars(one) for one in found], "per_second": median_rate(found)}
                for name, found in self.rounds.items()
            },
            "ratios": {f"{one} / {other}": ratio(self.rounds[one], self.rounds[other]) for one, other in self.pairs},
            "figures": self.figures,
            "claims": [claim.as_json() for claim in self.claims],
            "notes": list(self.notes),
        }


def read_results(path: Path) -> dict[str, Any]:
    """Read a results file.

    Raises:
        SystemExit: If it is of another format.
    """
    results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if results.get("format") != FORMAT:
        raise SystemExit(f"{path}: format {results.get('format')}, expected {FORMAT}. Measure anew.")
    return results


def write_results(path: Path, results: Mapping[str, Any]) -> None:
    """Write a results file; it is replaced at once, so that an interruption leaves the one before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.new")
    scratch.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    os.replace(scratch, path)
