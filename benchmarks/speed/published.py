"""The published way (Feng et al., EMNLP 2024, their code): transformers, float32, one prompt at a time.

Random numbers are torch's own, so that messages have other lengths than ours; rates are compared, not sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from peft import PeftModel

from benchmarks.speed.models import whole_model
from community_lms.engines.chat_text import render
from community_lms.messages.message import MessageRequest

THROWN_AWAY = 20
"""Tokens that the published code generates before it reads a distribution off another forward pass."""
SELECTION = 16
"""Tokens in which a message is selected."""


class Speaker:
    """A community that speaks."""

    def __init__(self, request: MessageRequest) -> None:
        """Load the community of a request."""
        adapter, backbone = request.community.adapter, request.community.backbone
        assert adapter is not None
        assert backbone is not None
        model, self.tokenizer = whole_model(backbone.path)
        self.model: Any = PeftModel.from_pretrained(model, adapter.path).eval()

    def speak(self, requests: Sequence[MessageRequest]) -> int:
        """Say one message after the other; return their number of tokens."""
        made = 0
        for request in requests:
            decoding = request.decoding
            sampled = {"do_sample": True, "temperature": decoding.temperature, "top_p": decoding.top_p}
            settings = sampled if decoding.temperature else {"do_sample": False}
            text = render(self.tokenizer, request.turns)
            made += _write(self.model, self.tokenizer, text, decoding.max_new_tokens, **settings)
        return made


class Reader:
    """A base LLM."""

    def __init__(self, name: str) -> None:
        """Load it."""
        self.model, self.tokenizer = whole_model(name)

    def score(self, prompts: Sequence[str]) -> int:
        """Read the distribution after each prompt; return how many there were."""
        for prompt in prompts:
            _write(self.model, self.tokenizer, prompt, THROWN_AWAY, do_sample=False)
            with torch.inference_mode():
                self.model(**_encode(self.tokenizer, prompt)).logits[0, -1].softmax(dim=-1)
        return len(prompts)

    def write(self, prompts: Sequence[str], tokens: int, *, all_of_them: bool = False) -> int:
        """Write an answer of at most, or exactly, so many tokens to each prompt; return how many there were."""
        least = {"min_new_tokens": tokens} if all_of_them else {}
        for prompt in prompts:
            _write(self.model, self.tokenizer, prompt, tokens, do_sample=False, **least)
        return len(prompts)


def _write(model: Any, tokenizer: Any, text: str, tokens: int, **settings: Any) -> int:
    encoded = _encode(tokenizer, text)
    with torch.inference_mode():
        output = model.generate(**encoded, max_new_tokens=tokens, pad_token_id=tokenizer.eos_token_id, **settings)
    return int(output.shape[1] - encoded["input_ids"].shape[1])


def _encode(tokenizer: Any, text: str) -> dict[str, Any]:
    return dict(tokenizer(text, return_tensors="pt", add_special_tokens=False, return_token_type_ids=False))
