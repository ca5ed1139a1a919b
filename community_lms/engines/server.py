"""Any server of the OpenAI protocol that serves adapters by model name, such as vLLM, SGLang, LoRAX or llama.cpp.

Adapters and checkpoints are asked for by their communities' names, personas by the name that the user gives or, where
none is given, by that of the one model that the server lists beside adapters.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence

from community_lms.engines.background import Background
from community_lms.engines.base import with_answers
from community_lms.engines.server_line import Line, line_key
from community_lms.engines.warning import EngineWarning
from community_lms.messages.message import Message, MessageRequest
from community_lms.pools.served import SERVER, Served, no_server
from community_lms.pools.spec import Community
from community_lms.remote.account import Account
from community_lms.remote.retry import StoppedError
from plural_tasks.utils.errors import ModPluralError

logger = logging.getLogger(__name__)


class ServerEngine:
    """Asks with many requests in flight; communities and servers may be mixed.

    Each request carries its own seed, drawn from the message's key; whether the server honours it is up to the server.
    What may pass is tried again, with a breaker for each server. Each message is kept in the account's answer store the
    moment it comes. Where a request fails for good, no further one is sent, those in flight are awaited, and the error
    carries all that was answered.
    """

    name = "server"

    def __init__(self, *, batch_size: int = 256, device: str | None = None, dtype: str = "auto") -> None:
        """Make the engine.

        Args:
            batch_size: Requests in one call.
            device: Not used, the server has its own.
            dtype: Not used.
        """
        self.batch_size = batch_size
        self.warnings: list[EngineWarning] = []
        self.account = Account()
        self._background = Background()
        self._lines: dict[str, Line] = {}
        self._unlisted: set[str] = set()

    def speak(self, requests: Sequence[MessageRequest]) -> list[Message]:
        """Return one message for each request; see `MessageEngine.speak`."""
        places = [served_by(request.community) for request in requests]
        said: dict[int, Message] = {}
        try:
            self._background.run(self._ask_all(requests, places, said))
        except BaseException as problem:
            with_answers(problem, {requests[number].key: message for number, message in said.copy().items()})
            raise
        for request, place in zip(requests, places, strict=True):
            self._check(request.community, place)
        return [said[number] for number in range(len(requests))]

    async def _ask_all(
        self, requests: Sequence[MessageRequest], places: Sequence[Served], said: dict[int, Message]
    ) -> None:
        """Put answers into ``said`` as they come, by the number of their request.

        Raises:
            ModPluralError: The first failure, when nothing is in flight any more.
        """
        waiting: dict[str, list[int]] = {}
        for number, place in enumerate(places):
            waiting.setdefault(line_key(place), []).append(number)
        failures: list[ModPluralError] = []

        async def work(line: Line, numbers: Iterator[int]) -> None:
            while not failures and (number := next(numbers, None)) is not None:
                try:
                    said[number] = await line.ask(requests[number], places[number], self.account)
                except StoppedError:
                    return
                except ModPluralError as error:
                    failures.append(error)
                    for other, _ in lines:
                        other.retry_policy.stopped.set()

        lines = [(self._line(places[numbers[0]]), numbers) for numbers in waiting.values()]
        self.account.check_writable()
        for line, numbers in lines:
            line.retry_policy.stopped.clear()
            await line.learn(requests[numbers[0]].community.name)
        left = [(line, iter(numbers)) for line, numbers in lines]
        await asyncio.gather(*(work(line, numbers) for line, numbers in left for _ in range(line.place.concurrency)))
        if failures:
            raise failures[0]

    def _line(self, place: Served) -> Line:
        key = line_key(place)
        if key not in self._lines:
            self._lines[key] = Line(place)
            self.account.retry_policies.append(self._lines[key].retry_policy)
        return self._lines[key]

    def _check(self, community: Community, place: Served) -> None:
        """Warn once of a name that the server answers to without listing it: some take any name for their one model."""
        line = self._line(place)
        model = line.model(community, place)
        if not line.listed or model in line.listed or community.name in self._unlisted:
            return
        self._unlisted.add(community.name)
        text = (
            f"community {community.name!r}: {place.base_url} answers to the model {model!r} but does not list it "
            f"({', '.join(line.listed[:6])}); is the adapter in use?"
        )
        self.warnings.append(EngineWarning(community.name, "unlisted_model", text))
        logger.warning("%s", self.warnings[-1].text)

    def close(self) -> None:
        """Close all connections."""
        for line in self._lines.values():
            self._background.run(line.close())
        self._lines.clear()
        self._background.close()


def served_by(community: Community) -> Served:
    """Where a community is served.

    Raises:
        ModPluralError: If it is not served anywhere.
    """
    if community.endpoint is not None and community.endpoint.backend == SERVER:
        return community.endpoint.served()
    if community.server is not None:
        return community.server
    raise ModPluralError(no_server(community.name, community.endpoint.backend if community.endpoint else None))
