"""The base LLM alone, with an instruction to reflect diverse values, the attribute, or the population."""

from __future__ import annotations

from collections.abc import Sequence

from model_wrappers.collaboration.methods.base import Asks
from model_wrappers.collaboration.query import Query
from model_wrappers.collaboration.session import Session, Weighted


class Prompting:
    """No communities; one instruction before the task's prompt."""

    name = "prompting"
    asks: Asks = "nobody"

    def check(self, queries: Sequence[Query], session: Session) -> None:
        """Check that steerable queries have an attribute, which the instruction names."""
        if queries and queries[0].mode == "steerable":
            session.require_attribute(queries, self.name)

    def contexts(self, queries: Sequence[Query], session: Session) -> list[list[Weighted]]:
        """Return the prompts with the mode's instruction around them."""
        return [[Weighted(session.frame(query, "prompting"))] for query in queries]
