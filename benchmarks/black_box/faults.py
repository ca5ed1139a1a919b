"""An HTTP proxy on the loopback that spoils what goes through it, before any server of the OpenAI protocol.

    python -m benchmarks.black_box.faults http://127.0.0.1:8000 --port 8001 --rate 0.2 --seed 1 --log faults.jsonl

Which request has which fault is decided by the seed, the request's body and how often that body has come, so that it
depends neither on the number of requests in flight nor on their order.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

from benchmarks.black_box.fault_handler import Handler
from benchmarks.black_box.fault_log import FaultLog
from benchmarks.black_box.fault_settings import Fault, Logprobs, Settings
from plural_tasks.utils.errors import ModPluralError


class FaultProxy(ThreadingHTTPServer):
    """Passes requests on to a server, or does not; every POST is logged.

    Attributes:
        settings: May be replaced while it runs.
        log: What was done.
        stopping: Set when it ends; slow answers then come at once.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, upstream: str, settings: Settings, *, log: Path | None = None, port: int = 0) -> None:
        """Listen; `proxied` also answers.

        Args:
            upstream: Address of the server behind; a path such as ``/v1`` is left out, since clients say it.
            settings: How much goes wrong.
            log: File for the records, as lines of JSON.
            port: 0 for a free one.

        Raises:
            ModPluralError: If the address is no ``http://host:port`` or the port is taken.
        """
        behind = urlsplit(upstream)
        if behind.scheme != "http" or not behind.hostname:
            raise ModPluralError(f"upstream {upstream!r}, expected an address like http://127.0.0.1:8000.")
        try:
            super().__init__(("127.0.0.1", port), Handler)
        except OSError as error:
            raise ModPluralError(f"port {port} of the fault proxy: {error.strerror}. Take another, or 0.") from error
        self.upstream = (behind.hostname, behind.port or 80)
        self.settings, self.log = settings, FaultLog(log)
        self.stopping = threading.Event()
        self._down_until, self._down_as = 0.0, Fault.UNAVAILABLE

    @property
    def address(self) -> str:
        """Where it listens, without a path."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def fail_for(self, seconds: float, kind: Fault = Fault.UNAVAILABLE) -> None:
        """Let every request that comes from now on fail, for some seconds, without asking the server.

        Args:
            seconds: 0 ends a period of failure.
            kind: ``too_many``, ``retry_after``, ``server_error``, ``unavailable`` or ``reset``.

        Raises:
            ModPluralError: If the kind is another.
        """
        kinds = (Fault.TOO_MANY, Fault.RETRY_AFTER, Fault.SERVER_ERROR, Fault.UNAVAILABLE, Fault.RESET)
        if kind not in kinds:
            raise ModPluralError(f"down with {str(kind)!r}, expected one of {', '.join(kinds)}.")
        self._down_until, self._down_as = time.monotonic() + seconds, kind

    def down(self) -> Fault | None:
        """How requests fail at present because everything does."""
        return self._down_as if time.monotonic() < self._down_until else None

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up is no error."""


@contextmanager
def proxied(
    upstream: str, settings: Settings | None = None, *, log: Path | None = None, port: int = 0
) -> Iterator[FaultProxy]:
    """A proxy that answers until the block ends; see `FaultProxy`."""
    with FaultProxy(upstream, settings or Settings(), log=log, port=port) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.stopping.set()
            proxy.shutdown()
            thread.join()
            proxy.log.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a proxy until it is interrupted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.black_box.faults", description=__doc__.splitlines()[0])
    default = Settings()
    parser.add_argument("upstream", help="address of the server, http://host:port")
    parser.add_argument("--port", type=int, default=0, help="default: a free one, which is printed")
    parser.add_argument("--log", type=Path, help="file to which a line of JSON is appended for each request")
    parser.add_argument("--rate", type=float, default=default.rate, help="share of requests that have a fault")
    parser.add_argument("--kinds", type=_kinds, default=default.kinds, help=f"of {','.join(Fault)}; default: all")
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--slow-seconds", type=float, default=default.slow_seconds, help="default: %(default)s")
    parser.add_argument("--logprobs", choices=get_args(Logprobs), default=default.logprobs, help="default: %(default)s")
    parser.add_argument("--down", type=_period, metavar="AT:FOR", help="seconds after which all fails, and how long")
    told = parser.parse_args(arguments)
    settings = Settings(told.rate, told.kinds, told.seed, told.slow_seconds, told.logprobs)
    with proxied(told.upstream, settings, log=told.log, port=told.port) as proxy:
        print(proxy.address, flush=True)
        if told.down is not None:
            threading.Timer(told.down[0], proxy.fail_for, [told.down[1]]).start()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print(dict(proxy.log.faults()), flush=True)


def _kinds(text: str) -> tuple[Fault, ...]:
    try:
        return tuple(Fault(name) for name in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}; there are {', '.join(Fault)}") from error


def _period(text: str) -> tuple[float, float]:
    start, _, length = text.partition(":")
    return float(start), float(length)


if __name__ == "__main__":
    main()
