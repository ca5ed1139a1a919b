"""The account of a run: its answer store and its ledger, shared by base LLM and communities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from community_lms.remote.answer_store import AnswerStore, StoredAnswer, stored_answer
from community_lms.remote.budget import Reservation
from community_lms.remote.failures import classify_error
from community_lms.remote.ledger import Ledger
from community_lms.remote.requests import RemotePrompt
from community_lms.remote.responses import estimated_usage
from community_lms.remote.retry import RetryPolicy
from community_lms.remote.usage import Usage
from plural_tasks.utils.secrets import redact


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
            "answers_file": redact(place),
            "answers_found": self.found,
            "spent": self.ledger.as_json(),
        }

    def check_writable(self) -> None:
        """Check that answers can be kept, before anything is paid for.

        Raises:
            ModPluralError: If they cannot.
        """
        self.store.check_writable()

    @contextmanager
    def paying(self, reservation: Reservation, prompts: Sequence[RemotePrompt], address: str) -> Iterator[Payment]:
        """Pay for one request within this context; what was reserved is settled when it ends, once, whatever happens.

        Nothing in it waits, so that it serves threads and coroutines alike.

        Args:
            reservation: The reservation that the budget made for the request.
            prompts: Prompts of the request, at least one; they share its tokens.
            address: Address of the server.
        """
        payment = Payment(self, reservation, prompts, address)
        try:
            yield payment
        finally:
            payment.end()

    def keep(self, rows: list[StoredAnswer]) -> None:
        """Keep answers that have just come and were booked."""
        self._noted.update(row.key for row in rows)
        self.store.put(rows)


class Payment:
    """The payment for one request, which may be sent several times; see `Account.paying`."""

    def __init__(
        self, account: Account, reservation: Reservation, prompts: Sequence[RemotePrompt], address: str
    ) -> None:
        self._account, self._reservation, self._prompts, self._address = account, reservation, prompts, address
        self._open = True

    @contextmanager
    def attempt(self) -> Iterator[Attempt]:
        """Send the request within this context, once; an answer that came and cannot be used is booked as lost.

        Raises:
            BudgetReachedError: If answers that could not be used have left too little for another attempt.
        """
        ledger = self._account.ledger
        ledger.budget.check_again(self._reservation)
        attempt = Attempt()
        try:
            yield attempt
        except Exception as error:
            if self._open and classify_error(error).kind == "answer":
                usage = attempt.usage or Usage(self._reservation.read, 0, counted=False)
                ledger.lose(self._reservation, usage, [prompt.purpose for prompt in self._prompts])
            raise

    def answered(self, values: Sequence[Any], usage: Usage | None) -> None:
        """Book and keep the answers, and settle the reservation; to be called before anything else can fail.

        Args:
            values: Answers to the prompts, in order, as plain JSON.
            usage: Tokens as the server counted them; None lets them be estimated.

        Raises:
            ModPluralError: If the answers cannot be written; they are booked all the same.
        """
        counted = usage or estimated_usage(self._reservation.read, values)
        self._open = False
        spent = self._account.ledger.book(self._reservation, counted, [prompt.purpose for prompt in self._prompts])
        self._account.keep(
            [
                stored_answer(
                    *(prompt.key, prompt.kind, self._address, prompt.body, prompt.sample, value, prompt.purpose, part)
                )
                for prompt, value, part in zip(self._prompts, values, spent, strict=True)
                if prompt.kind != "first_tokens" or value is not None  # a server may be told to show them later
            ]
        )

    def end(self) -> None:
        """Give back what was reserved, where no answer has settled it."""
        if self._open:
            self._open = False
            self._account.ledger.budget.settle(self._reservation)


@dataclass
class Attempt:
    """One sending of a request.

    Attributes:
        usage: Tokens as the server counted them; None until a response says so.
    """

    usage: Usage | None = None


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
