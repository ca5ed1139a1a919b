"""Read what a server of the OpenAI or of the Anthropic protocol replies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from community_lms.remote.budget import BYTES_PER_TOKEN
from community_lms.remote.failures import UnusableAnswerError
from community_lms.remote.usage import Usage


def check_reply(reply: Any, *, chat: bool) -> None:
    """Check that a reply is one, and no error that came with a good status.

    Args:
        reply: Parsed JSON.
        chat: Is it one of chat completions, so that every choice has a message?

    Raises:
        UnusableAnswerError: If it is none.
    """
    if isinstance(reply, Mapping) and reply.get("error"):
        error = reply["error"]
        code = str(error.get("code", error.get("status"))) if isinstance(error, Mapping) else ""
        told = error.get("message", error) if isinstance(error, Mapping) else error
        status = int(code) if code.isdigit() and 400 <= int(code) < 600 else None
        raise UnusableAnswerError(f"an error in the place of an answer: {told}", status)
    if not isinstance(reply, Mapping | list):
        raise UnusableAnswerError(f"found {type(reply).__name__} in the place of an answer")
    if chat:
        choices = reply.get("choices") if isinstance(reply, Mapping) else None
        if not isinstance(choices, list) or not choices:
            raise UnusableAnswerError("the answer has no choices")
        if not all(isinstance(one, Mapping) and isinstance(one.get("message"), Mapping) for one in choices):
            raise UnusableAnswerError("a choice of the answer has no message")


def read_usage(reply: Any) -> Usage | None:
    """Tokens as the server counted them; None where it did not."""
    used = reply.get("usage") if isinstance(reply, Mapping) else getattr(reply, "usage", None)
    if used is not None and not isinstance(used, Mapping):
        used = {name: getattr(used, name, None) for name in ("prompt_tokens", "completion_tokens")}
    if used is None:
        return None
    read, written = _first(used, "prompt_tokens", "input_tokens"), _first(used, "completion_tokens", "output_tokens")
    return Usage(read, written or 0) if read is not None else None


def _first(used: Mapping[str, Any], *names: str) -> int | None:
    """The first of some fields that holds a number."""
    values = (used.get(name) for name in names)
    return next((int(value) for value in values if isinstance(value, int | float)), None)


def estimated_usage(read: int, answers: Sequence[Any]) -> Usage:
    """Tokens where the server does not count them: of texts by their bytes, of anything else one each."""
    sizes = [len(one.encode()) / BYTES_PER_TOKEN if isinstance(one, str) else 0 for one in answers]
    return Usage(read, sum(int(size) + 1 for size in sizes), counted=False)


def prompt_bytes(body: Mapping[str, Any]) -> int:
    """Bytes of a request's prompts in UTF-8; tokens count as `BYTES_PER_TOKEN` each."""
    if "messages" in body:
        return sum(_bytes(turn.get("content")) + 12 for turn in body["messages"]) + _bytes(body.get("system"))
    return _bytes(body.get("prompt", body.get("text")))


def _bytes(content: Any) -> int:
    if isinstance(content, str):
        return len(content.encode("utf-8", errors="replace"))
    if isinstance(content, int):
        return int(BYTES_PER_TOKEN)
    if isinstance(content, Mapping):
        return sum(_bytes(value) for value in content.values())
    return sum(_bytes(one) for one in content) if isinstance(content, Sequence) else 0


def first_tokens(reply: Any) -> list[tuple[str, float]] | None:
    """The first token's alternatives and their natural log-probabilities, the one that was drawn among them.

    Returns:
        Empty where the reply has no token at all; None where the server shows no log-probabilities.
    """
    choices = reply.get("choices") if isinstance(reply, Mapping) else None
    shown = (choices[0].get("logprobs") or {}) if choices else {}
    if not isinstance(shown.get("content"), list):
        return None
    if not shown["content"]:
        return []
    first = shown["content"][0]
    tokens = {str(one["token"]): float(one["logprob"]) for one in [first, *(first.get("top_logprobs") or ())]}
    return list(tokens.items()) if first.get("top_logprobs") else None
