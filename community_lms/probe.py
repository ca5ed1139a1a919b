"""One question to every community, to see that it speaks and that its adapter is in use."""

from __future__ import annotations

from collections.abc import Mapping

from community_lms.engines import engine_name
from community_lms.identity import identity
from community_lms.message import Message, MessageRequest
from community_lms.spec import Community, Decoding, Pool

QUESTION = "Should a town close its main street to cars?"


def probe(member: Community, engine: str, max_new_tokens: int = 40) -> MessageRequest:
    """The question to a member, answered greedily; ``engine`` may be ``auto``."""
    turns = (("user", QUESTION),) if member.persona is None else (("system", member.persona), ("user", QUESTION))
    return MessageRequest(
        community=member,
        engine=engine_name(engine, member),
        identity=identity(member),
        turns=turns,
        decoding=Decoding(temperature=0.0, max_new_tokens=max_new_tokens),
        seed=0,
    )


def alike(pool: Pool, replies: Mapping[str, Message]) -> list[str]:
    """Greedy replies to one question that are empty, or equal to the letter: serving stacks ignore adapters silently.

    Args:
        pool: Whose members were asked.
        replies: By name; members without one are passed over.
    """
    seen: dict[str, str] = {}
    found = []
    for name in pool.names:
        if name not in replies:
            continue
        text = replies[name].text
        if not text:
            found.append(f"community {name!r} said nothing.")
        elif text in seen:
            found.append(f"communities {seen[text]!r} and {name!r} give the same reply; is an adapter ignored?")
        seen.setdefault(text, name)
    return found
