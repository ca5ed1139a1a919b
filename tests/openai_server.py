"""A real HTTP server on the loopback that speaks the OpenAI protocol, with faults on demand."""

from __future__ import annotations

import hashlib
import json
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]
Fault = str | int | Mapping[str, Any] | None
"""A status, ``drop``, ``truncate``, ``cut`` (half of the JSON, with the right length), ``empty`` (no choices),
``html``, ``hang``, or a mapping with status, headers and message."""

WORDS = ("bridge", "well", "market", "river", "school", "field", "road", "mill")


def heard(asked: Body) -> str:
    """The model's name and the end of the last turn."""
    return f"{asked['model']} heard: {last_turn(asked)[-25:]}"


def drawn(asked: Body) -> str:
    """Words that model, prompt and seed decide, as a server that honours seeds samples them."""
    facts = json.dumps([asked["model"], asked.get("messages") or asked.get("prompt"), asked.get("seed")])
    return " ".join(WORDS[byte % len(WORDS)] for byte in hashlib.sha256(facts.encode()).digest()[:8])


def last_turn(asked: Body) -> str:
    return str(asked["messages"][-1]["content"] if "messages" in asked else asked["prompt"])


class OpenAIServer(ThreadingHTTPServer):
    """Chat completions, completions and the list of models.

    Attributes:
        asked: Path and body of every request for a text, in order of arrival.
        listings: How often the list of models was asked for.
        most: The greatest number of requests that were in flight at once.
        times: How often each body arrived, by its JSON.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        models: Sequence[str] = ("base",),
        adapters: Sequence[str] = (),
        *,
        say: Callable[[Body], str] = heard,
        fault: Callable[[Body, int], Fault] | None = None,
        key: str | None = None,
        delay: float = 0.0,
        lists: bool = True,
        strict: bool = False,
        top: Callable[[Body], Mapping[str, float]] | None = None,
        echo: Callable[[Sequence[int]], Sequence[float]] | None = None,
        counts: bool = True,
    ) -> None:
        """Listen on a free port.

        Args:
            models: Names of models.
            adapters: Names of adapters, which stand on the first model.
            say: Body -> text.
            fault: Body and how often it came, from 1 -> what goes wrong.
            key: The one that is asked for.
            delay: Seconds that a text takes.
            lists: Is there a list of models?
            strict: Are names that are not listed refused?
            echo: Tokens of a prompt -> log-probability of each but the first, for completions that ask for their echo.
            counts: Does it tell how many tokens it read and wrote?
            top: Body -> first tokens and their probabilities, for chats that ask for them; without it none are shown.
        """
        super().__init__(("127.0.0.1", 0), _Handler)
        self.models, self.adapters = list(models), list(adapters)
        self.say, self.fault, self.key = say, fault, key
        self.top, self.echo, self.counts = top, echo, counts
        self.delay, self.lists, self.strict = delay, lists, strict
        self.asked: list[tuple[str, Body]] = []
        self.times: Counter[str] = Counter()
        self.listings = 0
        self.most = 0
        self.flying = 0
        self.lock = threading.Lock()
        self.released = threading.Event()

    @property
    def url(self) -> str:
        """Of the protocol."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up is no error."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: OpenAIServer

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.listings += 1
        if self.path != "/v1/models" or not self.server.lists:
            self._refuse(404, "Not Found")
        elif self._knows_key():
            base = [{"id": name, "object": "model", "parent": None} for name in self.server.models]
            loras = [{"id": name, "object": "model", "parent": "base"} for name in self.server.adapters]
            self._send(200, {"object": "list", "data": base + loras})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        with server.lock:
            server.asked.append((self.path, asked))
            server.times[json.dumps(asked)] += 1
            time_of = server.times[json.dumps(asked)]
            server.flying += 1
            server.most = max(server.most, server.flying)
        try:
            time.sleep(server.delay)
            self._answer(asked, server.fault(asked, time_of) if server.fault else None)
        finally:
            with server.lock:
                server.flying -= 1

    def _answer(self, asked: Body, fault: Fault) -> None:
        if fault in ("drop", "hang"):
            if fault == "hang":
                self.server.released.wait(10)
            self.close_connection = True
        elif fault in ("html", "truncate", "cut", "empty"):
            self._spoil(asked, fault)
        elif fault is not None:
            told = fault if isinstance(fault, Mapping) else {"status": fault}
            self._refuse(int(told["status"]), str(told.get("message", "so be it")), told.get("headers", {}))
        elif not self._knows_key():
            return
        elif self.path not in ("/v1/chat/completions", "/v1/completions"):
            self._refuse(404, "Not Found")
        elif self.server.strict and asked["model"] not in [*self.server.models, *self.server.adapters]:
            self._refuse(404, f"The model `{asked['model']}` does not exist.")
        else:
            self._send(200, self._completion(asked, self.server.say(asked)))

    def _spoil(self, asked: Body, fault: Fault) -> None:
        """An answer that is none."""
        whole = self._completion(asked, self.server.say(asked))
        text = json.dumps(whole).encode()
        if fault == "html":
            self._send_bytes(200, b"<html>Welcome</html>", {"Content-Type": "text/html"})
        elif fault == "truncate":
            self._send_bytes(200, b'{"choices": [{"index"', {"Content-Length": "1000"})
            self.close_connection = True
        elif fault == "cut":
            self._send_bytes(200, text[: len(text) // 2], {"Content-Type": "application/json"})
        else:
            self._send(200, {**whole, "choices": []})

    def _completion(self, asked: Body, text: str) -> Body:
        said = {"message": {"role": "assistant", "content": text}} if "messages" in asked else {"text": text}
        read, written = len(last_turn(asked)), len(text.split())
        used = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
        choice = {"index": 0, "finish_reason": "stop", **said, **self._logprobs(asked)}
        choices = self._echoes(asked) if asked.get("echo") and self.server.echo else [choice]
        reply = {"id": "c-1", "object": "completion", "created": 1, "model": asked["model"], "choices": choices}
        return {**reply, **({"usage": used} if self.server.counts else {})}

    def _echoes(self, asked: Body) -> list[Body]:
        """Prompts of tokens with their log-probabilities, and that of one token more; in the wrong order."""
        prompts = asked["prompt"] if isinstance(asked["prompt"][0], list) else [asked["prompt"]]
        made = []
        for place, tokens in enumerate(prompts):
            values = [None, *self.server.echo(tokens), -1.0]
            tops = [None, *({"best": value} for value in values[1:])]
            told = {"token_logprobs": values, "top_logprobs": tops}
            made.append({"index": place, "finish_reason": "length", "text": "", "logprobs": told})
        return made[::-1]

    def _logprobs(self, asked: Body) -> Body:
        """Of the first token of a chat, the most probable first, as many as are asked for."""
        if self.server.top is None or "messages" not in asked or not asked.get("logprobs"):
            return {}
        ranked = sorted(self.server.top(asked).items(), key=lambda pair: -pair[1])[: asked.get("top_logprobs", 0)]
        told = [{"token": token, "logprob": math.log(share), "bytes": list(token.encode())} for token, share in ranked]
        return {"logprobs": {"content": [{**told[0], "top_logprobs": told}] if told else []}}

    def _knows_key(self) -> bool:
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.server.key in (None, given):
            return True
        self._refuse(401, f"Incorrect API key provided: {given}.")  # as some servers do
        return False

    def _refuse(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        kind = "NotFoundError" if status == 404 else "error"
        self._send(status, {"error": {"message": message, "type": kind, "param": None, "code": status}}, headers)

    def _send(self, status: int, body: Body, headers: Mapping[str, str] | None = None) -> None:
        self._send_bytes(status, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})})

    def _send_bytes(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextmanager
def serving(*arguments: Any, **options: Any) -> Iterator[OpenAIServer]:
    """A server that answers until the block ends; see `OpenAIServer`."""
    with OpenAIServer(*arguments, **options) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            server.shutdown()
            thread.join()
