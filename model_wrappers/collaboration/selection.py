"""The base LLM picks from a numbered list: a message, or the communities that fit a population.

It picks by the probability of each number, or by what it writes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from community_lms.pools.spec import Community
from community_lms.remote.abilities import abilities_of
from model_wrappers.base.chat import fresh, turns_of
from model_wrappers.base.llm import BaseLLM
from model_wrappers.collaboration.instances import instance
from model_wrappers.collaboration.prompts import PromptSet
from model_wrappers.collaboration.query import Query
from model_wrappers.collaboration.session import Session
from plural_tasks.metrics import normalise

Selection = Literal["auto", "score", "generate"]


def selection_of(kind: type, chosen: Selection) -> Selection:
    """How a base LLM of class ``kind`` picks: as ``chosen``; where that is ``auto``, by scores if they cost no more."""
    if chosen != "auto":
        return chosen
    return "score" if abilities_of(kind).scores_together else "generate"


def numbers(count: int) -> list[str]:
    """The numbers of a list, as prompts show them (slot ``number``): none is the beginning of another."""
    return [f"{place:02d}" if count > 9 else str(place) for place in range(1, count + 1)]


def numbered(entries: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """The entries of a list with their `numbers`."""
    return [{**entry, "number": number} for entry, number in zip(entries, numbers(len(entries)), strict=True)]


def pick(
    queries: Sequence[Query], texts: Sequence[str], counts: Sequence[int], session: Session, *, step: str, fallback: str
) -> list[int]:
    """Let the base LLM pick one of ``counts`` for each query.

    Args:
        queries: For the trace and the seed.
        texts: What the base LLM is shown, one for each query: a list with `numbers`.
        counts: Length of each list.
        session: Its ``selection`` says how.
        step: Names the step in the trace.
        fallback: Counted where the base LLM decides nothing; a number is then drawn (seeded).

    Returns:
        0-based places in the lists.

    Raises:
        ModPluralError: If numbers are to be scored and the base LLM gives no log-likelihoods.
    """
    if session.selection == "generate":
        replies = session.ask_base(queries, texts, purpose=step)
        found = [parse_number(reply, count) for reply, count in zip(replies, counts, strict=True)]
        places = [None if number is None else number - 1 for number in found]
    else:
        shares = number_shares(queries, texts, counts, session.base, phase=step)
        for query, text, share in zip(queries, texts, shares, strict=True):
            session.note(query).update({f"{step}_prompt": text, f"{step}_shares": share})
        places = [share.index(max(share)) if any(share) else None for share in shares]
    return [
        session.draw(query, count, fallback) if place is None else place
        for query, count, place in zip(queries, counts, places, strict=True)
    ]


def number_shares(
    queries: Sequence[Query], texts: Sequence[str], counts: Sequence[int], base: BaseLLM, *, phase: str = "selection"
) -> list[list[float]]:
    """Probability of each number as the answer to ``texts``, normalised; all 0 where none has any.

    Raises:
        ModPluralError: If the base LLM gives no log-likelihoods.
    """
    contexts = [fresh(query.context, text, base) for query, text in zip(queries, texts, strict=True)]
    # The orders of a document's options lead to the same question here.
    unique = {str(ctx): (query, ctx, count) for query, ctx, count in zip(queries, contexts, counts, strict=True)}
    requests = [
        instance(
            query, "loglikelihood", context, f"{'' if turns_of(context) is not None else ' '}{number}", phase=phase
        )
        for query, context, count in unique.values()
        for number in numbers(count)
    ]
    scores = iter(base.score(requests))
    found = {key: normalise([next(scores)[0] for _ in range(count)])[0] for key, (_, _, count) in unique.items()}
    return [found[str(context)] for context in contexts]


def parse_number(reply: str, count: int) -> int | None:
    """Return the one number from 1 to ``count`` that a reply states, or None.

    Numbers outside the range are passed over. A reply that states several different ones states none, unless it begins
    with one ("2. I would …") and is not a list ("1. …" with "2. …" on a later line), which repeats the question.
    """
    begun = {int(digits) for digits in re.findall(r"^\s*[#(\[*]*(\d+)\b", reply, flags=re.MULTILINE)}
    leading = re.match(r"\s*[#(\[*]*(\d+)\b", reply)
    if leading and 1 <= int(leading[1]) <= count and len(begun) == 1:
        return int(leading[1])
    valid = {number for number in map(int, re.findall(r"\d+", reply)) if 1 <= number <= count}
    return valid.pop() if len(valid) == 1 else None


def route_prompt(query: Query, members: Sequence[Community], prompts: PromptSet) -> str:
    """Ask who should be asked: the communities in a numbered list, each by its description."""
    listing = numbered([{"name": member.name, "description": member.description} for member in members])
    return prompts.render("route", question=query.question, attribute=query.attribute, communities=listing)


def relevance(
    queries: Sequence[Query], members: Sequence[Community], prompts: PromptSet, base: BaseLLM
) -> list[list[float]]:
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
