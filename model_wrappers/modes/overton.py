"""Overton: one answer that gives every community's view its place."""

from __future__ import annotations

from collections.abc import Sequence

from community_lms.message import Message
from model_wrappers.query import Query
from model_wrappers.session import Session, Weighted


class Overton:
    """The base LLM reads all messages and synthesises."""

    name = "overton"

    def check(self, queries: Sequence[Query], session: Session) -> None:
        """Any question will do."""

    def contexts(self, heard: Sequence[tuple[Query, Sequence[Message]]], session: Session) -> list[list[Weighted]]:
        """Return one prompt for each query, with all messages in the pool's order."""
        described = {member.name: member.description for member in session.pool.communities}
        return [
            [Weighted(session.frame(query, "synthesise", messages=listing(messages, described)))]
            for query, messages in heard
        ]


def listing(messages: Sequence[Message], described: dict[str, str]) -> list[dict[str, str]]:
    """Messages as the slots of a template."""
    return [
        {
            "community": message.community,
            "description": described.get(message.community, ""),
            "text": message.text,
        }
        for message in messages
    ]
