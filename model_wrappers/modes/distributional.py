"""Distributional: one answer distribution for each message, mixed by the communities' weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from community_lms.message import Message
from model_wrappers.query import Query
from model_wrappers.session import Session, Weighted


class Distributional:
    """P(option) = sum over communities of weight x P(option | message), in probability space."""

    name = "distributional"

    def check(self, queries: Sequence[Query], session: Session) -> None:
        """Any question will do; a population is told where there is one."""

    def contexts(self, heard: Sequence[tuple[Query, Sequence[Message]]], session: Session) -> list[list[Weighted]]:
        """Return one prompt for each community's message; modules' messages stand before every one of them.

        A community's weight is shared by its messages; weights are normalised over the communities that said
        something.
        """
        return [self._contexts(query, messages, session) for query, messages in heard]

    @staticmethod
    def _contexts(query: Query, messages: Sequence[Message], session: Session) -> list[Weighted]:
        counts = Counter(message.community for message in messages)
        total = sum(session.weights[name] for name in counts)
        session.note(query)["weights"] = {name: session.weights[name] / total for name in counts}
        return [
            Weighted(
                session.frame(query, "reflect", message=message.text),
                session.weights[message.community] / total / counts[message.community],
                message.community,
            )
            for message in messages
        ]
