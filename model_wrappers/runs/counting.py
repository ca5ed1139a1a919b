"""Messages, prompts and tokens that a run asks for, counted one by one; nothing is asked and nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from community_lms.messages.message import MessageRequest
from community_lms.messages.store import MessageStore
from community_lms.pools.spec import Community
from community_lms.weights.embedded import resolve_weights
from model_wrappers.runs.plan import Plan

CHARACTERS = 4
"""Characters that are taken for a token where no tokenizer is at hand."""

Count = Callable[[str], int]
"""Text -> number of tokens."""


def about_tokens(characters: int) -> int:
    """Number of tokens of a text of so many characters, where no tokenizer is at hand; rounded up."""
    return -(-characters // CHARACTERS)


@dataclass
class MessageCounts:
    """Messages that one community is asked for, and their tokens.

    Attributes:
        planned: Number of different messages that the run wants.
        stored: Number of these that are in the store.
        prompt_tokens: Tokens of the prompts of all missing messages.
        new_tokens: Upper bound of the tokens of all missing messages.
    """

    planned: int = 0
    stored: int = 0
    prompt_tokens: int = 0
    new_tokens: int = 0

    @property
    def missing(self) -> int:
        """Number of messages to ask for."""
        return self.planned - self.stored


@dataclass
class PromptCounts:
    """Prompts of one method that a base LLM answers, and their tokens.

    Attributes:
        scored: Number of different prompts whose options are scored.
        generated: Number of texts to generate.
        read_tokens: Tokens of all prompts.
        written_tokens: Upper bound of the tokens of all generated texts.
    """

    scored: int = 0
    generated: int = 0
    read_tokens: int = 0
    written_tokens: int = 0


def count_messages(plan: Plan, store: MessageStore) -> dict[str, MessageCounts]:
    """Community -> the messages that a plan wants of it, and how many of them the store has."""
    counted: dict[str, MessageCounts] = {}
    for name, pairs in plan.by_community().items():
        unique = {request.key: request for _, request in pairs}
        stored = store.get(unique)
        missing = [request for key, request in unique.items() if key not in stored]
        count = _prompt_counter(missing[0].community) if missing else None
        counted[name] = MessageCounts(
            planned=len(unique),
            stored=len(stored),
            prompt_tokens=sum(count(request) for request in missing) if count else 0,
            new_tokens=sum(request.decoding.max_new_tokens for request in missing),
        )
    return counted


def prompts_of(calls: Sequence[tuple[str, tuple[Any, ...]]], count: Count, *, apart: bool = False) -> PromptCounts:
    """Add up calls to a base LLM.

    Args:
        calls: Kind and arguments of every request, as `model_wrappers.runs.dry_run.calls_of` returns them.
        count: Text -> number of tokens.
        apart: Whether every option is a request of its own, with the whole prompt before it.
    """
    made = PromptCounts()
    scored = {str(arguments[0]) for kind, arguments in calls if kind == "loglikelihood"}
    made.scored = len(scored)
    made.read_tokens = sum(map(count, scored))
    if apart:
        pairs = {(str(given[0]), str(given[1])) for kind, given in calls if kind == "loglikelihood"}
        made.read_tokens = sum(count(prompt + option) for prompt, option in pairs)
    for kind, arguments in calls:
        if kind == "generate_until":
            made.generated += 1
            made.read_tokens += count(str(arguments[0]))
            made.written_tokens += int(arguments[1].get("max_gen_toks") or 256)
    return made


def token_counter(path: str | None) -> tuple[Count, bool]:
    """Return a counter of tokens, and whether it is exact, that is the tokenizer of the weights at ``path``."""
    tokenizer = _tokenizer(path)
    if tokenizer is None:
        return lambda text: about_tokens(len(text)), False
    return lambda text: len(tokenizer(text, add_special_tokens=False)["input_ids"]), True


def _tokenizer(path: str | None, revision: str | None = None) -> Any:
    """A tokenizer that is on this machine; nothing is downloaded for an estimate."""
    from transformers import AutoTokenizer

    if path is None:
        return None
    try:
        return AutoTokenizer.from_pretrained(path, revision=revision, local_files_only=True)
    except (OSError, ValueError, ImportError):
        return None


def _prompt_counter(community: Community) -> Callable[[MessageRequest], int]:
    from community_lms.engines.chat_text import render

    weights = community.checkpoint or community.backbone
    tokenizer = _tokenizer(resolve_weights(weights.path), weights.revision) if weights is not None else None
    if tokenizer is None:
        return lambda request: about_tokens(request.length)
    return lambda request: len(tokenizer(render(tokenizer, request.turns), add_special_tokens=False)["input_ids"])
