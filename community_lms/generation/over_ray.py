"""Messages asked for by workers of a Ray cluster, with Ray Data; the store of this process takes them block by block.

A block is a batch, as a run without Ray would form it. Every worker holds one engine. Ray restarts a
worker that dies and gives its block to another: what is lost is at most that block, and random numbers belong to
messages, so that the result is the same. What came in is in the store: an interrupted run goes on.
"""

from __future__ import annotations

import logging
import pickle
import re
from collections.abc import Generator, Sequence
from contextlib import closing
from typing import Any

from community_lms.engines import make_engine
from community_lms.engines.base import PartialBatchError
from community_lms.engines.warning import EngineWarning
from community_lms.generation.ask import PHASE, Asker, batches
from community_lms.generation.ray_cluster import Cluster, connected
from community_lms.messages.message import MessageRequest
from community_lms.messages.store import StoredMessage
from plural_tasks.utils.errors import ModPluralError, one_line
from plural_tasks.utils.progress import bar, tell_speed

BlockResult = tuple[list[StoredMessage], list[EngineWarning], str]
"""Result of one block: its rows, the engine's new warnings, and the error that kept messages out ("" for none)."""


class MessageWorker:
    """A worker of the cluster, which generates the messages of its blocks."""

    def __init__(self, *, threads: int, device: str | None, dtype: str, warn_level: int) -> None:
        """Nothing is loaded before the first block."""
        import torch

        torch.set_num_threads(threads)
        logging.basicConfig(level=warn_level)
        self._options = {"device": device, "dtype": dtype}
        self._engines: dict[str, Any] = {}

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Generate the messages of pickled blocks; return pickled results."""
        results = [self._generate(pickle.loads(block)) for block in batch["requests"]]
        return {"results": [pickle.dumps(one) for one in results]}

    def _generate(self, requests: Sequence[MessageRequest]) -> BlockResult:
        name = requests[0].engine
        if name not in self._engines:
            self._engines[name] = make_engine(name, batch_size=len(requests), **self._options)
        engine = self._engines[name]
        known, problem = len(engine.warnings), ""
        try:
            messages = engine.speak(requests)
            said = {request.key: message for request, message in zip(requests, messages, strict=True)}
        except ModPluralError as error:
            said, problem = error.answers if isinstance(error, PartialBatchError) else {}, str(error)
        rows = [StoredMessage.of(request, said[request.key]) for request in requests if request.key in said]
        return rows, engine.warnings[known:], problem


def ask_over_ray(asker: Asker, requests: Sequence[MessageRequest], cluster: Cluster) -> None:
    """Get all messages into the asker's store; those that are there are not asked again.

    Raises:
        ModPluralError: If Ray is not installed, the cluster cannot be reached, a community cannot be asked, or there is
            a budget, which workers would not share.
    """
    if asker.account is not None and asker.account.ledger.budget.limits:
        raise ModPluralError("a budget is kept in one process; leave --ray out, servers are asked many at once anyway.")
    unique = {request.key: request for request in requests}
    found = asker.store.get(unique)
    asker.count(unique, found)
    missing = [request for key, request in unique.items() if key not in found]
    if not missing:
        return
    blocks = list(batches(missing, asker.size_of))
    with connected(cluster) as ray:
        progress = bar(PHASE, len(unique), " messages", shown=asker.show_progress, done=len(found))
        try:
            with progress, closing(_stream(ray, blocks, cluster, asker)) as stream:
                for rows, warnings, problem in stream:
                    asker.keep(rows)
                    asker.warn([unique[row.key] for row in rows], warnings)
                    if problem:
                        raise ModPluralError(problem)
                    progress.update(len(rows))
                    tell_speed(progress, asker.counts.tokens)
        except ModPluralError:
            raise
        except Exception as error:  # Ray wraps what a worker raised, and raises much of its own
            raise _worker_error(error) from error


def _stream(
    ray: Any, blocks: Sequence[Sequence[MessageRequest]], cluster: Cluster, asker: Asker
) -> Generator[BlockResult]:
    resources = ray.cluster_resources()
    gpus = int(resources.get("GPU", 0))
    workers = min(cluster.workers or gpus or 2, len(blocks))
    cpus = cluster.cpus or max(1, int(resources.get("CPU", 1)) // workers)
    items = [{"requests": pickle.dumps(list(block))} for block in blocks]
    settings = {"threads": int(cpus), "device": asker.device, "dtype": asker.dtype, "warn_level": logging.WARNING}
    results = ray.data.from_items(items, override_num_blocks=len(items)).map_batches(
        MessageWorker,
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=2),
        fn_constructor_kwargs=settings,
        num_cpus=cpus,
        num_gpus=1 if gpus else 0,
    )
    for batch in results.iter_batches(batch_size=None, batch_format="numpy", prefetch_batches=0):
        for one in batch["results"]:
            yield pickle.loads(one)


def _worker_error(error: Exception) -> ModPluralError:
    """The error that a worker raised, taken out of Ray's wrapping."""
    found = re.findall(r"ModPluralError: (.+)", str(error))
    return ModPluralError(found[-1] if found else f"--ray: a worker failed ({one_line(error)[:400]}).")
