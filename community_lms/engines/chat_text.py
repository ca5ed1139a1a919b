"""Render turns, encode prompts and decode messages, for the engines of local weights."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from community_lms.messages.message import Message, Turn
from plural_tasks.utils.errors import ModPluralError, one_line

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)


def render(tokenizer: Any, turns: Sequence[Turn]) -> str:
    """The text of the turns in the backbone's chat template, or in plain text where it has none.

    Raises:
        ModPluralError: If the template refuses the turns.
    """
    if getattr(tokenizer, "chat_template", None) is None:
        return "\n\n".join(text for _, text in turns) + "\n\n"
    try:
        return _template(tokenizer, turns)
    except Exception as error:
        if not any(role == "system" for role, _ in turns):
            raise ModPluralError(f"the backbone's chat template refuses the prompt ({one_line(error)}).") from error
        # Some templates (Mistral's first) know no system turn: what it says goes before the question.
        return _template(tokenizer, [("user", "\n\n".join(text for _, text in turns))])


def _template(tokenizer: Any, turns: Sequence[Turn]) -> str:
    messages = [{"role": role, "content": text} for role, text in turns]
    return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))


def encode(tokenizer: Any, config: Any, prompts: list[str], max_new_tokens: int) -> dict[str, torch.Tensor]:
    """Token ids and mask, padded on the left, cut on the left where prompt and message would not fit.

    Args:
        tokenizer: Tokenizer that pads on the left.
        config: Configuration of the model, which holds its greatest length.
        prompts: Rendered turns.
        max_new_tokens: Number of tokens to leave room for.
    """
    templated = getattr(tokenizer, "chat_template", None) is not None
    encoded = tokenizer(
        prompts, return_tensors="pt", padding=True, add_special_tokens=not templated, return_token_type_ids=False
    )
    limit = getattr(config, "max_position_embeddings", None)
    width = encoded["input_ids"].shape[1]
    if not limit or width + max_new_tokens <= limit:
        return dict(encoded)
    room = max(1, limit - max_new_tokens)
    logger.warning("A community prompt of %d tokens was cut on the left to %d.", width, room)
    return {name: tensor[:, -room:] for name, tensor in encoded.items()}


def stop_tokens(tokenizer: Any, generation_config: Any) -> set[int]:
    """Ids of the tokens that end a message."""
    configured = generation_config.eos_token_id
    listed = configured if isinstance(configured, list) else [configured]
    return {token for token in (*listed, tokenizer.eos_token_id) if token is not None}


def to_message(name: str, tokenizer: Any, tokens: list[int], stops: set[int], prompt_tokens: int) -> Message:
    """Decode the tokens of a message, up to the first that ends it."""
    end = next((place for place, token in enumerate(tokens) if token in stops), len(tokens))
    text = tokenizer.decode(tokens[:end], skip_special_tokens=True).strip()
    return Message(name, text, prompt_tokens=prompt_tokens, tokens=min(end + 1, len(tokens)))
