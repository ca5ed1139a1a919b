"""Records of a corpus, cleaned by the workers of a Ray cluster: texts are cleaned anywhere, order and figures stay."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from community_lms.generation.ray_cluster import Cluster, connected
from community_lms.training.cleaning import Cleaning
from community_lms.training.corpus import Record, cleaned
from plural_tasks.utils.errors import ModPluralError, one_line

BLOCK = 2000
"""Records of a block: tens of milliseconds of work, so that sending it costs little beside."""
AHEAD = 2
"""Blocks for each worker that are under way; the source is read on when one has come back."""
TRIES = 3
"""How often Ray gives a block to another worker when one dies."""


def cleaned_over_ray(records: Iterable[Record], cleaning: Cleaning, cluster: Cluster) -> Iterator[Record]:
    """Yield what `community_lms.training.corpus.cleaned` yields, in the same order.

    Raises:
        ModPluralError: If Ray is not installed, the cluster cannot be reached, or a block fails for good.
    """
    with connected(cluster) as ray:
        workers = cluster.workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        task = ray.remote(num_cpus=cluster.cpus or 1, max_retries=TRIES)(clean_block)
        waiting: deque[Any] = deque()
        for block in _blocks(records):
            waiting.append(task.remote(block, cleaning))
            if len(waiting) >= AHEAD * workers:
                yield from _result(ray, waiting.popleft())
        while waiting:
            yield from _result(ray, waiting.popleft())


def clean_block(block: list[Record], cleaning: Cleaning) -> list[Record]:
    """Clean one block of records; the work of a worker."""
    return list(cleaned(block, cleaning))


def _blocks(records: Iterable[Record]) -> Iterator[list[Record]]:
    left = iter(records)
    while block := list(islice(left, BLOCK)):
        yield block


def _result(ray: Any, reference: Any) -> list[Record]:
    try:
        found: list[Record] = ray.get(reference)
    except ray.exceptions.RayError as error:
        raise ModPluralError(f"--ray: a block of records could not be cleaned ({one_line(error)[:300]}).") from error
    return found
