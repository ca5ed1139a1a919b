"""Messages from a server of the OpenAI protocol that serves adapters by model name: vLLM, SGLang, LoRAX, llama.cpp.

Adapters and checkpoints are asked for by their communities' names, personas by the name that the user gives or, where
none is given, by that of the one model that the server lists beside adapters.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence

from community_lms.engines.background import BackgroundLoop
from community_lms.engines.base import PartialBatchError
from community_lms.engines.server_connection import ServerConnection, connection_key
from community_lms.engines.warning import EngineWarning
from community_lms.messages.message import Message, MessageRequest
from community_lms.pools.served import SERVER, Served, no_server
from community_lms.pools.spec import Community
from community_lms.remote.account import Account
from community_lms.remote.retry import StoppedError
from plural_tasks.utils.errors import ModPluralError

logger = logging.getLogger(__name__)


class ServerEngine:
    """Sends many requests at once; communities and servers may be mixed.

    Each request holds its own seed, drawn from the message's key; whether the server honours it is up to the server.
    Transient failures are repeated, with a circuit breaker for each server. Each message is kept in the account's
    answer store the moment it comes. Where a request fails for good, no further one is sent, those that were sent are
    awaited, and the error holds all that was answered.
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
        self._background = BackgroundLoop()
        self._connections: dict[str, ServerConnection] = {}
        self._unlisted: set[str] = set()

    def speak(self, requests: Sequence[MessageRequest]) -> list[Message]:
        """Return one message for each request, in order (`MessageEngine.speak`)."""
        places = [served_by(request.community) for request in requests]
        answers: dict[int, Message] = {}
        try:
            self._background.run(self._ask_all(requests, places, answers))
        except BaseException as problem:  # an interruption too
            if not (there := answers.copy()):
                raise
            raise PartialBatchError(problem, {requests[place].key: one for place, one in there.items()}) from problem
        for request, place in zip(requests, places, strict=True):
            self._check(request.community, place)
        return [answers[number] for number in range(len(requests))]

    async def _ask_all(
        self, requests: Sequence[MessageRequest], places: Sequence[Served], answers: dict[int, Message]
    ) -> None:
        """Put answers into ``answers`` as they come, by the number of their request.

        Raises:
            ModPluralError: The first failure, once no request is open any more.
        """
        waiting: dict[str, list[int]] = {}  # by connection
        for number, place in enumerate(places):
            waiting.setdefault(connection_key(place), []).append(number)
        failures: list[ModPluralError] = []

        async def work(connection: ServerConnection, numbers: Iterator[int]) -> None:
            while not failures and (number := next(numbers, None)) is not None:
                try:
                    answers[number] = await connection.ask(requests[number], places[number], self.account)
                except StoppedError:
                    return
                except ModPluralError as error:
                    failures.append(error)
                    for other, _ in connections:
                        other.retry_policy.stopped.set()

        connections = [(self._connection(places[numbers[0]]), numbers) for numbers in waiting.values()]
        self.account.check_writable()
        for connection, numbers in connections:
            connection.retry_policy.stopped.clear()
            await connection.learn(requests[numbers[0]].community.name)
        workers = []
        for connection, numbers in connections:
            left = iter(numbers)
            workers += [work(connection, left) for _ in range(connection.place.concurrency)]
        await asyncio.gather(*workers)
        if failures:
            raise failures[0]

    def _connection(self, place: Served) -> ServerConnection:
        key = connection_key(place)
        if key not in self._connections:
            self._connections[key] = ServerConnection(place)
            self.account.retry_policies.append(self._connections[key].retry_policy)
        return self._connections[key]

    def _check(self, community: Community, place: Served) -> None:
        """Warn once of a model that is answered for and not listed: some servers take any name for their only model."""
        connection = self._connection(place)
        model = connection.model(community, place)
        if not connection.listed or model in connection.listed or community.name in self._unlisted:
            return
        self._unlisted.add(community.name)
        text = (
            f"community {community.name!r}: {place.base_url} answers to the model {model!r} but does not list it "
            f"({', '.join(connection.listed[:6])}); is the adapter in use?"
        )
        self.warnings.append(EngineWarning(community.name, "unlisted_model", text))
        logger.warning("%s", self.warnings[-1].text)

    def close(self) -> None:
        """Close all connections."""
        for connection in self._connections.values():
            self._background.run(connection.close())
        self._connections.clear()
        self._background.close()


def served_by(community: Community) -> Served:
    """Return the server of a community.

    Raises:
        ModPluralError: If it is not served anywhere.
    """
    if community.endpoint is not None and community.endpoint.backend == SERVER:
        return community.endpoint.served()
    if community.server is not None:
        return community.server
    raise ModPluralError(no_server(community.name, community.endpoint.backend if community.endpoint else None))
