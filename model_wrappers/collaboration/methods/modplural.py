"""Modular pluralism: every community is asked, and the mode decides how the base LLM uses their messages."""

from __future__ import annotations

from collections.abc import Sequence

from model_wrappers.collaboration.methods.base import Asks
from model_wrappers.collaboration.modes import MODES
from model_wrappers.collaboration.query import Query
from model_wrappers.collaboration.session import Session, Weighted


class ModPlural:
    """The method of Feng et al. 2024 (arXiv 2406.15951), section 2."""

    name = "modplural"
    asks: Asks = "all"

    def check(self, queries: Sequence[Query], session: Session) -> None:
        """Check what the queries' mode needs."""
        if queries:
            MODES[queries[0].mode].check(queries, session)

    def contexts(self, queries: Sequence[Query], session: Session) -> list[list[Weighted]]:
        """Ask every community and module, then let the queries' mode make prompts of the communities' messages.

        A query without any message is answered as `vanilla` would (counted as ``no_message``).
        """
        if not queries:
            return []
        mode = MODES[queries[0].mode]
        messages = dict(zip(queries, session.from_all(queries), strict=True))
        answered = [query for query in queries if messages[query]]
        contexts = mode.contexts([(query, messages[query]) for query in answered], session)
        made = dict(zip(answered, contexts, strict=True))
        return [made.get(query, [Weighted(query.context)]) for query in queries]
