"""What every message engine does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from community_lms.engines.warning import EngineWarning
from community_lms.messages.message import Message, MessageRequest
from community_lms.remote.account import Account
from plural_tasks.utils.errors import ModPluralError


class MessageEngine(Protocol):
    """Generates the messages of communities, one batch at a time.

    Attributes:
        name: Name of the engine in the registry.
        batch_size: Number of messages that are generated together.
        warnings: Warnings so far, each naming its community.
    """

    name: str
    batch_size: int
    warnings: list[EngineWarning]

    def __init__(self, *, batch_size: int, device: str | None = None, dtype: str = "auto") -> None:
        """Make the engine; nothing heavy is loaded before the first batch."""

    def speak(self, requests: Sequence[MessageRequest]) -> list[Message]:
        """Return one message for each request, in order.

        All requests have the same decoding, and their communities have in common what `community_lms.engines.SHARED`
        says of the engine.

        A message depends on its own request alone: the random numbers of a sampled message are drawn from its key, so
        that neither its neighbours in the batch nor an interruption change it (beyond rounding).

        Raises:
            ModPluralError: If a community cannot be loaded or reached.
            PartialBatchError: In the place of that error, or of an interruption, where some messages of the batch are
                there by then and would have to be paid for again.
        """

    def close(self) -> None:
        """Free what was loaded."""


@runtime_checkable
class Paying(Protocol):
    """An engine that asks servers, which may cost money.

    Attributes:
        account: Account out of which requests are paid, and in which every answer is kept the moment it comes.
    """

    account: Account


class PartialBatchError(ModPluralError):
    """A batch ended early, and some of its messages are there.

    Attributes:
        problem: The error or interruption that ended it, to be raised once the messages are kept.
        answers: The messages that are there, by the keys of their requests; at least one.
    """

    def __init__(self, problem: BaseException, answers: Mapping[str, Message]) -> None:
        """Make the error; its text is that of the problem."""
        super().__init__(str(problem))
        self.problem = problem
        self.answers = dict(answers)
