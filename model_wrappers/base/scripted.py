"""A deterministic base LLM without a model, for dry runs and tests (``base=scripted``)."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from typing import Any

from lm_eval.api.model import LM

from plural_tasks.utils.errors import ModPluralError


class ScriptedLM(LM):
    """Answers from a script, or from a digest of the prompt.

    Attributes:
        calls: ``(kind, arguments)`` of every request that was answered, in order.
    """

    def __init__(
        self,
        replies: Sequence[str] | Callable[[str], str] | None = None,
        likelihood: Callable[[str, str], float] | None = None,
        chat: bool = True,
    ) -> None:
        """Make the model.

        Args:
            replies: Generated texts, said in order (running out is an error), or a function of the prompt.
            likelihood: Natural log-likelihood of a continuation, as a function of prompt and continuation.
            chat: Whether chat templates are supported.
        """
        super().__init__()
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self._replies = list(replies) if isinstance(replies, Sequence) else replies
        self._likelihood = likelihood or _likelihood
        self._chat = chat

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        """Return one text for each request."""
        return [self._reply(request) for request in requests]

    def _reply(self, request: Any) -> str:
        self.calls.append(("generate_until", request.args))
        prompt = str(request.args[0])
        if callable(self._replies):
            return self._replies(prompt)
        if self._replies is not None:
            if not self._replies:
                raise ModPluralError("scripted base LLM: no reply is left.")
            return self._replies.pop(0)
        return f"{1 + _number(prompt) % 3}. There is more than one way to see this."

    def loglikelihood(self, requests: list[Any], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """Return ``(log-likelihood, False)`` for each request."""
        self.calls.extend(("loglikelihood", request.args) for request in requests)
        return [(self._likelihood(str(request.args[0]), request.args[1]), False) for request in requests]

    def loglikelihood_rolling(self, requests: list[Any], disable_tqdm: bool = False) -> list[float]:
        """Return a log-likelihood for each text."""
        self.calls.extend(("loglikelihood_rolling", request.args) for request in requests)
        return [self._likelihood("", request.args[0]) for request in requests]

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """Render turns as ``<role> text`` lines."""
        if not self._chat:
            raise NotImplementedError("this scripted model has no chat template")
        lines = [f"<{turn['role']}> {turn['content']}" for turn in chat_history]
        return "\n".join([*lines, "<assistant> "] if add_generation_prompt else lines)

    def chat_template(self, chat_template: bool | str = False) -> str:
        """Name of the template."""
        return "scripted" if chat_template else ""

    @property
    def tokenizer_name(self) -> str:
        """Name of the tokenizer."""
        return "scripted"

    def get_model_info(self) -> dict[str, Any]:
        """Nothing to tell."""
        return {}


def _number(text: str) -> int:
    return int(hashlib.sha256(text.encode("utf-8")).hexdigest()[:8], 16)


def _likelihood(prompt: str, continuation: str) -> float:
    return -0.5 - math.log(1 + _number(f"{prompt}\0{continuation}") % 97)
