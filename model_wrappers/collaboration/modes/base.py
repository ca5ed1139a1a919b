"""What every mode does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from community_lms.messages.message import Message
from model_wrappers.collaboration.query import Query
from model_wrappers.collaboration.session import Session, Weighted


class CollaborationMode(Protocol):
    """Makes prompts for the base LLM out of messages."""

    name: str

    def check(self, queries: Sequence[Query], session: Session) -> None:
        """Check that the queries have the fields that the mode needs, before any community is asked.

        Raises:
            ModPluralError: Naming task and field.
        """

    def contexts(self, consulted: Sequence[tuple[Query, Sequence[Message]]], session: Session) -> list[list[Weighted]]:
        """Return the prompts for each query; weights sum to 1.

        Its messages (at least one) are communities' and all say something; `Session.frame` adds what modules said.
        """
