"""Messages asked for by workers of a Ray cluster, with Ray Data; the store of this process takes them block by block.

A block is a batch, as a run without Ray would form it. Every worker holds one engine. Ray restarts a
worker that dies and gives its block to another: what is lost is at most that block, and random numbers belong to
messages, so that the result is the same. What came in is in the store: an interrupted run goes on.
"""

from __future__ import annotations

import logging
import pickle
import re
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from community_lms.ask import Asker, batches
from community_lms.engines import make_engine
from community_lms.engines.base import answers_of
from community_lms.message import MessageRequest
from community_lms.store import StoredMessage
from plural_tasks.errors import ModPluralError, one_line

LOCAL = "local"
"""The address of a cluster that is started here for the run and stopped after it."""


Said = tuple[list[StoredMessage], list[str], str]
"""Of one block: its rows, the engine's new warnings, and why others of its messages are missing ("": none is)."""


@dataclass(frozen=True)
class Cluster:
    """Where to ask.

    Attributes:
        address: Of a cluster that is up (``ray://HOST:10001``, ``auto``), or `LOCAL`.
        workers: Engines at once; None is one for each GPU, or two where there is none.
        cpus: Cores of each; None is an even share of the cluster's.
    """

    address: str = LOCAL
    workers: int | None = None
    cpus: float | None = None


class Speaker:
    """A worker: speaks for the communities of its blocks."""

    def __init__(self, *, threads: int, device: str | None, dtype: str, warn_level: int) -> None:
        """Nothing is loaded before the first block."""
        import torch

        torch.set_num_threads(threads)
        logging.basicConfig(level=warn_level)
        self._options = {"device": device, "dtype": dtype}
        self._engines: dict[str, Any] = {}

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """One block in, what was said out."""
        said = [self._speak(pickle.loads(block)) for block in batch["requests"]]
        return {"said": [pickle.dumps(one) for one in said]}

    def _speak(self, requests: Sequence[MessageRequest]) -> Said:
        name = requests[0].engine
        if name not in self._engines:
            self._engines[name] = make_engine(name, batch_size=len(requests), **self._options)
        engine = self._engines[name]
        known, problem = len(engine.warnings), ""
        try:
            messages = engine.speak(requests)
            said = {request.key: message for request, message in zip(requests, messages, strict=True)}
        except ModPluralError as error:
            said, problem = answers_of(error), str(error)
        rows = [StoredMessage.of(request, said[request.key]) for request in requests if request.key in said]
        return rows, engine.warnings[known:], problem


def ask_over_ray(asker: Asker, requests: Sequence[MessageRequest], cluster: Cluster) -> None:
    """Get all messages into the asker's store; those that are there are not asked again.

    Raises:
        ModPluralError: If Ray is not installed, the cluster cannot be reached, or a community cannot be asked.
    """
    unique = {request.key: request for request in requests}
    found = asker.store.get(unique)
    asker.count(unique, found)
    missing = [request for key, request in unique.items() if key not in found]
    if not missing:
        return
    blocks = list(batches(missing, asker.size_of))
    with _connected(cluster) as ray:
        progress = tqdm(
            total=len(unique),
            initial=len(found),
            desc="Community messages",
            unit="msg",
            disable=not asker.show_progress,
        )
        try:
            for rows, warnings, problem in _stream(ray, blocks, cluster, asker):
                asker.keep(rows)
                asker.warn([unique[row.key] for row in rows], warnings)
                if problem:
                    raise ModPluralError(problem)
                progress.update(len(rows))
                progress.set_postfix_str(
                    f"{asker.counts.tokens / max(progress.format_dict['elapsed'], 1e-9):.0f} tokens/s"
                )
        except ModPluralError:
            raise
        except Exception as error:  # Ray wraps what a worker raised, and raises much of its own
            raise _told(error) from error
        finally:
            progress.close()


def _stream(ray: Any, blocks: Sequence[Sequence[MessageRequest]], cluster: Cluster, asker: Asker) -> Iterator[Said]:
    resources = ray.cluster_resources()
    gpus = int(resources.get("GPU", 0))
    workers = min(cluster.workers or gpus or 2, len(blocks))
    cpus = cluster.cpus or max(1, int(resources.get("CPU", 1)) // workers)
    items = [{"requests": pickle.dumps(list(block))} for block in blocks]
    settings = {"threads": int(cpus), "device": asker.device, "dtype": asker.dtype, "warn_level": logging.WARNING}
    spoken = ray.data.from_items(items, override_num_blocks=len(items)).map_batches(
        Speaker,
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=2),
        fn_constructor_kwargs=settings,
        num_cpus=cpus,
        num_gpus=1 if gpus else 0,
    )
    for batch in spoken.iter_batches(batch_size=None, batch_format="numpy", prefetch_batches=0):
        for one in batch["said"]:
            yield pickle.loads(one)


class _connected:
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

            ray.shutdown()


def _reachable(address: str) -> None:
    """Try the address for some seconds: Ray by itself would for minutes.

    Raises:
        OSError: If nobody listens there.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


def _told(error: Exception) -> ModPluralError:
    """What a worker said of a mistake, found in what Ray put around it."""
    found = re.findall(r"ModPluralError: (.+)", str(error))
    return ModPluralError(found[-1] if found else f"--ray: a worker failed ({one_line(error)[:400]}).")
