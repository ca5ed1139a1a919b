from collections.abc import Callable, Iterator
from typing import Any

import pytest

from community_lms.messages.message import Message, MessageRequest
from community_lms.messages.store import MessageStore, StoredMessage
from community_lms.pools.spec import Community, Decoding


def _community(name: str = "left", **changes: Any) -> Community:
    fields: dict[str, Any] = {"persona": f"You are {name}.", "backbone": "some/backbone"}
    return Community.model_validate({"name": name, "description": f"people of {name}", **fields, **changes})


def _request(text: str = "why?", community: Community | str = "left", **changes: Any) -> MessageRequest:
    member = _community(community) if isinstance(community, str) else community
    fields: dict[str, Any] = {
        "engine": "scripted",
        "identity": {"backbone": {"repo": "some/backbone", "revision": "main"}},
        "turns": (("system", member.persona or ""), ("user", text)),
        "decoding": Decoding(),
        "seed": 1,
    }
    return MessageRequest(community=member, **fields | changes)


def _row(text: str = "why?", said: str = "because", **changes: Any) -> StoredMessage:
    request = _request(text, **changes)
    return StoredMessage.of(request, Message(request.community.name, said, prompt_tokens=7, tokens=3))


@pytest.fixture
def community() -> Callable[..., Community]:
    """Makes a persona: name, and fields that differ."""
    return _community


@pytest.fixture
def request_for() -> Callable[..., MessageRequest]:
    """Makes a request: text, community, and fields that differ."""
    return _request


@pytest.fixture
def row() -> Callable[..., StoredMessage]:
    """Makes a stored message: text of the prompt, what was said, and fields of the request that differ."""
    return _row


@pytest.fixture
def store() -> Iterator[MessageStore]:
    """A store in memory."""
    opened = MessageStore(None)
    yield opened
    opened.close()
