"""Counts of a corpus' records: kept, held out, dropped and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from typing_extensions import Self

MOST_DETAILS = 10_000
"""Different details of a reason that are counted apart; further ones are counted together."""
OTHERS = "(others)"


@dataclass
class CorpusTally:
    """Counts that grow while a corpus is read.

    Attributes:
        read: Rows read from the source.
        kept: Records that came through, held-out ones included.
        held_out: Kept records that are held out.
        dropped: Reason -> records. (A row of some sources makes several records, so that the sum may exceed ``read``.)
        details: Reason -> closer description -> records; for example cultural groups that no continent is known for.
        communities: Community -> records kept.
    """

    read: int = 0
    kept: int = 0
    held_out: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    details: dict[str, Counter[str]] = field(default_factory=dict)
    communities: Counter[str] = field(default_factory=Counter)

    def drop(self, reason: str, detail: str = "") -> None:
        """Count a record that is not used."""
        self.dropped[reason] += 1
        if detail:
            known = self.details.setdefault(reason, Counter())
            known[detail if detail in known or len(known) < MOST_DETAILS else OTHERS] += 1

    def __iadd__(self, other: CorpusTally) -> Self:
        """Add the counts of another corpus."""
        self.read += other.read
        self.kept += other.kept
        self.held_out += other.held_out
        self.dropped += other.dropped
        self.communities += other.communities
        for reason, known in other.details.items():
            self.details[reason] = self.details.get(reason, Counter()) + known
        return self

    def reasons(self) -> str:
        """The reasons why records were dropped, with counts, in one line; the most frequent reason comes first."""
        return ", ".join(f"{reason} {count}" for reason, count in self.dropped.most_common()) or "nothing"
