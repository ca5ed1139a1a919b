"""How many messages a second the store reads and writes; see ``benchmarks/store.py``."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.speed.findings import Claim, Finding
from benchmarks.speed.registry import Models
from benchmarks.store import BATCH, READ, fill_and_time


@dataclass(frozen=True)
class Sizes:
    """Messages in the store, and rounds."""

    rounds: int = 5
    rows: int = 1_000_000


QUICK = Sizes(rounds=1, rows=2_000)


def measure(models: Models, sizes: Sizes) -> Finding:
    """Fill a store, then read and write by turns."""
    rounds, size = fill_and_time(sizes.rows, sizes.rounds)
    finding = Finding(
        title="Message store",
        unit="messages",
        rounds=rounds,
        figures={"rows": sizes.rows, "megabytes": size},
        notes=[
            f"Read in random order, {READ} keys a call; written in batches of {BATCH} with a commit each.",
            "No round to warm up: the store has just been filled.",
        ],
    )
    speeds = finding.as_json()["ways"]
    aims = (("read", 20_000), ("write", 5_000))
    what = f"at {sizes.rows:,} rows"
    finding.claims = [
        Claim(f"messages {name} a second {what}", speeds[name]["per_second"], aim, unit="messages/s")
        for name, aim in aims
    ]
    return finding
