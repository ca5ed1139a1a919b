"""The ledger of one run: what was spent, by phase, community and document."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from community_lms.remote.budget import Budget, Reservation
from community_lms.remote.usage import Purpose, Usage, UsageTotal, share


@dataclass
class Ledger:
    """What one run has spent, out of a budget that others may share; safe for threads.

    Attributes:
        budget: The command's budget.
        now: Spent by this run, by purpose.
        before: Cost of answers taken from the store, at the time when they were asked for, by purpose.
        lost: Spent on answers that could not be used; contained in ``now``.
    """

    budget: Budget = field(default_factory=Budget)
    now: dict[Purpose, UsageTotal] = field(default_factory=dict)
    before: dict[Purpose, UsageTotal] = field(default_factory=dict)
    lost: UsageTotal = field(default_factory=UsageTotal)
    _documents: dict[tuple[str, str], UsageTotal] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def book(self, reservation: Reservation, usage: Usage, purposes: Sequence[Purpose]) -> list[UsageTotal]:
        """Book the answers to a request, and settle its reservation.

        Args:
            reservation: The reservation that `Budget.reserve` returned for the request.
            usage: Tokens of the whole request.
            purposes: Purposes of its answers, at least one; the answers share the tokens.

        Returns:
            Cost of each answer.
        """
        parts = self._enter(reservation, usage, purposes)
        self.budget.settle(reservation, usage)
        return parts

    def lose(self, reservation: Reservation, usage: Usage, purposes: Sequence[Purpose]) -> None:
        """Book answers that were paid for and cannot be used; the reservation stays open for the next attempt."""
        for part in self._enter(reservation, usage, purposes):
            with self._lock:
                self.lost.add(part)

    def _enter(self, reservation: Reservation, usage: Usage, purposes: Sequence[Purpose]) -> list[UsageTotal]:
        parts = share(usage, reservation.price, len(purposes))
        self.budget.pay(parts)
        with self._lock:
            for purpose, part in zip(purposes, parts, strict=True):
                self.now.setdefault(purpose, UsageTotal()).add(part)
                self._documents.setdefault((purpose.task, purpose.doc), UsageTotal()).add(part)
        return parts

    def find(self, purpose: Purpose, spent: UsageTotal) -> None:
        """Note an answer that was taken from the store."""
        with self._lock:
            self.before.setdefault(purpose, UsageTotal()).add(spent)
            self._documents.setdefault((purpose.task, purpose.doc), UsageTotal()).add(spent)

    def as_json(self) -> dict[str, Any]:
        """Sums for results: over all, by phase and by community; of this run, and of stored answers."""
        with self._lock:
            return {"now": sums(self.now), "stored": sums(self.before), "lost": self.lost.as_json()}

    def of_document(self, task: str, doc: str) -> dict[str, Any]:
        """Cost of one document, in this run and when its stored answers were asked for."""
        with self._lock:
            return self._documents.get((task, doc), UsageTotal()).as_json()


def sums(totals: Mapping[Purpose, UsageTotal]) -> dict[str, Any]:
    """Sum totals by purpose over all, by phase and by community, as plain JSON."""
    total = UsageTotal()
    groups: dict[str, dict[str, UsageTotal]] = {"by_phase": {}, "by_community": {}}
    for purpose, part in totals.items():
        total.add(part)
        groups["by_phase"].setdefault(purpose.phase, UsageTotal()).add(part)
        if purpose.community:
            groups["by_community"].setdefault(purpose.community, UsageTotal()).add(part)
    listed = {name: {key: one.as_json() for key, one in sorted(group.items())} for name, group in groups.items()}
    return {**total.as_json(), **listed}
