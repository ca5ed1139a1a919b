"""What methods and modes work with: the pool, the prompts, the base LLM, and a notebook for the trace."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from community_lms.engines import engine_name
from community_lms.generation.ask import Asker
from community_lms.messages.message import Message, MessageRequest, Turn
from community_lms.pools.identity import identity
from community_lms.pools.spec import Community, Decoding, Pool, Role, digest
from model_wrappers.base.chat import fresh, with_text
from model_wrappers.base.llm import ask
from model_wrappers.collaboration.elicitation import Elicitation
from model_wrappers.collaboration.instances import instance
from model_wrappers.collaboration.prompts import PromptSet
from model_wrappers.collaboration.query import Query
from plural_tasks.utils.errors import ModPluralError


@dataclass(frozen=True)
class Weighted:
    """A prompt for the base LLM, with its share in the answer and the community it stands for ("" for none)."""

    context: Any
    weight: float = 1.0
    community: str = ""


@dataclass
class Session:
    """One model's settings and counters.

    Attributes:
        base: The base LLM, any backend of the harness.
        pool: Who is asked.
        weights: One weight per community, summing to 1; modules have none.
        prompts: The wording.
        asker: Gets messages from store and engines.
        engine: The user's choice of message engine, or ``auto``.
        decoding: How messages are sampled.
        seed: Seed of messages and fallbacks.
        samples: Messages asked of each community for each document.
        selection: ``score`` or ``generate``: how the base LLM picks of a list, see `collaboration.selection`.
        label_variants: Is an option's letter scored with and without a space before it?
        elicitation: How distributions over options are got out of the base LLM.
        route: Name of the route that is taken, and why; None until a distribution is wanted.
        mixture: ``prior``, or ``attribute`` where the base LLM weighs communities by the population asked about.
        fallbacks: Counts of what had to be done for want of a usable answer, by kind.
        notes: What the trace says of each query.
        drawn: Task -> document -> order of its options -> weight and counted answers of each prompt.
    """

    base: Any
    pool: Pool
    weights: dict[str, float]
    prompts: PromptSet
    asker: Asker
    engine: str
    decoding: Decoding
    seed: int
    samples: int = 1
    selection: str = "generate"
    label_variants: bool = False
    elicitation: Elicitation = field(default_factory=Elicitation)
    route: tuple[str, str] | None = None
    mixture: str = "prior"
    fallbacks: Counter[str] = field(default_factory=Counter)
    notes: dict[Query, dict[str, Any]] = field(default_factory=dict)
    drawn: dict[str, dict[int, dict[tuple[int, ...], list[dict[str, Any]]]]] = field(default_factory=dict)
    _rendered: dict[tuple[Query, str], list[MessageRequest]] = field(default_factory=dict)
    _modules: dict[Query, dict[str, list[dict[str, str]]]] = field(default_factory=dict)

    def begin(self) -> None:
        """Forget the queries of the last call; counters go on."""
        self.notes.clear()
        self._rendered.clear()
        self._modules.clear()

    def messages(self, pairs: Sequence[tuple[Query, Community]]) -> list[list[Message]]:
        """Ask each community about each query; return its ``samples`` messages for each pair, in order."""
        requests = [request for query, member in pairs for request in self.message_requests(query, member)]
        answers = iter(self.asker.ask(requests))
        asked = [[next(answers) for _ in range(self.samples)] for _ in pairs]
        for (query, member), said in zip(pairs, asked, strict=True):
            self.note(query).setdefault("messages", []).extend(_as_note(message, member.role) for message in said)
        return asked

    def prefetch(self, queries: Sequence[Query]) -> None:
        """Fill the store with every community's messages on all queries, community by community.

        Processes that work on other queries of the same run call this too, and each message is asked for once.
        """
        members = self.pool.communities
        self.asker.ask_together(
            [request for member in members for query in queries for request in self.message_requests(query, member)]
        )

    def from_all(self, queries: Sequence[Query]) -> list[list[Message]]:
        """Ask every member about every query; what modules said is kept for `frame`.

        Returns:
            For each query the communities' messages that say something, in the pool's order. Empty ones are counted,
            modules' too; a query may be left with none.
        """
        members = self.pool.communities
        pairs = [(query, member) for member in members for query in queries]
        asked = self.messages(pairs)
        views: dict[Query, list[Message]] = {query: [] for query in queries}
        for query in queries:
            self._modules[query] = {"knowledge": [], "safety": []}
        for (query, member), said in zip(pairs, asked, strict=True):
            kept = self._usable(query, said)
            if member.role == "community":
                views[query].extend(kept)
            else:
                self._modules[query][member.role].extend(slots(message, member) for message in kept)
        for query in queries:
            if not views[query]:
                self.fall_back(query, "no_message")
        return [views[query] for query in queries]

    def _usable(self, query: Query, messages: list[Message]) -> list[Message]:
        kept = [message for message in messages if message.text]
        if len(kept) < len(messages):
            self.fall_back(query, "empty_message", len(messages) - len(kept))
        return kept

    def message_requests(self, query: Query, community: Community) -> list[MessageRequest]:
        """Return what one community is asked about one query; rendered once, because the keys are costly too."""
        place = (query, community.name)
        if place not in self._rendered:
            self._rendered[place] = self._render(query, community)
        return self._rendered[place]

    def _render(self, query: Query, community: Community) -> list[MessageRequest]:
        text = self._question(query, community)
        turns: tuple[Turn, ...] = (("user", text),)
        if community.persona is not None:
            turns = (("system", community.persona), *turns)
        return [
            MessageRequest(
                community=community,
                engine=engine_name(self.engine, community),
                identity=self._identity(community),
                turns=turns,
                decoding=self.decoding,
                seed=self.seed,
                sample=sample,
            )
            for sample in range(self.samples)
        ]

    def _question(self, query: Query, community: Community) -> str:
        """What a member is asked: communities for their view, modules for what their role has to say."""
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

    def _identity(self, community: Community) -> dict[str, Any]:
        if engine_name(self.engine, community) == "scripted":
            return {"name": community.name, "description": community.description}
        return identity(community)

    def ask_base(self, queries: Sequence[Query], texts: Sequence[str], *, purpose: str) -> list[str]:
        """Let the base LLM reply briefly and greedily to one text for each query."""
        if not queries:
            return []
        # No stop sequence: a reply that opens with empty lines would end before it began.
        settings = {"until": [], "do_sample": False, "max_gen_toks": 16}
        contexts = [fresh(query.context, text, self.base) for query, text in zip(queries, texts, strict=True)]
        # The orders of a document's options lead to the same question here.
        unique = {str(context): (query, context) for query, context in zip(queries, contexts, strict=True)}
        instances = [
            instance(query, "generate_until", context, dict(settings), phase=purpose)
            for query, context in unique.values()
        ]
        said = dict(zip(unique, ask(self.base, "generate_until", instances), strict=True))
        replies = [str(said[str(context)]) for context in contexts]
        for query, text, reply in zip(queries, texts, replies, strict=True):
            self.note(query).update({f"{purpose}_prompt": text, f"{purpose}_reply": reply})
        return replies

    def draw(self, query: Query, count: int, kind: str) -> int:
        """Draw a number below ``count`` where the base LLM decided nothing; seeded, and counted as ``kind``."""
        self.fall_back(query, kind)
        return self.rng(query, kind).randrange(count)

    def frame(self, query: Query, template: str, **slots: Any) -> Any:
        """Return the query's prompt with a template around what is asked, after what modules said (if they did)."""
        mode = query.mode if template == "prompting" else None
        text = self.prompts.render(template, mode, context=query.text, attribute=query.attribute, **slots)
        told = self._modules.get(query, {})
        if any(told.values()):
            text = self.prompts.render("background", context=text, knowledge=told["knowledge"], safety=told["safety"])
        return with_text(query.context, text, self.base)

    def require_attribute(self, queries: Sequence[Query], method: str) -> None:
        """Check that all queries say whose point of view is asked for.

        Raises:
            ModPluralError: Naming the task and the field.
        """
        for query in queries:
            if not query.attribute:
                raise ModPluralError(
                    f"task {query.task!r}, document {query.doc_id}: method {method!r} in mode 'steerable' needs the "
                    "field 'attribute', which the document lacks. Give attribute=… in --model_args or choose another "
                    "mode."
                )

    def rng(self, query: Query, purpose: str) -> random.Random:
        """A generator of its own for each seed, document and purpose, whatever the order of work."""
        return random.Random(digest([self.seed, query.task, query.item_id, query.attribute, purpose]))

    def fall_back(self, query: Query, kind: str, count: int = 1) -> None:
        """Count a fallback and note it for the trace."""
        self.fallbacks[kind] += count
        self.note(query).setdefault("fallbacks", []).extend([kind] * count)

    def note(self, query: Query) -> dict[str, Any]:
        """The trace's record of a query."""
        return self.notes.setdefault(query, {})


def slots(message: Message, member: Community) -> dict[str, str]:
    """A message as templates see it."""
    return {"community": member.name, "description": member.description, "text": message.text}


def _as_note(message: Message, role: Role) -> dict[str, Any]:
    return {
        "community": message.community,
        "role": role,
        "text": message.text,
        "prompt_tokens": message.prompt_tokens,
        "tokens": message.tokens,
    }
