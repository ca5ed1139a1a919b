"""How well each community fits the population that is asked about, as the base LLM sees it: weights of a mixture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from community_lms.spec import Community
from model_wrappers.base_lm import ask
from model_wrappers.chat import fresh, turns_of
from model_wrappers.query import Query
from plural_tasks.metrics import normalise


def route_prompt(query: Query, members: Sequence[Community], prompts: Any) -> str:
    """Ask who should be asked: the communities in a numbered list, each by its description."""
    listing = [{"name": member.name, "description": member.description} for member in members]
    return str(prompts.render("route", question=query.question, attribute=query.attribute, communities=listing))


def numbers(count: int) -> list[str]:
    """The numbers of a list as the default prompt set counts: none is the beginning of another."""
    return [f"{place:02d}" if count > 9 else str(place) for place in range(1, count + 1)]


def relevance(queries: Sequence[Query], members: Sequence[Community], prompts: Any, base: Any) -> list[list[float]]:
    """Share of each community, for each query: the base LLM's probability of its number as the answer to `route`.

    Queries that name no population, or on which the base puts no mass on any number, get equal shares.

    Raises:
        ModPluralError: If the base LLM gives no log-likelihoods.
    """
    equal = [1.0 / len(members)] * len(members)
    contexts = {query: fresh(query.context, route_prompt(query, members, prompts), base) for query in queries}
    asked = {str(contexts[query]): (query, contexts[query]) for query in queries if query.attribute}
    requests = [
        _instance(query, context, f"{'' if turns_of(context) is not None else ' '}{number}")
        for query, context in asked.values()
        for number in numbers(len(members))
    ]
    scores = iter(ask(base, "loglikelihood", requests) if requests else ())
    found = {}
    for key in asked:
        shares, _ = normalise([next(scores)[0] for _ in members])
        found[key] = shares if any(shares) else equal
    return [found.get(str(contexts[query]), equal) for query in queries]


def _instance(query: Query, context: Any, continuation: str) -> Any:
    from lm_eval.api.instance import Instance

    return Instance(
        request_type="loglikelihood",
        doc={},  # gold must not travel
        arguments=(context, continuation),
        idx=0,
        metadata=(query.task, query.doc_id, 1),
    )
