"""What methods, modes and routes of elicitation work with: communities, the base LLM, and a notebook for the trace."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from community_lms.messages.message import Message
from community_lms.pools.spec import Community, Pool, Role, digest
from model_wrappers.base.chat import fresh, with_text
from model_wrappers.base.llm import BaseLLM
from model_wrappers.collaboration.communities import Communities
from model_wrappers.collaboration.instances import instance
from model_wrappers.collaboration.prompts import PromptSet
from model_wrappers.collaboration.query import Query
from plural_tasks.utils.errors import ModPluralError


@dataclass(frozen=True)
class Weighted:
    """A prompt for the base LLM.

    Attributes:
        context: The prompt, plain or a chat.
        weight: Its share in the answer, 0..1.
        community: The community whose message it holds; "" for none or several.
    """

    context: Any
    weight: float = 1.0
    community: str = ""


@dataclass(frozen=True)
class Elicitation:
    """The user's settings for getting a distribution over options out of the base LLM.

    Attributes:
        choice: ``auto``, or the name of a route.
        samples: Answers drawn for each prompt, at most.
        smoothing: Answers of each option that are added to those that were counted (Dirichlet prior).
        error: Monte-Carlo error of a prompt's distribution below which no more answers are drawn; None draws all.
    """

    choice: str = "auto"
    samples: int = 20
    smoothing: float = 0.5
    error: float | None = None


@dataclass
class Session:
    """One model's base LLM, settings and counters.

    Attributes:
        base: The base LLM.
        communities: The communities that it consults.
        selection: ``score`` or ``generate``: how the base LLM picks from a list, see `collaboration.selection`.
        label_variants: Whether an option's letter is scored both with and without a space before it.
        elicitation: How distributions over options are got out of the base LLM.
        mixture: ``prior``, or ``attribute`` where the base LLM weighs communities by the population asked about.
        route: Name of the route of elicitation that is taken, and the reason; None until a distribution is wanted.
        fallbacks: Counts of what had to be done for want of a usable answer, by kind.
        notes: The trace's record of each query of the current call.
        drawn: Task -> document -> order of its options -> weight and counted answers of each prompt.
    """

    base: BaseLLM
    communities: Communities
    selection: str = "generate"
    label_variants: bool = False
    elicitation: Elicitation = field(default_factory=Elicitation)
    mixture: str = "prior"
    route: tuple[str, str] | None = None
    fallbacks: Counter[str] = field(default_factory=Counter)
    notes: dict[Query, dict[str, Any]] = field(default_factory=dict)
    drawn: dict[str, dict[int, dict[tuple[int, ...], list[dict[str, Any]]]]] = field(default_factory=dict)
    _modules: dict[Query, dict[str, list[dict[str, str]]]] = field(default_factory=dict)

    @property
    def pool(self) -> Pool:
        """The communities and modules that are asked."""
        return self.communities.pool

    @property
    def weights(self) -> dict[str, float]:
        """One weight per community, summing to 1."""
        return self.communities.weights

    @property
    def prompts(self) -> PromptSet:
        """The wording of all prompts."""
        return self.communities.prompts

    def begin(self) -> None:
        """Forget the queries of the last call; counters go on."""
        self.notes.clear()
        self.communities.forget()
        self._modules.clear()

    def messages(self, pairs: Sequence[tuple[Query, Community]]) -> list[list[Message]]:
        """Ask members about queries, and note their messages for the trace; see `Communities.messages`."""
        answers = self.communities.messages(pairs)
        for (query, member), messages in zip(pairs, answers, strict=True):
            self.note(query).setdefault("messages", []).extend(_as_note(message, member.role) for message in messages)
        return answers

    def from_all(self, queries: Sequence[Query]) -> list[list[Message]]:
        """Ask every member about every query; modules' messages are kept for `frame`.

        Returns:
            For each query the communities' messages that say something, in the pool's order. Empty ones are counted,
            modules' too; a query may be left with none.
        """
        pairs = [(query, member) for member in self.pool.communities for query in queries]
        views: dict[Query, list[Message]] = {query: [] for query in queries}
        for query in queries:
            self._modules[query] = {"knowledge": [], "safety": []}
        for (query, member), messages in zip(pairs, self.messages(pairs), strict=True):
            usable = self._usable(query, messages)
            if member.role == "community":
                views[query].extend(usable)
            else:
                self._modules[query][member.role].extend(slots(message, member) for message in usable)
        for query in queries:
            if not views[query]:
                self.fall_back(query, "no_message")
        return [views[query] for query in queries]

    def _usable(self, query: Query, messages: list[Message]) -> list[Message]:
        usable = [message for message in messages if message.text]
        if len(usable) < len(messages):
            self.fall_back(query, "empty_message", len(messages) - len(usable))
        return usable

    def ask_base(self, queries: Sequence[Query], texts: Sequence[str], *, purpose: str) -> list[str]:
        """Let the base LLM reply briefly and greedily to one text for each query."""
        # No stop sequence: a reply that opens with empty lines would end before it began.
        settings = {"until": [], "do_sample": False, "max_gen_toks": 16}
        contexts = [fresh(query.context, text, self.base) for query, text in zip(queries, texts, strict=True)]
        # The orders of a document's options lead to the same question here.
        unique = {str(context): (query, context) for query, context in zip(queries, contexts, strict=True)}
        instances = [
            instance(query, "generate_until", context, dict(settings), phase=purpose)
            for query, context in unique.values()
        ]
        written = dict(zip(unique, self.base.write(instances), strict=True))
        replies = [str(written[str(context)]) for context in contexts]
        for query, text, reply in zip(queries, texts, replies, strict=True):
            self.note(query).update({f"{purpose}_prompt": text, f"{purpose}_reply": reply})
        return replies

    def draw(self, query: Query, count: int, kind: str) -> int:
        """Draw a number below ``count`` where the base LLM decided nothing; seeded, and counted as ``kind``."""
        self.fall_back(query, kind)
        return self.rng(query, kind).randrange(count)

    def frame(self, query: Query, template: str, **slots: Any) -> Any:
        """The query's prompt with a template around what is asked, after the modules' messages (if there are any)."""
        mode = query.mode if template == "prompting" else None
        text = self.prompts.render(template, mode, context=query.text, attribute=query.attribute, **slots)
        modules = self._modules.get(query, {})
        if any(modules.values()):
            text = self.prompts.render(
                "background", context=text, knowledge=modules["knowledge"], safety=modules["safety"]
            )
        return with_text(query.context, text, self.base)

    def require_attribute(self, queries: Sequence[Query], method: str) -> None:
        """Check that every query names the point of view that it asks for.

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
        seed = self.communities.seed
        return random.Random(digest([seed, query.task, query.item_id, query.attribute, purpose]))

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
