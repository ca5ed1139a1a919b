"""The base LLM alone, with the task's own prompt: the answers that ``--model`` with the base itself would give."""

from __future__ import annotations

from collections.abc import Sequence

from model_wrappers.collaboration.methods.base import Asks
from model_wrappers.collaboration.query import Query
from model_wrappers.collaboration.session import Session, Weighted


class Vanilla:
    """No communities, no extra wording."""

    name = "vanilla"
    asks: Asks = "nobody"

    def check(self, queries: Sequence[Query], session: Session) -> None:
        """Accept every query; nothing but the question is needed."""

    def contexts(self, queries: Sequence[Query], session: Session) -> list[list[Weighted]]:
        """Return the harness's prompts untouched."""
        return [[Weighted(query.context)] for query in queries]
