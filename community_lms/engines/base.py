"""What every engine does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar, runtime_checkable

from community_lms.engines.warning import EngineWarning
from community_lms.messages.message import Message, MessageRequest
from community_lms.remote.account import Account

Problem = TypeVar("Problem", bound=BaseException)


class MessageEngine(Protocol):
    """Speaks for communities, one batch at a time."""

    name: str
    batch_size: int
    warnings: list[EngineWarning]

    def __init__(self, *, batch_size: int, device: str | None = None, dtype: str = "auto") -> None:
        """Make the engine; nothing heavy is loaded before the first batch."""

    def speak(self, requests: Sequence[MessageRequest]) -> list[Message]:
        """Return one message for each request, in order.

        All requests have one decoding, and their communities share what `community_lms.engines.SHARED` says.

        A message depends on its own request alone: the random numbers of a sampled message are drawn from its key, so
        that neither its neighbours in the batch nor an interruption change it (beyond rounding).

        Raises:
            ModPluralError: If a community cannot be loaded or reached. An engine that has messages of the batch by
                then, which others would have to be paid for again, puts them into the error (`with_answers`); so it
                does where it is interrupted.
        """

    def close(self) -> None:
        """Free what was loaded."""


@runtime_checkable
class Paying(Protocol):
    """An engine that asks servers, who may want money.

    Attributes:
        account: Where it keeps every answer the moment it comes, and what it pays from.
    """

    account: Account


def with_answers(problem: Problem, answers: Mapping[str, Message]) -> Problem:
    """Return the problem with the messages, by key, that the batch had when it came up."""
    problem.__dict__["answers"] = dict(answers)
    return problem


def answers_of(problem: BaseException) -> dict[str, Message]:
    """The messages, by key, that a batch had when the problem came up; mostly none."""
    return dict(problem.__dict__.get("answers", {}))
