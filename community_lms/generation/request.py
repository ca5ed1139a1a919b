"""How a message is worded and identified: the one place where a `MessageRequest` is put together."""

from __future__ import annotations

from typing import Any

from community_lms.engines import engine_name
from community_lms.messages.message import MessageRequest, Turn
from community_lms.pools.identity import identity
from community_lms.pools.spec import Community, Decoding


def message_request(
    community: Community, text: str, *, engine: str, decoding: Decoding, seed: int, sample: int = 0
) -> MessageRequest:
    """Request one message of a community.

    Args:
        community: The community that is asked; its persona, if it has one, stands before the text as a system turn.
        text: What the community is asked, as a template words it.
        engine: Name of a message engine, or ``auto``.
        decoding: How the message is sampled.
        seed: Seed of the random draws.
        sample: Number of the message among those that the community gives on this text, from 0.

    Returns:
        The request, with the name of the engine that will generate the message and with the community's identity.

    Raises:
        ModPluralError: If there is no such engine.
    """
    resolved = engine_name(engine, community)
    return MessageRequest(
        community=community,
        engine=resolved,
        identity=_identity(community, resolved),
        turns=prompt_turns(community, text),
        decoding=decoding,
        seed=seed,
        sample=sample,
    )


def prompt_turns(community: Community, text: str) -> tuple[Turn, ...]:
    """Put the community's persona, if it has one, as a system turn before the text, which is the user's turn."""
    if community.persona is None:
        return (("user", text),)
    return (("system", community.persona), ("user", text))


def _identity(community: Community, engine: str) -> dict[str, Any]:
    # A script answers by name and reads no weights, which need not even exist.
    if engine == "scripted":
        return {"name": community.name, "description": community.description}
    return identity(community)
