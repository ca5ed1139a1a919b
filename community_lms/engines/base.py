"""What every engine does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from community_lms.message import Message, MessageRequest
from community_lms.spec import Community


class MessageEngine(Protocol):
    """Speaks for communities, one batch at a time."""

    name: str
    batch_size: int
    warnings: list[str]

    def __init__(self, *, batch_size: int, device: str | None = None, dtype: str = "auto") -> None:
        """Make the engine; nothing heavy is loaded before the first batch."""

    def speak(self, community: Community, requests: Sequence[MessageRequest]) -> list[Message]:
        """Return one message for each request, in order.

        A message depends on its own request alone: the random numbers of a sampled message are drawn from its key, so
        that neither its neighbours in the batch nor an interruption change it (beyond rounding).

        Raises:
            ModPluralError: If the community cannot be loaded or reached.
        """

    def close(self) -> None:
        """Free what was loaded."""
