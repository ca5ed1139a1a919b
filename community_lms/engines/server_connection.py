"""The connection to one server of the OpenAI protocol: the models that it lists, and one request at a time."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any

from community_lms.engines.server_errors import explain, several_models
from community_lms.messages.message import Message, MessageRequest, Turn
from community_lms.pools.served import DEFAULT_KEY, Served
from community_lms.pools.spec import Community, canonical
from community_lms.remote.account import Account, Payment
from community_lms.remote.answer_store import answer_key
from community_lms.remote.budget import Reservation
from community_lms.remote.failures import UnusableAnswerError
from community_lms.remote.requests import RemotePrompt
from community_lms.remote.responses import prompt_bytes, read_usage
from community_lms.remote.retry import RetryPolicy, StoppedError
from community_lms.remote.usage import Purpose, Usage
from plural_tasks.utils.errors import ModPluralError

logger = logging.getLogger(__name__)

PHASE = "messages"
"""Phase under which messages are booked in the ledger."""

CONNECT_SECONDS = 10.0
LIST_SECONDS = 30.0
"""Longest waits for a connection and for the list of models, which take the server no computing."""


class ServerConnection:
    """Connection to a server, shared by the communities that are asked from it with the same settings.

    Attributes:
        place: The server as one of the communities describes it.
        listed: Names of the models that the server lists, adapters included; empty where it lists none.
        bases: Names of those models that are no adapters.
        retry_policy: How requests to the server are repeated.
    """

    def __init__(self, place: Served) -> None:
        """Set the connection up; nothing is sent.

        Raises:
            ModPluralError: If the client is not installed or the variable with the key is not set.
        """
        try:
            import openai
        except ImportError as error:
            raise ModPluralError(
                "message engine 'server' needs the openai client: pip install 'modplural[server]'."
            ) from error
        self.place = place
        self.listed: list[str] = []
        self.bases: list[str] = []
        self.retry_policy = RetryPolicy(place.patience, None if place.max_retries is None else place.max_retries + 1)
        self._learnt = False
        self._key = _key(place)
        self._client = openai.AsyncOpenAI(
            base_url=place.base_url,
            api_key=self._key or "none",  # the client wants one, local servers do not look at it
            max_retries=0,  # ours are shared by all requests
            timeout=openai.Timeout(place.timeout, connect=min(place.timeout, CONNECT_SECONDS)),
        )

    async def learn(self, community: str) -> None:
        """Ask once which models the server has; a server that does not list them may answer all the same.

        Raises:
            ModPluralError: If the server cannot be reached.
        """
        import openai

        if self._learnt:
            return
        patient = min(self.place.timeout, LIST_SECONDS)
        try:
            found = [card async for card in self._client.models.list(timeout=patient)]
        except openai.APITimeoutError:
            found = []
        except openai.APIConnectionError as error:
            raise explain(error, community, None, self.place, (), self._key) from None
        except Exception as error:  # the list is only of help
            logger.debug("%s lists no models (%s)", self.place.base_url, type(error).__name__)
            found = []
        self.listed = [str(card.id) for card in found]
        # vLLM names the model that an adapter is put on as its parent.
        self.bases = [str(card.id) for card in found if not getattr(card, "parent", None)]
        self._learnt = True

    def model(self, community: Community, place: Served) -> str:
        """Name of the model to ask for.

        Raises:
            ModPluralError: If a persona names none and the server has several.
        """
        if place.model is not None:
            return place.model
        if community.kind != "persona":
            return community.name
        if len(self.bases) != 1:
            raise several_models(community.name, place, self.bases)
        return self.bases[0]

    async def ask(self, request: MessageRequest, place: Served, account: Account) -> Message:
        """Get one message: from the account's store, or from the server, and then kept the moment it comes.

        Raises:
            ModPluralError: If there is none after all retries, or it could cost more than the budget has left.
        """
        name, model = request.community.name, self.model(request.community, place)
        body = _body(request, place, model)
        key = answer_key("text", place.base_url, body, "0")
        if (stored := account.find([key]).get(key)) is not None:
            return Message(name, stored.value, *((stored.read, stored.written) if stored.counted else (None, None)))
        prompt = RemotePrompt("text", request.turns, None, Purpose(PHASE, name), key=key, body=body)
        reservation = await self._reserve(account, body)
        with account.paying(reservation, [prompt], place.base_url) as payment:
            try:
                text, usage = await self.retry_policy.call_async(lambda: self._answer(request, place, model, payment))
            except StoppedError:
                raise
            except Exception as error:  # the client's many errors, and responses without an answer
                raise explain(error, name, model, place, self.listed, self._key) from None
        return Message(name, text, *((usage.read, usage.written) if usage is not None else (None, None)))

    async def _reserve(self, account: Account, body: dict[str, Any]) -> Reservation:
        """Wait until the budget has enough left for a request."""
        budget = account.ledger.budget
        budget.check(body["model"])
        while (reservation := budget.reserve(body["model"], prompt_bytes(body), body["max_tokens"])) is None:
            await self.retry_policy.pause_async()
        return reservation

    async def _answer(
        self, request: MessageRequest, place: Served, model: str, payment: Payment
    ) -> tuple[str, Usage | None]:
        """Send one request once, and return its answer, booked and kept."""
        with payment.attempt() as attempt:
            response = await self._send(request, place, model)
            if isinstance(response, str):
                raise UnusableAnswerError("a page in the place of an answer", transient=False)
            attempt.usage = read_usage(response)
            if not getattr(response, "choices", None):
                raise UnusableAnswerError("the answer has no choices")
            first = response.choices[0]
            content = first.text if place.api == "completions" else first.message.content
            text = str(content or "").strip()
            payment.answered([text], attempt.usage)
        return text, attempt.usage

    async def _send(self, request: MessageRequest, place: Served, model: str) -> Any:
        body = {**_body(request, place, model), "extra_body": place.extra_body or None}
        for name in place.extra_body:
            body.pop(name, None)
        if place.api == "completions":
            return await self._client.completions.create(**body)
        return await self._client.chat.completions.create(**body)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def _body(request: MessageRequest, place: Served, model: str) -> dict[str, Any]:
    """Body of the request."""
    decoding = request.decoding
    turns = request.turns if place.system else (("user", _paragraphs(request.turns)),)
    # Completions as `chat_text.render` writes turns for a model without a chat template.
    asked: dict[str, Any] = (
        {"prompt": _paragraphs(turns) + "\n\n"}
        if place.api == "completions"
        else {"messages": [{"role": role, "content": text} for role, text in turns]}
    )
    return {
        "model": model,
        **asked,
        "max_tokens": decoding.max_new_tokens,
        "temperature": decoding.temperature,
        "top_p": decoding.top_p,
        "seed": request.number,
        **place.extra_body,
    }


def connection_key(place: Served) -> str:
    """Key of a server's connection: communities with equal keys share it, and its limit of requests at once."""
    return canonical(
        place.model_dump(include={"base_url", "concurrency", "timeout", "patience", "max_retries", "api_key_env"})
    )


def _key(place: Served) -> str:
    """The server's API key; "" where the default variable is not set, as for most local servers."""
    key = os.environ.get(place.api_key_env, "").strip()
    if not key and place.api_key_env != DEFAULT_KEY:
        raise ModPluralError(
            f"server {place.base_url}: api_key_env names the environment variable {place.api_key_env}, which is not "
            "set; set it, or take api_key_env out."
        )
    return key


def _paragraphs(turns: Sequence[Turn]) -> str:
    return "\n\n".join(text for _, text in turns)
