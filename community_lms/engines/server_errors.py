"""Error messages for servers that speak for communities: one sentence each, which says how to mend it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import Any

from community_lms.pools.served import Served
from plural_tasks.utils.errors import ModPluralError, one_line

SHOWN = 12
"""Greatest number of models that a message names."""

Explain = Callable[[Served, str, Sequence[str]], str]


def explain(
    error: Exception, community: str, model: str | None, place: Served, listed: Sequence[str], key: str
) -> ModPluralError:
    """Make an error for the user out of the client's.

    Args:
        error: Error of the client, or of reading a response.
        community: Name of the community that was asked.
        model: Name of the model that was asked for; None if none was yet.
        place: The server.
        listed: Names of the models that the server lists.
        key: The server's API key, which is taken out of the message.
    """
    if isinstance(error, ModPluralError):
        return error
    status = getattr(error, "status_code", None)
    explained = (_BY_STATUS.get(status) or _other_status) if isinstance(status, int) and status >= 400 else None
    text = explained(place, model or "", listed) if explained is not None else _by_kind(error, place)
    said = _said(error).replace(key, "[key]") if key else _said(error)
    asked = f"model {model!r} at {place.base_url}" if model is not None else place.base_url
    return ModPluralError(f"community {community!r}: {asked}: {text}{f' ({said})' if said else ''}.")


def several_models(community: str, place: Served, listed: Sequence[str]) -> ModPluralError:
    """The error for a persona on a server that does not have exactly one model."""
    found = f"it lists {', '.join(listed[:SHOWN])}" if listed else "it lists none"
    return ModPluralError(
        f"community {community!r} is a persona, and {place.base_url} does not say with which model it speaks "
        f"({found}); name one with message_server_args=model:NAME."
    )


def _unknown(place: Served, model: str, listed: Sequence[str]) -> str:
    """Explain a 404: a wrong model, or another address than that of the protocol."""
    if not listed:
        return "nothing of the kind is there, nor a list of models; base_url mostly ends in /v1"
    near = difflib.get_close_matches(model, listed, n=len(listed), cutoff=0.6)
    ordered = [*near, *sorted(name for name in listed if name not in near)]
    hint = f" Did you mean {near[0]!r}?" if near else ""
    more = ", …" if len(ordered) > SHOWN else ""
    return (
        f"it has no such model.{hint} It serves {', '.join(ordered[:SHOWN])}{more}. Serve the adapter under the "
        "community's name (vLLM: --lora-modules NAME=PATH), or give model"
    )


def _key_wanted(place: Served, model: str, listed: Sequence[str]) -> str:
    return f"it refuses the key; set the environment variable {place.api_key_env} (api_key_env names another one)"


def _bad_request(place: Served, model: str, listed: Sequence[str]) -> str:
    return "it refuses the request; look at message_max_new_tokens and at the settings api, system and extra_body"


def _too_many(place: Served, model: str, listed: Sequence[str]) -> str:
    return f"it asks to wait; lower concurrency ({place.concurrency}) or raise {_limit(place)}"


def _other_status(place: Served, model: str, listed: Sequence[str]) -> str:
    return f"it fails; look at the server's log, or raise {_limit(place)}"


_BY_STATUS: dict[int, Explain] = {
    400: _bad_request,
    401: _key_wanted,
    403: _key_wanted,
    404: _unknown,
    422: _bad_request,
    429: _too_many,
}


def _limit(place: Served) -> str:
    """The setting that ended the retries."""
    return f"patience ({place.patience:g} s)" if place.max_retries is None else f"max_retries ({place.max_retries})"


def _by_kind(error: Exception, place: Served) -> str:
    """Explain errors without a status: no answer, or one that cannot be read."""
    import openai

    if isinstance(error, openai.APITimeoutError):
        return (
            f"no answer in timeout ({place.timeout:g} s), also after {_limit(place)}; raise one of "
            f"them, or lower concurrency ({place.concurrency})"
        )
    if isinstance(error, openai.APIConnectionError):
        return f"the connection fails, also after {_limit(place)}; is the server up, and base_url right?"
    return "its answer cannot be read; is base_url that of the OpenAI protocol?"


def _said(error: Exception) -> str:
    """The server's words, else the cause of the client's error; "" for errors of reading the response."""
    import openai

    if not isinstance(error, openai.OpenAIError):
        return ""
    status, body = getattr(error, "status_code", None), getattr(error, "body", None)
    words: Any = body.get("message") if isinstance(body, dict) else None
    text = " ".join(words.split()) if isinstance(words, str) and words else one_line(error.__cause__ or error)
    return f"{status}: {text[:300]}" if isinstance(status, int) else text[:300]
