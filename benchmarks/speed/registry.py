"""The comparisons, in the order in which they run."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

COMPARISONS: dict[str, str] = {
    name: f"benchmarks.speed.{name}"
    for name in (
        *("messages", "scoring", "orders", "whole", "growth", "second_base", "over_ray"),
        *("message_store", "start_up", "decoding_profile", "scoring_profile"),
    )
}
"""Name -> module with ``Sizes`` (a frozen dataclass), ``QUICK`` (the smallest of it) and ``measure``."""

SIX = "liberal+moderate+conservative+devout+secular+black_americans"


@dataclass(frozen=True)
class Models:
    """Which models are measured.

    Attributes:
        base: The base LLM: an embedded model, or a folder.
        second_base: Another one.
        pool: A preset or a file; all members are adapters of one backbone.
        communities: Those of them who are asked, joined by ``+``.
    """

    base: str = "embedded_reader"
    second_base: str = "embedded"
    pool: str = "embedded"
    communities: str = SIX

    @property
    def first(self) -> str:
        """The community that is asked where one is enough."""
        return self.communities.split("+")[0]


def measure(name: str, models: Mapping[str, str], quick: bool) -> dict[str, Any]:
    """Measure one comparison in this process.

    Args:
        name: In `COMPARISONS`.
        models: Fields of `Models`.
        quick: Take the smallest sizes: everything is done, nothing is meant by the figures.

    Returns:
        The comparison's entry in the results file: `Finding.as_json` with its sizes, threads and seconds.
    """
    import torch

    module = import_module(COMPARISONS[name])
    sizes = module.QUICK if quick else module.Sizes()
    since = time.perf_counter()
    finding = module.measure(Models(**models), sizes)
    return {
        **finding.as_json(),
        "settings": dataclasses.asdict(sizes),
        "threads": torch.get_num_threads(),
        "seconds_in_all": time.perf_counter() - since,
    }
