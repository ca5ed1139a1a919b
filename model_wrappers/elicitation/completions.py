"""Chat completions with fields that the harness does not ask for, through the harness backend's own request."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from model_wrappers.base_lm import needs_chat
from model_wrappers.chat import apply_template
from plural_tasks.errors import ModPluralError, one_line
from plural_tasks.progress import bar

TOP = 20
"""Most log-probabilities that the protocol gives for a token."""

TOP_LOGPROBS: Mapping[str, Any] = {
    "max_gen_toks": 1,
    "temperature": 1.0,  # some servers show log-probabilities after temperature
    "until": [],
    "logprobs": True,
    "top_logprobs": TOP,
}
"""Settings of a request for the first token's log-probabilities."""

_UNSUPPORTED = (400, 422, 501)
_PASSING = (408, 409, 425, 429)


def speaks_chat(kind: type) -> bool:
    """Is this a backend of the harness for chat completions of the OpenAI protocol?"""
    return "LocalChatCompletion" in {ancestor.__name__ for ancestor in inspect.getmro(kind)}


def complete(base: Any, contexts: Sequence[Any], settings: Sequence[Mapping[str, Any]], *, step: str) -> list[Any]:
    """Ask for one completion for each prompt, as many at once as the backend's ``num_concurrent`` says.

    Address, headers, model, time-out and number of attempts are the backend's, as is the body but for ``settings``.

    Args:
        base: A backend for which `speaks_chat` holds.
        contexts: Chat prompts.
        settings: Of each prompt; what the backend does not know goes into the request's body.
        step: For the progress bar.

    Returns:
        The replies of the server as they come, in order.

    Raises:
        ModPluralError: If the server refuses or stays silent, or a prompt is no chat.
    """
    if not contexts:
        return []
    with ThreadPoolExecutor(max_workers=max(1, base._concurrent)) as threads:
        asked = [threads.submit(_post, base, *one) for one in zip(contexts, settings, strict=True)]
        try:
            with bar(step, len(asked), " prompts", shown=base.rank == 0) as progress:
                return [_step(progress, each.result()) for each in asked]
        except Exception as error:
            threads.shutdown(cancel_futures=True)
            raise _told(base, error) from error


def tells_logprobs(base: Any) -> bool:
    """Does the server of a backend show log-probabilities? A short question of its own finds out.

    Raises:
        ModPluralError: If it does not answer at all.
    """
    question = apply_template(base, [{"role": "user", "content": "Answer with one letter, A or B.\nAnswer:"}])
    try:
        return first_tokens(_post(base, question, TOP_LOGPROBS)) is not None
    except Exception as error:
        if _status(error) in _UNSUPPORTED:
            return False
        raise _told(base, error) from error


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


def _post(base: Any, context: Any, settings: Mapping[str, Any]) -> Any:
    from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

    attempts = Retrying(
        stop=stop_after_attempt(base.max_retries),
        wait=wait_exponential(multiplier=0.5, min=1, max=10),  # as the harness waits
        retry=retry_if_exception(_may_pass),
        reraise=True,
    )
    return attempts(base.model_call, messages=[context], generate=True, gen_kwargs=dict(settings))


def _may_pass(error: BaseException) -> bool:
    """Is it worth asking again? Not what is refused for good, nor a prompt that is no chat."""
    status = _status(error)
    return not isinstance(error, AssertionError) and (status is None or status >= 500 or status in _PASSING)


def _status(error: BaseException) -> int | None:
    found = getattr(getattr(error, "response", None), "status_code", None) or getattr(error, "status_code", None)
    return found if isinstance(found, int) else None


def _told(base: Any, error: Exception) -> ModPluralError:
    if isinstance(error, AssertionError) and "apply_chat_template" in str(error):
        return needs_chat(base)
    reason = f"{type(error).__name__}: {one_line(error)[:300]}"
    return ModPluralError(f"the base LLM ({type(base).__name__}) does not answer at {base.base_url} ({reason}).")


def _step(progress: Any, value: Any) -> Any:
    progress.update(1)
    return value
