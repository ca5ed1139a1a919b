"""How a fault proxy answers one request."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler
from threading import Event
from typing import Any, Protocol

from benchmarks.black_box.fault_log import FaultLog, Record
from benchmarks.black_box.fault_settings import Fault, Settings

_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}
"""Headers of one connection, or that this server writes itself."""

_REFUSALS: Mapping[Fault, tuple[int, str]] = {
    Fault.TOO_MANY: (429, "Rate limit reached for requests"),
    Fault.RETRY_AFTER: (429, "Rate limit reached for requests"),
    Fault.SERVER_ERROR: (500, "The server had an error while processing your request"),
    Fault.UNAVAILABLE: (503, "The engine is currently overloaded"),
}


class Faulty(Protocol):
    """What a handler needs of the server that it answers for.

    Attributes:
        upstream: Host and port of the server behind.
        settings: Which faults occur, and how often.
        log: Where every request is written down.
        stopping: Set when the proxy stops, so that nothing waits any longer.
    """

    upstream: tuple[str, int]
    settings: Settings
    log: FaultLog
    stopping: Event

    def down(self) -> Fault | None:
        """The fault of all requests at this moment; None in ordinary operation."""


@dataclass(frozen=True)
class Answer:
    """What goes to the client.

    Attributes:
        status: Of HTTP.
        body: All of it, of which a fault may send less.
        headers: Beyond length and connection.
        upstream: Status of the server behind, None where this is the proxy's own answer.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    upstream: int | None = None


def refusal(status: int, message: str, headers: Mapping[str, str] | None = None) -> Answer:
    """An error as the protocol words it."""
    error = {"message": message, "type": "error", "param": None, "code": status}
    return Answer(
        status, json.dumps({"error": error}).encode(), {"Content-Type": "application/json", **(headers or {})}
    )


class Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Faulty  # type: ignore[assignment]  # a ThreadingHTTPServer, as the library has it

    def do_GET(self) -> None:
        """Pass it on, unless everything fails."""
        fault = self.server.down()
        if fault is Fault.RESET:
            self._reset()
            return
        self._write(self._refused(fault) if fault else self._passed(b""))

    def do_POST(self) -> None:
        """Pass it on or spoil it, and log what was done."""
        if "Content-Length" not in self.headers:
            self.close_connection = True
            self._write(refusal(411, "this proxy needs Content-Length"))
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        began = time.time()
        number, digest, attempt = self.server.log.arrive(body)
        down = self.server.down()
        fault = down or self.server.settings.fault(digest, attempt)
        answer, delivered, name = None, False, "down" if down else fault and str(fault)
        try:
            if fault is Fault.RESET:
                self._reset()
            else:
                answer = self._answer(body, fault)
                name = name or ("no_logprobs" if self._unwelcome(body) else None)
                delivered = self._send(answer, fault)
        finally:
            status, upstream = (answer.status, answer.upstream) if answer else (None, None)
            times = (began, time.time())
            self.server.log.add(
                Record(number, self.path, digest, attempt, *times, name, status, upstream, bool(delivered))
            )

    def _answer(self, body: bytes, fault: Fault | None) -> Answer:
        if fault is not None and fault in _REFUSALS:
            return self._refused(fault)
        if self._unwelcome(body):
            return refusal(400, "logprobs are not supported by this model")
        if fault is Fault.SLOW:
            self.server.stopping.wait(self.server.settings.slow_seconds)
        answer = self._passed(body)
        if self.server.settings.logprobs == "strip":
            answer = _changed(answer, _without_logprobs)
        return _changed(answer, _without_choices) if fault is Fault.NO_CHOICES else answer

    def _unwelcome(self, body: bytes) -> bool:
        """Does it ask for log-probabilities where they are refused?"""
        return self.server.settings.logprobs == "refuse" and _asks_for_logprobs(body)

    def _refused(self, fault: Fault) -> Answer:
        return refusal(*_REFUSALS[fault], {"Retry-After": "1"} if fault is Fault.RETRY_AFTER else {})

    def _passed(self, body: bytes) -> Answer:
        """The answer of the server behind, or 502."""
        headers = {name: value for name, value in self.headers.items() if name.lower() not in {*_HOP, "host"}}
        # Compressed answers could not be changed.
        headers = {**headers, "Accept-Encoding": "identity", "Connection": "close"}
        connection = HTTPConnection(*self.server.upstream, timeout=self.server.settings.patience)
        try:
            connection.request(self.command, self.path, body or None, headers)
            reply = connection.getresponse()
            kept = {name: value for name, value in reply.getheaders() if name.lower() not in _HOP}
            return Answer(reply.status, reply.read(), kept, reply.status)
        except (OSError, HTTPException) as error:
            return refusal(502, f"the server behind the proxy does not answer: {error!r}")
        finally:
            connection.close()

    def _send(self, answer: Answer, fault: Fault | None) -> bool:
        """Write as much of an answer as a fault leaves: was it all, of a good one, to a client that is there?"""
        half = answer.body[: len(answer.body) // 2]
        if fault is Fault.RESET_LATE:
            self._write(answer, sent=half)
            self._reset()
        elif fault is Fault.CUT:
            self.close_connection = True
            self._write(answer, sent=half)
        elif fault is Fault.SHORT:
            self._write(answer, sent=half, length=len(half))
        else:
            written = self._write(answer)
            good = answer.upstream is not None and 200 <= answer.upstream < 300
            return written and good and fault is not Fault.NO_CHOICES
        return False

    def _write(self, answer: Answer, *, sent: bytes | None = None, length: int | None = None) -> bool:
        """Hand an answer to the kernel: did it take all, and had the client not left before?"""
        if self._left():
            self.close_connection = True
            return False
        try:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body) if length is None else length))
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(answer.body if sent is None else sent)
        except OSError:
            self.close_connection = True
            return False
        return True

    def _left(self) -> bool:
        """Has the client closed the connection? It has, if it can be read and there is nothing."""
        try:
            return not self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _reset(self) -> None:
        """Close so that the client is sent RST: what lingers is thrown away."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.rfile.close()  # holds the socket open until then

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def _asks_for_logprobs(body: bytes) -> bool:
    told = _read(body)
    # In completions 0 asks for the token's own, in chats `false` for none.
    return isinstance(told, dict) and (told.get("logprobs") not in (None, False) or bool(told.get("top_logprobs")))


def _changed(answer: Answer, change: Any) -> Answer:
    """A good answer with its JSON changed, any other as it is."""
    told = _read(answer.body)
    if answer.status != 200 or not isinstance(told, dict):
        return answer
    return Answer(answer.status, json.dumps(change(told)).encode(), answer.headers, answer.upstream)


def _without_logprobs(told: dict[str, Any]) -> dict[str, Any]:
    return {**told, "choices": [{**choice, "logprobs": None} for choice in told.get("choices", [])]}


def _without_choices(told: dict[str, Any]) -> dict[str, Any]:
    return {**told, "choices": []}


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
