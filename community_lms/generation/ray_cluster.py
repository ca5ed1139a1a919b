"""A Ray cluster and the connection to it."""

from __future__ import annotations

import gc
import logging
import socket
import threading
import time
from dataclasses import dataclass
from typing import Any

from plural_tasks.utils.errors import ModPluralError, one_line

LOCAL = "local"
"""Address that stands for a cluster started here for the run and stopped after it."""

READING = ("iter_threaded", "StreamingExecutor")
"""Beginnings of the names of Ray Data's reading threads."""
PATIENCE = 10.0
"""Seconds that these threads have to end."""


@dataclass(frozen=True)
class Cluster:
    """A cluster, and how much of it to use.

    Attributes:
        address: Address of a cluster that is up (``ray://HOST:10001``, ``auto``), or `LOCAL`.
        workers: Number of workers at once; None is one for each GPU, or two where there is none (for
            corpora one for each core).
        cpus: Cores of each worker; None is an even share of the cluster's.
    """

    address: str = LOCAL
    workers: int | None = None
    cpus: float | None = None


class connected:
    """Ray, connected to the cluster; one that was started here is stopped at the end."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._mine = False

    def __enter__(self) -> Any:
        try:
            import ray
            import ray.data
        except ImportError as error:
            raise ModPluralError("--ray needs Ray: pip install 'modplural[ray]'.") from error
        if not ray.is_initialized():
            local = self._cluster.address == LOCAL
            settings = {"include_dashboard": False} if local else {"address": self._cluster.address}
            try:
                _reachable(self._cluster.address)
                ray.init(logging_level="warning", log_to_driver=False, **settings)
            except Exception as error:  # what the network, the cluster and its version raise
                raise ModPluralError(
                    f"--ray {self._cluster.address}: no cluster answers there ({one_line(error)[:200]})."
                ) from error
            self._mine = True
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        return ray

    def __exit__(self, *_: object) -> None:
        if self._mine:
            import ray

            _end_threads()
            ray.shutdown()


def _end_threads() -> None:
    """Wait for threads in which Ray Data still reads on: one that asks for more after the end ends the process."""
    gc.collect()
    until = time.monotonic() + PATIENCE
    for thread in threading.enumerate():
        if thread.name.startswith(READING):
            thread.join(max(0.0, until - time.monotonic()))


def _reachable(address: str) -> None:
    """Try the address for some seconds: Ray by itself would for minutes.

    Raises:
        OSError: If nobody listens there.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
