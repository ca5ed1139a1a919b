"""Overton: one answer that gives every community's view its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from community_lms.messages.message import Message
from community_lms.pools.spec import Community
from model_wrappers.collaboration.query import Query
from model_wrappers.collaboration.selection import numbered
from model_wrappers.collaboration.session import Session, Weighted, slots


class Overton:
    """The base LLM reads all communities' messages and synthesises; modules' messages stand apart from them."""

    name = "overton"

    def check(self, queries: Sequence[Query], session: Session) -> None:
        """Any question will do."""

    def contexts(self, consulted: Sequence[tuple[Query, Sequence[Message]]], session: Session) -> list[list[Weighted]]:
        """Return one prompt for each query, with all messages in the pool's order."""
        members = {member.name: member for member in session.pool.community_members}
        return [
            [Weighted(session.frame(query, "synthesise", messages=listing(messages, members)))]
            for query, messages in consulted
        ]


def listing(messages: Sequence[Message], members: Mapping[str, Community]) -> list[dict[str, str]]:
    """Communities' messages as the slots of a template, numbered; ``members`` by name."""
    return numbered([slots(message, members[message.community]) for message in messages])
