"""The account of a run: its answer store and its ledger, shared by base LLM and communities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from community_lms.remote.answer_store import AnswerStore, StoredAnswer
from community_lms.remote.ledger import Ledger
from community_lms.remote.retry import RetryPolicy
from plural_tasks.utils.secrets import hush


@dataclass
class Account:
    """An answer store and a ledger.

    Attributes:
        store: Answers of all runs.
        ledger: What this run has spent.
        found: Number of answers taken from the store, counted each time that one is looked up.
        retry_policies: Retry policies of all models that are asked; they count the retries.
    """

    store: AnswerStore = field(default_factory=lambda: AnswerStore(None))
    ledger: Ledger = field(default_factory=Ledger)
    found: int = 0
    retry_policies: list[RetryPolicy] = field(default_factory=list)
    _noted: set[str] = field(default_factory=set)

    def find(self, keys: Iterable[str]) -> dict[str, StoredAnswer]:
        """Look answers up by key; what they had cost is noted in the ledger, once each."""
        found = self.store.get(keys)
        self.found += len(found)
        for key in found.keys() - self._noted:
            self.ledger.find(found[key].purpose, found[key].spent)
        self._noted |= found.keys()
        return found

    def as_json(self) -> dict[str, Any]:
        """Counts for results."""
        place = str(self.store.path) if self.store.path is not None else "none"
        retries = sum((one.retries for one in self.retry_policies), Counter[str]())
        return {
            "retries": dict(sorted(retries.items())),
            "pauses": sum(one.breaker.opened for one in self.retry_policies),
            "answers_file": hush(place),
            "answers_found": self.found,
            "spent": self.ledger.as_json(),
        }

    def check_writable(self) -> None:
        """Check that answers can be kept, before anything is paid for.

        Raises:
            ModPluralError: If they cannot.
        """
        self.store.check_writable()

    def keep(self, rows: list[StoredAnswer]) -> None:
        """Keep answers that have just come and were booked."""
        self._noted.update(row.key for row in rows)
        self.store.put(rows)


def open_account(path: str | None, ledger: Ledger) -> Account:
    """Open the account of a run.

    Args:
        path: File of the answer store; None is the usual one, ``none`` keeps answers in memory.
        ledger: Ledger of the run.

    Raises:
        ModPluralError: If the file cannot be used.
    """
    if path is not None and path.lower() == "none":
        return Account(AnswerStore(None), ledger)
    return Account(AnswerStore(path if path is not None else default_answers_path()), ledger)


def default_answers_path() -> Path:
    """Path of the answer store in the user's cache folder."""
    from platformdirs import user_cache_path

    return user_cache_path("modplural") / "answers.sqlite"
