"""Prompts that remember their chat turns, so that community text can go into the last user turn."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from community_lms.remote.advice import needs_chat
from model_wrappers.base.llm import BaseLLM

Turns = list[dict[str, Any]]


class ChatStr(str):
    """A rendered chat prompt that carries the turns it was rendered from.

    The harness renders prompts before the model sees a request; a plain string would leave no way back.
    """

    messages: Turns
    add_generation_prompt: bool

    def __new__(cls, text: str, messages: Sequence[dict[str, Any]], add_generation_prompt: bool = True) -> ChatStr:
        """Make a prompt from its rendering and its turns."""
        made = super().__new__(cls, text)
        made.messages = [dict(message) for message in messages]
        made.add_generation_prompt = add_generation_prompt
        return made

    def __getnewargs__(self) -> tuple[str, Turns, bool]:  # type: ignore[override]
        """Keep the turns through pickling (the harness's request cache)."""
        return str(self), self.messages, self.add_generation_prompt


def apply_template(base: BaseLLM, turns: Turns, add_generation_prompt: bool = True) -> Any:
    """Render turns through the base LLM; API backends return an object of their own, which is passed on."""
    rendered = base.model.apply_chat_template(turns, add_generation_prompt=add_generation_prompt)
    return ChatStr(rendered, turns, add_generation_prompt) if isinstance(rendered, str) else rendered


def turns_of(context: Any) -> Turns | None:
    """Return the chat turns behind a prompt, or None for a plain one."""
    if isinstance(context, ChatStr):
        return [dict(message) for message in context.messages]
    if not isinstance(context, str) and hasattr(context, "prompt"):  # the harness's JsonChatStr
        return json.loads(context.prompt)  # type: ignore[no-any-return]
    return None


def text_of(context: Any) -> str:
    """What was asked: the last user turn, or the whole plain prompt."""
    turns = turns_of(context)
    return str(context) if turns is None else str(turns[_last_user(turns)]["content"])


def with_text(context: Any, text: str, base: BaseLLM) -> Any:
    """Return ``context`` with ``text`` in place of what was asked; few-shot turns and system turn stay."""
    turns = turns_of(context)
    if turns is None:
        return text
    place = _last_user(turns)
    turns[place] = {**turns[place], "content": text}
    return apply_template(base, turns, getattr(context, "add_generation_prompt", True))


def fresh(context: Any, text: str, base: BaseLLM) -> Any:
    """Return a new one-turn prompt of the same kind as ``context`` (a system turn is kept)."""
    turns = turns_of(context)
    if turns is None:
        return text
    system = [turn for turn in turns if turn["role"] == "system"]
    return apply_template(base, [*system, {"role": "user", "content": text}])


def _last_user(turns: Turns) -> int:
    return max((place for place, turn in enumerate(turns) if turn["role"] == "user"), default=len(turns) - 1)


def check_chats(base: BaseLLM, contexts: Sequence[Any]) -> None:
    """Check that a base LLM of chats alone got chats.

    Raises:
        ModPluralError: If one is a plain prompt.
    """
    if base.abilities.chats_only and any(turns_of(context) is None for context in contexts):
        raise needs_chat(base.model)
