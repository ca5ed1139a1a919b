"""Read the responses of servers that speak the OpenAI or the Anthropic protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from community_lms.remote.budget import BYTES_PER_TOKEN
from community_lms.remote.failures import UnusableAnswerError
from community_lms.remote.usage import Usage


def check_response(response: Any, *, chat: bool) -> None:
    """Check that a response holds an answer, and not an error that came with a good status.

    Args:
        response: The parsed JSON.
        chat: Whether it is of chat completions, so that every choice has a message.

    Raises:
        UnusableAnswerError: If it holds none.
    """
    if isinstance(response, Mapping) and response.get("error"):
        error = response["error"]
        code = str(error.get("code", error.get("status"))) if isinstance(error, Mapping) else ""
        message = error.get("message", error) if isinstance(error, Mapping) else error
        status = int(code) if code.isdigit() and 400 <= int(code) < 600 else None
        raise UnusableAnswerError(f"an error in the place of an answer: {message}", status)
    if not isinstance(response, Mapping | list):
        raise UnusableAnswerError(f"found {type(response).__name__} in the place of an answer")
    if chat:
        choices = response.get("choices") if isinstance(response, Mapping) else None
        if not isinstance(choices, list) or not choices:
            raise UnusableAnswerError("the answer has no choices")
        if not all(isinstance(one, Mapping) and isinstance(one.get("message"), Mapping) for one in choices):
            raise UnusableAnswerError("a choice of the answer has no message")


def read_usage(response: Any) -> Usage | None:
    """Tokens as the server counted them; None where it counted none."""
    used = response.get("usage") if isinstance(response, Mapping) else getattr(response, "usage", None)
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
    """Estimate tokens that the server did not count: texts by their bytes, any other answer as one token."""
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


def first_tokens(response: Any) -> list[tuple[str, float]] | None:
    """The first token's alternatives and their natural log-probabilities, the drawn token among them.

    Returns:
        Empty where the response has no token at all; None where the server shows no log-probabilities.
    """
    choices = response.get("choices") if isinstance(response, Mapping) else None
    shown = (choices[0].get("logprobs") or {}) if choices else {}
    if not isinstance(shown.get("content"), list):
        return None
    if not shown["content"]:
        return []
    first = shown["content"][0]
    tokens = {str(one["token"]): float(one["logprob"]) for one in [first, *(first.get("top_logprobs") or ())]}
    return list(tokens.items()) if first.get("top_logprobs") else None
