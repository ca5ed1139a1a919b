"""What the start-up hook adds to the start of Python and of the harness; see ``benchmarks/startup.py``."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.speed.findings import Claim, Finding
from benchmarks.speed.registry import Models
from benchmarks.startup import measure as measure_starts
from benchmarks.startup import measure_help


@dataclass(frozen=True)
class Sizes:
    """Starts of Python, and of ``lm_eval --help``."""

    starts: int = 40
    helps: int = 5


QUICK = Sizes(starts=2, helps=2)


def measure(models: Models, sizes: Sizes) -> Finding:
    """Start both with and without the hook, by turns."""
    starts, helps = measure_starts(sizes.starts), measure_help(sizes.helps)
    added = "difference by pair"
    return Finding(
        title="Start-up",
        figures={"python": starts, "lm_eval": helps},
        claims=[
            Claim("added to python -c pass", starts["wall_ms"][added]["median"], 5, "at most", "ms"),
            Claim("added to lm_eval --help", helps[added]["median"], 100, "at most", "ms"),
        ],
        notes=["Two environments that differ in the hook's files alone; medians of the differences by pair."],
    )
