"""Steerable: the base LLM picks the message that best reflects the attribute, then answers with it."""

from __future__ import annotations

from collections.abc import Sequence

from community_lms.messages.message import Message
from model_wrappers.collaboration.modes.overton import listing
from model_wrappers.collaboration.query import Query
from model_wrappers.collaboration.selection import pick
from model_wrappers.collaboration.session import Session, Weighted


class Steerable:
    """Select a community's message, then answer with it; modules' messages cannot be selected and stand beside it."""

    name = "steerable"

    def check(self, queries: Sequence[Query], session: Session) -> None:
        """Every query must name an attribute."""
        session.require_attribute(queries, "modplural")

    def contexts(self, consulted: Sequence[tuple[Query, Sequence[Message]]], session: Session) -> list[list[Weighted]]:
        """Return one prompt for each query, with the message that was picked.

        Where the base LLM picks none (by a reply that names none, or without mass on any number), one is drawn, seeded
        and counted as ``selection``. A single message needs no picking.
        """
        members = {member.name: member for member in session.pool.community_members}
        choices = [(query, messages) for query, messages in consulted if len(messages) > 1]
        texts = [
            session.prompts.render(
                "select",
                question=query.question,
                attribute=query.attribute,
                messages=listing(messages, members),
            )
            for query, messages in choices
        ]
        asked, counts = [query for query, _ in choices], [len(messages) for _, messages in choices]
        places = pick(asked, texts, counts, session, step="select", fallback="selection")
        picked = {query: messages[at] for (query, messages), at in zip(choices, places, strict=True)}
        return [[self._answer(query, picked.get(query, messages[0]), session)] for query, messages in consulted]

    @staticmethod
    def _answer(query: Query, message: Message, session: Session) -> Weighted:
        session.note(query)["selected"] = message.community
        return Weighted(session.frame(query, "answer", message=message.text))
