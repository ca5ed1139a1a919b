"""The interface of all methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from model_wrappers.collaboration.query import Query
from model_wrappers.collaboration.session import Session, Weighted

Asks = Literal["nobody", "one", "all"]
"""Communities that a method asks about a query: none, one that it picks, or every one of the pool."""


class Method(Protocol):
    """Turns queries of one mode into prompts."""

    name: str
    asks: Asks

    def check(self, queries: Sequence[Query], session: Session) -> None:
        """Check that queries of one mode have the fields that the method needs, before anything is asked.

        Raises:
            ModPluralError: Naming task and field.
        """

    def contexts(self, queries: Sequence[Query], session: Session) -> list[list[Weighted]]:
        """Return the prompts for each query, in order; their weights sum to 1.

        All queries have the same mode and passed `check`. Several prompts for one query are answered separately and
        mixed.
        """
