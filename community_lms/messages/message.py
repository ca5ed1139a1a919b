"""A request for a message of a community, and the message."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from community_lms.pools.spec import Community, Decoding, digest

Turn = tuple[str, str]
"""Role (``system`` or ``user``) and text."""

KEYED_AS = {"openvino": "peft"}
"""Engines that compute what another does, from the same random numbers: their messages have its keys."""


@dataclass(frozen=True)
class MessageRequest:
    """One message to be asked for.

    Attributes:
        community: Community that is asked.
        engine: Name of the engine that will generate the message.
        identity: Facts that decide what the community says (`community_lms.pools.identity.identity`).
        turns: The rendered prompt, before any chat template (the template belongs to the backbone).
        decoding: How the message is sampled.
        seed: Seed of the run.
        sample: 0 for the first message of a community on this prompt, 1 for the second, …
    """

    community: Community
    engine: str
    identity: dict[str, Any]
    turns: tuple[Turn, ...]
    decoding: Decoding
    seed: int
    sample: int = 0

    @cached_property
    def key(self) -> str:
        """Content address; see `message_key`."""
        return message_key(
            engine=self.engine,
            identity=self.identity,
            turns=self.turns,
            decoding=self.decoding.model_dump(),
            seed=self.seed,
            sample=self.sample,
        )

    @property
    def number(self) -> int:
        """31 bits of the key: the seed of an engine that takes one for each message."""
        return int(self.key[:8], 16) & 0x7FFFFFFF

    @property
    def length(self) -> int:
        """Characters of the prompt, the measure by which requests are batched."""
        return sum(len(text) for _, text in self.turns)


@dataclass(frozen=True)
class Message:
    """A community's message.

    Attributes:
        community: Name of the community.
        text: The message, "" for an empty one.
        prompt_tokens: Tokens of the prompt; None if the engine does not know them.
        tokens: Tokens of the message; None if the engine does not know them.
    """

    community: str
    text: str
    prompt_tokens: int | None = None
    tokens: int | None = None


def message_key(*, engine: str, identity: Any, turns: Any, decoding: Any, seed: int, sample: int) -> str:
    """SHA-256 of the canonical JSON of everything that decides a message."""
    return digest(
        {
            "engine": KEYED_AS.get(engine, engine),
            "identity": identity,
            "turns": [list(turn) for turn in turns],
            "decoding": decoding,
            "seed": seed,
            "sample": sample,
        }
    )
