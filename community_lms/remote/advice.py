"""Error messages for models behind APIs that do not answer: what went wrong, and which setting mends it."""

from __future__ import annotations

import re
from typing import Any

from community_lms.remote.abilities import abilities_of
from community_lms.remote.failures import Failure, classify_error
from community_lms.remote.retry import RetryPolicy, StoppedError
from plural_tasks.utils.errors import ModPluralError
from plural_tasks.utils.secrets import redact

_NOBODY = re.compile(r"refused|resol|unreachable|no route|not known", re.IGNORECASE)

KEPT = "What was answered is kept; the same command goes on."


class RemoteError(ModPluralError):
    """A model behind an API does not answer."""

    def __init__(self, message: str, status: int | None = None) -> None:
        """Make the error, with the HTTP status if there was one."""
        super().__init__(message)
        self.status = status


def check_key(client: Any) -> None:
    """Check that a client has the key that it needs.

    Raises:
        ModPluralError: If the variable is not set.
    """
    try:
        _ = client.header
    except ValueError as error:
        variable = abilities_of(type(client)).key_variable
        raise ModPluralError(
            f"the model {client.model!r} ({type(client).__name__}) needs a key: set the environment variable "
            f"{variable}."
        ) from error


def needs_chat(client: Any) -> ModPluralError:
    """The error for a base LLM of chats that got a plain prompt."""
    return ModPluralError(f"the base LLM ({type(client).__name__}) takes chat prompts only; add --apply_chat_template.")


def explain(error: Exception, client: Any, retry_policy: RetryPolicy) -> ModPluralError | None:
    """Make an error for the user out of the one that ended a request.

    Args:
        error: The error that ended the request.
        client: The harness's client that was asked.
        retry_policy: The policy by which the request was repeated.

    Returns:
        None for errors that the caller explains better: prompts that are no chats, what the client cannot do, and an
        end from outside.
    """
    if isinstance(error, ModPluralError):
        return error
    if isinstance(error, StoppedError | NotImplementedError | AssertionError):
        return None
    failure = classify_error(error)
    name = type(client).__name__
    address = redact(str(client.base_url)) if client.base_url else "its provider"
    said = f" ({failure.message})" if failure.message else ""
    return RemoteError(
        f"the model {client.model!r} ({name}) does not answer at {address}: "
        f"{_advice(failure, abilities_of(type(client)).key_variable, retry_policy)}{said}. {KEPT}",
        failure.status,
    )


def _advice(failure: Failure, variable: str, retry_policy: RetryPolicy) -> str:
    status = failure.status
    if status in (401, 403):
        return f"{status}, it refuses the key; set the environment variable {variable}"
    if status == 404:
        return "404, no such model or address; look at model=… and base_url=… (the whole path, …/v1/chat/completions)"
    if status in (400, 413, 422):
        return f"{status}, it refuses the request; look at model=…, base_args=… and the length of prompts"
    if status == 402 or (status == 429 and not failure.transient):
        return f"{status}, the account has no money left; look at the provider's billing page"
    if status is not None and not failure.transient:
        return f"{status}, it does not know this kind of request"
    if not failure.transient:
        return "its answer cannot be read; is base_url the whole path of the protocol (…/v1/chat/completions)?"
    if failure.kind == "connection" and not retry_policy.answered and _NOBODY.search(failure.message):
        return "nobody is there; is the server up, and base_url right?"
    times = f"{retry_policy.patience:g} s" if retry_policy.attempts is None else f"{retry_policy.attempts} attempts"
    what = {
        "time-out": "no answer in time (timeout=…)",
        "answer": "its answers are broken",
        "connection": "connections are lost",
    }
    return (
        f"{what.get(failure.kind, failure.kind)}, for {times}; wait longer with base_patience=SECONDS, or ask less at "
        "once with num_concurrent=…"
    )
