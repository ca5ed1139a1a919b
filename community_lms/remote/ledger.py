"""The books of one run: what was spent, by phase, community and document."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from community_lms.remote.budget import Purse, Ticket
from community_lms.remote.usage import Purpose, Spent, Usage, share


@dataclass
class Ledger:
    """Spent by one run, out of a purse that others may share; safe for threads.

    Attributes:
        purse: Of the command.
        now: Spent by this run, by purpose.
        before: What answers that were stored had cost when they were asked for, by purpose.
        lost: Spent on answers that could not be used; they are in ``now`` too.
    """

    purse: Purse = field(default_factory=Purse)
    now: dict[Purpose, Spent] = field(default_factory=dict)
    before: dict[Purpose, Spent] = field(default_factory=dict)
    lost: Spent = field(default_factory=Spent)
    _documents: dict[tuple[str, str], Spent] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def book(self, ticket: Ticket, usage: Usage, purposes: Sequence[Purpose]) -> list[Spent]:
        """Book the answers to a request in the place of its ticket.

        Args:
            ticket: Of `Purse.reserve`.
            usage: Tokens of the whole request.
            purposes: Of its answers, at least one, which share the tokens.

        Returns:
            What each of them cost.
        """
        parts = self._enter(ticket, usage, purposes)
        self.purse.settle(ticket, usage)
        return parts

    def lose(self, ticket: Ticket, usage: Usage, purposes: Sequence[Purpose]) -> None:
        """Book answers that came, were paid for, and cannot be used; the ticket stays valid for the next try."""
        for part in self._enter(ticket, usage, purposes):
            with self._lock:
                self.lost.add(part)

    def _enter(self, ticket: Ticket, usage: Usage, purposes: Sequence[Purpose]) -> list[Spent]:
        parts = share(usage, ticket.price, len(purposes))
        self.purse.pay(parts)
        with self._lock:
            for purpose, part in zip(purposes, parts, strict=True):
                self.now.setdefault(purpose, Spent()).add(part)
                self._documents.setdefault((purpose.task, purpose.doc), Spent()).add(part)
        return parts

    def find(self, purpose: Purpose, spent: Spent) -> None:
        """Note an answer that was stored."""
        with self._lock:
            self.before.setdefault(purpose, Spent()).add(spent)
            self._documents.setdefault((purpose.task, purpose.doc), Spent()).add(spent)

    def as_json(self) -> dict[str, Any]:
        """Sums for results: all, by phase and by community, of this run and of stored answers."""
        with self._lock:
            return {"now": sums(self.now), "stored": sums(self.before), "lost": self.lost.as_json()}

    def of_document(self, task: str, doc: str) -> dict[str, Any]:
        """What one document has cost, now and when its stored answers were asked for."""
        with self._lock:
            return self._documents.get((task, doc), Spent()).as_json()


def sums(books: Mapping[Purpose, Spent]) -> dict[str, Any]:
    """Sums of some books, as plain JSON."""
    total = Spent()
    groups: dict[str, dict[str, Spent]] = {"by_phase": {}, "by_community": {}}
    for purpose, part in books.items():
        total.add(part)
        groups["by_phase"].setdefault(purpose.phase, Spent()).add(part)
        if purpose.community:
            groups["by_community"].setdefault(purpose.community, Spent()).add(part)
    listed = {name: {key: one.as_json() for key, one in sorted(group.items())} for name, group in groups.items()}
    return {**total.as_json(), **listed}
