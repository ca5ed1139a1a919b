"""Messages over a local Ray cluster: two workers of one thread against one."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.speed.findings import Claim, Finding
from benchmarks.speed.models import message_requests
from benchmarks.speed.registry import Models
from benchmarks.speed.timing import Round, ratio
from community_lms.engines import local_engine
from community_lms.generation import over_ray
from community_lms.generation.ask import Asker
from community_lms.generation.over_ray import MessageWorker, ask_over_ray
from community_lms.generation.ray_cluster import Cluster
from community_lms.messages.message import MessageRequest
from community_lms.messages.store import MessageStore, StoredMessage

TASK = "plural_embedded_overton"
FOLDER, WORKERS = "MODPLURAL_SPEED_FOLDER", "MODPLURAL_SPEED_WORKERS"
PATIENCE = 120.0
"""Seconds that a worker waits for the others."""


@dataclass(frozen=True)
class Sizes:
    """Messages of a round, those of a block, tokens of the longest."""

    rounds: int = 2
    messages: int = 48
    block: int = 8
    tokens: int = 24


QUICK = Sizes(rounds=1, messages=4, block=1, tokens=3)


class Starting(MessageWorker):
    """A worker that gets ready at its first block, and waits for the others before it goes on."""

    _ready = False

    def _generate(self, requests: Sequence[MessageRequest]) -> Any:
        if not self._ready:
            super()._generate(requests[:1])  # loads the engine
            self._ready = True
            _wait_for_all(Path(os.environ[FOLDER]), int(os.environ[WORKERS]))
        return super()._generate(requests)


def _wait_for_all(folder: Path, workers: int) -> None:
    """Leave the time at which the last worker was ready in the folder.

    Raises:
        TimeoutError: If the others do not come.
    """
    (folder / f"{os.getpid()}.ready").touch()
    since = time.monotonic()
    while len(list(folder.glob("*.ready"))) < workers:
        if time.monotonic() - since > PATIENCE:
            raise TimeoutError(f"{workers} workers were wanted, {len(list(folder.glob('*.ready')))} came")
        time.sleep(0.01)
    (folder / f"{os.getpid()}.started").write_text(repr(time.time()), encoding="utf-8")


class Timed(Asker):
    """Knows when the last message was kept."""

    kept_at = 0.0

    def keep(self, rows: Sequence[StoredMessage]) -> None:
        """See `Asker.keep`."""
        super().keep(rows)
        self.kept_at = time.time()


def measure(models: Models, sizes: Sizes) -> Finding:
    """Ask by turns with one worker and with two."""
    engine = local_engine()
    requests = message_requests(models, [TASK], sizes.tokens, communities=models.first, engine=engine)[: sizes.messages]
    rounds: dict[str, list[Round]] = {"one worker": [], "two workers": []}
    for _ in range(sizes.rounds):
        for workers, name in enumerate(rounds, start=1):
            rounds[name].append(_asked_by(workers, requests, sizes.block))
    return Finding(
        title="Messages over a Ray cluster",
        unit="messages",
        rounds=rounds,
        pairs=[("two workers", "one worker")],
        claims=[Claim("two workers, times one", ratio(rounds["two workers"], rounds["one worker"]), 1.6)],
        notes=[
            f"A local cluster of two cores. Every worker has one core, one thread and an engine {engine}, in float32: "
            "openvino takes two threads for bfloat16.",
            "From when the last worker has its engine loaded and has said one message, to when the last message is in "
            "the store: the cluster's start, the workers' and what they load are left out, blocks' way is not.",
            "No round to warm up: every round has new workers, which warm up themselves.",
        ],
    )


def _asked_by(workers: int, requests: Sequence[MessageRequest], block: int) -> Round:
    """Ask with so many workers, on a cluster of two cores that is started for it."""
    import ray

    asker = Timed(MessageStore(None), batch_size=block, device="cpu", dtype="float32", show_progress=False)
    with tempfile.TemporaryDirectory() as folder:
        environment = {FOLDER: folder, WORKERS: str(workers)}
        ray.init(
            num_cpus=2,
            include_dashboard=False,
            logging_level="warning",
            log_to_driver=False,
            runtime_env={"env_vars": environment},
        )
        try:
            with patch.object(over_ray, "MessageWorker", Starting):
                ask_over_ray(asker, requests, Cluster(workers=workers, cpus=1))
        finally:
            ray.shutdown()
        started = max(float(path.read_text(encoding="utf-8")) for path in Path(folder).glob("*.started"))
    return Round(asker.kept_at - started, asker.counts.generated)
