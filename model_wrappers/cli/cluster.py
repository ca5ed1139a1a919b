"""The options of commands that may work on a Ray cluster."""

from __future__ import annotations

from community_lms.generation.ray_cluster import Cluster
from plural_tasks.utils.errors import ModPluralError


def cluster_of(ray: str | None, workers: int | None) -> Cluster | None:
    """The cluster that ``--ray`` and ``--workers`` name; None to work in this process.

    Raises:
        ModPluralError: If workers are given without a cluster.
    """
    if workers is not None and ray is None:
        raise ModPluralError("--workers goes with --ray.")
    return None if ray is None else Cluster(ray, workers)
