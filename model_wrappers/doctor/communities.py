"""The communities: does each speak, and not as its backbone does?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from community_lms.generation.ask import Asker
from community_lms.generation.probe import QUESTIONS, alike, doubted, probe
from community_lms.messages.message import Message, MessageRequest
from community_lms.messages.store import MessageStore
from community_lms.pools.served import SERVER
from community_lms.pools.spec import Community
from model_wrappers.doctor.base import Check, Finding, fault, note, ok, warning
from model_wrappers.doctor.servers import brief, unreachable
from model_wrappers.doctor.visit import Visit
from plural_tasks.utils.errors import ModPluralError

AREA = "communities"
NEW_TOKENS = 24
"""Of a message that is asked for here."""

SPEAK = "Try it alone: modplural pool check POOL --communities NAME."
EFFECT = (
    "Train it (modplural community train), or see that it was trained on this backbone; until then take it out of the "
    "pool (pool=POOL-NAME)."
)


def speech(visit: Visit) -> Iterator[Finding]:
    """Does every community speak, each in its own way?"""
    members = visit.pool.communities
    if visit.quick or not visit.asks_communities:
        why = "--quick" if visit.quick else f"{', '.join(visit.chosen)} asks no community"
        yield note("messages", f"not asked for: {why}")
        return
    asker = Asker(
        MessageStore(None), 1, _device(visit.config.device), visit.settings.message_dtype, show_progress=False
    )
    replies: dict[str, list[Message]] = {}
    for member in members:
        if member.name in unreachable(visit):
            yield note(member.name, "not asked: its server was not reached")
            continue
        yield from _spoken(visit, member, asker, replies)
    silent = _without_effect(asker, members)
    heard = {name: said for name, said in replies.items() if name not in silent}
    by_name = {member.name: member for member in members}
    told = doubted(heard, lambda name, question: _ask(asker, _request(visit, by_name[name], question)))
    for engine in asker.engines.values():
        engine.close()
    for problem in alike(visit.pool, told):
        yield warning("messages", problem, "See that every adapter is in use and was trained.")


def _device(device: Any) -> str | None:
    return None if device is None else str(device)


def _request(visit: Visit, member: Community, question: str) -> MessageRequest:
    return probe(brief(member), visit.settings.message_engine, NEW_TOKENS, question=question)


def _ask(asker: Asker, request: MessageRequest) -> Message:
    asker.store = MessageStore(None)  # the same weights under two names are asked twice
    return asker.ask([request])[0]


def _spoken(visit: Visit, member: Community, asker: Asker, replies: dict[str, list[Message]]) -> Iterator[Finding]:
    request = _request(visit, member, QUESTIONS[0])
    before = _warnings(asker)
    try:
        reply = _ask(asker, request)
    except ModPluralError as error:
        yield fault(member.name, str(error), SPEAK)
        return
    replies[member.name] = [reply]
    new = [told for told in _warnings(asker) if told not in before]
    if new and _without_effect(asker, [member]):
        yield fault(member.name, " ".join(new), EFFECT)
    elif new:
        advice = "Serve the adapter under that name." if request.engine == SERVER else SPEAK
        yield warning(member.name, " ".join(new), advice)
    else:
        yield ok(member.name, f"says {reply.text[:60]!r}")


def _warnings(asker: Asker) -> list[str]:
    """What engines warned of so far."""
    return [told for engine in asker.engines.values() for told in engine.warnings]


def _without_effect(asker: Asker, members: Iterable[Community]) -> set[str]:
    """Names of communities whose adapters were seen to change nothing."""
    from community_lms.engines.peft import has_no_effect

    told = _warnings(asker)
    return {member.name for member in members if has_no_effect(member.name) in told}


CHECKS = (Check(AREA, "messages", SPEAK, speech),)
