"""Distributional: one answer distribution for each message, mixed by the communities' weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from community_lms.messages.message import Message
from model_wrappers.collaboration.query import Query
from model_wrappers.collaboration.selection import relevance
from model_wrappers.collaboration.session import Session, Weighted


class Distributional:
    """P(option) = sum over communities of weight x P(option | message), in probability space."""

    name = "distributional"

    def check(self, queries: Sequence[Query], session: Session) -> None:
        """Any question will do; a population is told where there is one."""

    def contexts(self, consulted: Sequence[tuple[Query, Sequence[Message]]], session: Session) -> list[list[Weighted]]:
        """Return one prompt for each community's message; modules' messages stand before every one of them.

        A community's weight is shared by its messages; weights are normalised over the communities that said
        something. With ``mixture=attribute`` the base LLM says first how well each community fits the population.
        """
        weights = self._weights([query for query, _ in consulted], session)
        return [
            self._contexts(query, messages, own, session)
            for (query, messages), own in zip(consulted, weights, strict=True)
        ]

    @staticmethod
    def _weights(queries: Sequence[Query], session: Session) -> list[Mapping[str, float]]:
        """The pool's weights, times the communities' fit where the mixture goes by attribute."""
        if session.mixture == "prior":
            return [session.weights for _ in queries]
        members = session.pool.community_members
        fits = relevance(queries, members, session.prompts, session.base)
        return [
            {member.name: session.weights[member.name] * share for member, share in zip(members, shares, strict=True)}
            for shares in fits
        ]

    @staticmethod
    def _contexts(
        query: Query, messages: Sequence[Message], weights: Mapping[str, float], session: Session
    ) -> list[Weighted]:
        counts = Counter(message.community for message in messages)
        total = sum(weights[name] for name in counts)
        if total == 0.0:  # those that fit said nothing
            session.fall_back(query, "no_weight")
            weights, total = session.weights, sum(session.weights[name] for name in counts)
        session.note(query)["weights"] = {name: weights[name] / total for name in counts}
        return [
            Weighted(
                session.frame(query, "reflect", message=message.text),
                weights[message.community] / total / counts[message.community],
                message.community,
            )
            for message in messages
        ]
