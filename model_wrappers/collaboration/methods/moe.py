"""Mixture of experts: the base LLM picks one community by its description and answers with its message."""

from __future__ import annotations

from collections.abc import Sequence

from model_wrappers.collaboration.methods.base import Asks
from model_wrappers.collaboration.query import Query
from model_wrappers.collaboration.selection import pick, route_prompt
from model_wrappers.collaboration.session import Session, Weighted


class MixtureOfExperts:
    """One community, chosen before it is asked (Feng et al. 2024, baseline "MoE"); modules are never asked."""

    name = "moe"
    asks: Asks = "one"

    def check(self, queries: Sequence[Query], session: Session) -> None:
        """Accept every query; nothing but the question is needed."""

    def contexts(self, queries: Sequence[Query], session: Session) -> list[list[Weighted]]:
        """Route each query, ask the chosen community, and put its message before the task's prompt."""
        members = session.pool.community_members
        texts = [route_prompt(query, members, session.prompts) for query in queries]
        counts = [len(members)] * len(texts)
        chosen = [members[at] for at in pick(queries, texts, counts, session, step="route", fallback="routing")]
        messages = session.messages(list(zip(queries, chosen, strict=True)))
        for query, member in zip(queries, chosen, strict=True):
            session.note(query)["selected"] = member.name
        return [
            self._context(query, [message.text for message in kept if message.text], session)
            for query, kept in zip(queries, messages, strict=True)
        ]

    @staticmethod
    def _context(query: Query, texts: list[str], session: Session) -> list[Weighted]:
        if not texts:
            session.fall_back(query, "empty_message")
            session.fall_back(query, "no_message")
            return [Weighted(query.context)]
        return [Weighted(session.frame(query, "expert", message="\n".join(texts)))]
