"""Settings of a server that speaks for communities, as pool files and arguments give them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from plural_tasks.schema import Text
from plural_tasks.utils.checked import Checked, parse
from plural_tasks.utils.errors import ModPluralError
from plural_tasks.utils.secrets import is_secret_name

SERVER = "server"
"""The backend of an endpoint, and the message engine, that asks a server of the OpenAI protocol."""

DEFAULT_KEY = "OPENAI_API_KEY"

PATIENCE = 600.0
"""Default for the seconds during which a failing request to a server is repeated."""

_ASKED = ("model", "messages", "prompt", "seed", "temperature", "top_p", "max_tokens", "n", "stream")
_PATHS = ("/chat/completions", "/completions")


class Served(Checked):
    """A server of the OpenAI protocol.

    The first five decide the messages and are part of their keys (the address only for an endpoint: otherwise the
    key names the weights, which the server has to serve). The others may change during a run.

    Attributes:
        base_url: Address of the protocol, for example ``http://localhost:8000/v1``.
        model: Name under which the server knows the community (`community_lms.engines.server`).
        api: ``chat``, or ``completions`` for models without a chat template.
        system: Whether personas are a system turn; else they precede the question, for chat templates without a
            system turn.
        extra_body: Further fields of every request, for example ``{top_k: 20}``.
        concurrency: Greatest number of requests at once.
        timeout: Seconds after which an answer is no longer awaited.
        patience: Seconds during which a request with a transient failure (429, 5xx, time-outs, lost connections,
            broken answers) is repeated.
        max_retries: Greatest number of repetitions; by default as many as ``patience`` allows.
        api_key_env: The environment variable that holds the key. The key itself is written nowhere.
    """

    base_url: Text
    model: Text | None = None
    api: Literal["chat", "completions"] = "chat"
    system: bool = True
    extra_body: dict[str, Any] = Field(default_factory=dict)
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 32
    timeout: Annotated[float, Field(gt=0)] = 300.0
    patience: Annotated[float, Field(ge=0)] = PATIENCE
    max_retries: Annotated[int, Field(ge=0, le=1000)] | None = None
    api_key_env: str = DEFAULT_KEY

    @field_validator("model", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        # The command line turns "2024" into a number.
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value

    @field_validator("base_url")
    @classmethod
    def _check_address(cls, value: str) -> str:
        # No message repeats the address: it may hold a password.
        if not re.match(r"https?://[^/\s]", value):
            raise ValueError("expected an address such as http://localhost:8000/v1.")
        if "@" in value or "?" in value:
            raise ValueError(
                "an address holds no password and no query, for it is kept with the messages; put the key into the "
                "environment variable that api_key_env names."
            )
        address = value.rstrip("/")
        return next((address[: -len(path)] for path in _PATHS if address.endswith(path)), address)

    @field_validator("api_key_env")
    @classmethod
    def _check_variable(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Z][A-Z0-9_]*", value):  # and a key in its place is not repeated
            raise ValueError(f"expected the name of an environment variable in capitals, such as {DEFAULT_KEY}.")
        return value

    @field_validator("extra_body")
    @classmethod
    def _check_extra(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name, content in value.items():
            if name in _ASKED:
                raise ValueError(f"{name!r} comes from the community, its decoding or the seed; take it out.")
            if is_secret_name(name) and isinstance(content, str):
                raise ValueError(f"{name!r} looks like a credential; put the key into an environment variable.")
        return value

    def deciding(self) -> dict[str, Any]:
        """Settings beside the address that decide a message, where they are not the default, as plain JSON."""
        dumped = self.model_dump(include={"model", "api", "system", "extra_body"})
        return {
            name: value
            for name, value in dumped.items()
            if value != Served.model_fields[name].get_default(call_default_factory=True)
        }


def as_served(value: object) -> object:
    """Read a bare address as a server with the usual settings."""
    return {"base_url": value} if isinstance(value, str) else value


def read_served(address: str, args: str | Mapping[str, Any] | None) -> Served:
    """Read the model arguments ``message_server`` and ``message_server_args``.

    Args:
        address: Address of the protocol.
        args: Further fields of `Served`, also as a JSON object or as ``name:value`` joined by ``+``.

    Raises:
        ModPluralError: If there is no such field or a value is of the wrong kind.
    """
    where = "message_server_args"
    given = _pairs(args, where) if isinstance(args, str) else dict(args or {})
    if "base_url" in given:
        raise ModPluralError(f"{where}: the address goes into message_server.")
    parse(Served, {"base_url": address}, where="message_server")
    return parse(Served, {"base_url": address, **given}, where=where)


def _pairs(text: str, where: str) -> dict[str, Any]:
    if text.lstrip().startswith("{"):
        try:
            return dict(json.loads(text))
        except json.JSONDecodeError as error:
            raise ModPluralError(f"{where}: malformed JSON ({error.msg}).") from error
    pairs = [part.partition(":") for part in text.split("+")]
    for name, colon, _ in pairs:
        if not (name.strip() and colon):
            raise ModPluralError(f"{where}: found {name!r}, expected name:value, several joined by +.")
    return {name.strip(): value.strip() for name, _, value in pairs}


def no_server(community: str, backend: str | None) -> str:
    """Error message for a community without a server that the engine ``server`` could ask."""
    if backend is not None:
        return (
            f"community {community!r} is an endpoint of the backend {backend!r}, which message_engine=server does not "
            "ask; take message_engine=auto, or write backend: server in the pool file."
        )
    return (
        f"community {community!r}: message_engine=server needs to know where; give "
        "message_server=http://HOST:PORT/v1, which serves the adapters by their communities' names."
    )
