"""How well each community fits the population that is asked about, as the base LLM sees it: weights of a mixture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from community_lms.pools.spec import Community
from model_wrappers.collaboration.query import Query
from model_wrappers.collaboration.selection import number_shares, numbered


def route_prompt(query: Query, members: Sequence[Community], prompts: Any) -> str:
    """Ask who should be asked: the communities in a numbered list, each by its description."""
    listing = numbered([{"name": member.name, "description": member.description} for member in members])
    return str(prompts.render("route", question=query.question, attribute=query.attribute, communities=listing))


def relevance(queries: Sequence[Query], members: Sequence[Community], prompts: Any, base: Any) -> list[list[float]]:
    """Share of each community, for each query: the base LLM's probability of its number as the answer to `route`.

    Queries that name no population, or on which the base puts no mass on any number, get equal shares.

    Raises:
        ModPluralError: If the base LLM gives no log-likelihoods.
    """
    equal = [1.0 / len(members)] * len(members)
    asked = [query for query in queries if query.attribute]
    texts = [route_prompt(query, members, prompts) for query in asked]
    shares = number_shares(asked, texts, [len(members)] * len(asked), base)
    found = dict(zip(asked, shares, strict=True))
    return [found[query] if any(found.get(query, ())) else equal for query in queries]
