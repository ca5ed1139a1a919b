"""The line to one server of the OpenAI protocol: its connections, the models that it lists, one request at a time."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any

from community_lms.engines.server_errors import explain, several_models
from community_lms.message import Message, MessageRequest, Turn
from community_lms.served import DEFAULT_KEY, Served
from community_lms.spec import Community, canonical
from plural_tasks.errors import ModPluralError

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
LIST_SECONDS = 30.0
"""To wait for a connection and for the list of models, which take no thinking."""


class Line:
    """Connections to a server, shared by the communities that it serves in the same way.

    Attributes:
        place: The server, of one of the communities.
        listed: Names that the server lists, adapters too; none where it lists nothing.
        bases: Those of them that are no adapters.
    """

    def __init__(self, place: Served) -> None:
        """Make the line; nothing is sent.

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
        self._learnt = False
        self._key = _key(place)
        self._client = openai.AsyncOpenAI(
            base_url=place.base_url,
            api_key=self._key or "none",  # the client wants one, local servers do not look at it
            max_retries=place.max_retries,
            timeout=openai.Timeout(place.timeout, connect=min(place.timeout, CONNECT_SECONDS)),
        )

    async def learn(self, community: str) -> None:
        """Ask once which models the server has; one that does not say, or not to us, may answer all the same.

        Raises:
            ModPluralError: If nobody is there.
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
        """The name to ask for.

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

    async def ask(self, request: MessageRequest, place: Served) -> Message:
        """Get one message.

        Raises:
            ModPluralError: If there is none, also after retries.
        """
        name, model = request.community.name, self.model(request.community, place)
        try:
            text, used = await self._text(request, place, model)
        except Exception as error:  # the client's many errors, and answers that are none
            raise explain(error, name, model, place, self.listed, self._key) from None
        return Message(name, str(text or "").strip(), *(_count(used, kind) for kind in ("prompt", "completion")))

    async def _text(self, request: MessageRequest, place: Served, model: str) -> tuple[str | None, Any]:
        """What the server says, and what it counted."""
        decoding = request.decoding
        settings: dict[str, Any] = {
            "model": model,
            "max_tokens": decoding.max_new_tokens,
            "temperature": decoding.temperature,
            "top_p": decoding.top_p,
            "seed": request.number,
            "extra_body": place.extra_body or None,
        }
        turns = request.turns if place.system else (("user", _paragraphs(request.turns)),)
        answer: Any
        if place.api == "completions":  # as `chat_text.render` writes turns for a model without a chat template
            answer = await self._client.completions.create(prompt=_paragraphs(turns) + "\n\n", **settings)
            return answer.choices[0].text, answer.usage
        messages: Any = [{"role": role, "content": text} for role, text in turns]
        answer = await self._client.chat.completions.create(messages=messages, **settings)
        return answer.choices[0].message.content, answer.usage

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def line_key(place: Served) -> str:
    """Communities with the same one share a line, and its limit of requests in flight."""
    return canonical(place.model_dump(include={"base_url", "concurrency", "timeout", "max_retries", "api_key_env"}))


def _key(place: Served) -> str:
    """The key, or "" where the usual variable is not set, as for most local servers."""
    key = os.environ.get(place.api_key_env, "").strip()
    if not key and place.api_key_env != DEFAULT_KEY:
        raise ModPluralError(
            f"server {place.base_url}: api_key_env names the environment variable {place.api_key_env}, which is not "
            "set; set it, or take api_key_env out."
        )
    return key


def _paragraphs(turns: Sequence[Turn]) -> str:
    return "\n\n".join(text for _, text in turns)


def _count(used: Any, kind: str) -> int | None:
    found = getattr(used, f"{kind}_tokens", None)
    return found if isinstance(found, int) else None
