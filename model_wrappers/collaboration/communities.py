"""The communities of a run: what each is asked about a query, and their messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from community_lms.generation.ask import Asker
from community_lms.generation.request import message_request
from community_lms.messages.message import Message, MessageRequest
from community_lms.pools.spec import Community, Decoding, Pool
from model_wrappers.collaboration.prompts import PromptSet
from model_wrappers.collaboration.query import Query


@dataclass
class Communities:
    """A pool whose members can be asked about queries.

    It needs no base LLM, so that messages can be counted, made and exported without one.

    Attributes:
        pool: The communities and modules that are asked.
        weights: One weight per community, summing to 1; modules have none.
        prompts: The wording of what they are asked.
        asker: Gets messages from the message store, and from engines what the store lacks.
        engine: The user's choice of message engine, or ``auto``.
        decoding: How messages are sampled.
        seed: Seed of the messages.
        samples: Messages asked of each member for each query.
    """

    pool: Pool
    weights: dict[str, float]
    prompts: PromptSet
    asker: Asker
    engine: str
    decoding: Decoding
    seed: int
    samples: int = 1
    _requests: dict[tuple[Query, str], list[MessageRequest]] = field(default_factory=dict)

    def forget(self) -> None:
        """Let go of the requests that were worded; queries of another call have requests of their own."""
        self._requests.clear()

    def requests(self, query: Query, community: Community) -> list[MessageRequest]:
        """What one member is asked about one query, once for each of the ``samples``; worded and keyed once."""
        place = (query, community.name)
        if place not in self._requests:
            self._requests[place] = self._word(query, community)
        return self._requests[place]

    def messages(self, pairs: Sequence[tuple[Query, Community]]) -> list[list[Message]]:
        """Ask members about queries.

        Returns:
            For each pair, in order, the member's ``samples`` messages; one that says nothing has an empty text.
        """
        requests = [request for query, member in pairs for request in self.requests(query, member)]
        answers = iter(self.asker.ask(requests))
        return [[next(answers) for _ in range(self.samples)] for _ in pairs]

    def prefetch(self, queries: Sequence[Query]) -> None:
        """Fill the store with every member's messages on all queries, community by community.

        Processes that work on other queries of the same run call this too, and each message is asked for once.
        """
        members = self.pool.communities
        self.asker.ask_together(
            [request for member in members for query in queries for request in self.requests(query, member)]
        )

    def _word(self, query: Query, community: Community) -> list[MessageRequest]:
        text = self._question(query, community)
        return [
            message_request(community, text, engine=self.engine, decoding=self.decoding, seed=self.seed, sample=sample)
            for sample in range(self.samples)
        ]

    def _question(self, query: Query, community: Community) -> str:
        """Communities are asked for their view, modules for what their role has to say."""
        common: dict[str, Any] = {"question": query.question, "options": list(query.asked)}
        if community.role != "community":
            return self.prompts.render("module", community.role, **common)
        return self.prompts.render(
            "community",
            query.mode,
            **common,
            attribute=query.attribute if self.pool.tell_attribute else "",
            community=community.name,
            description=community.description,
        )
