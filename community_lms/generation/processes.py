"""The processes of one run (``accelerate launch``, ``torchrun``), and how they divide work among them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, TypeVar

Value = TypeVar("Value")


class Processes:
    """This process and those that were started with it; alone where nothing else was started."""

    @property
    def rank(self) -> int:
        """Number of this process, from 0."""
        distributed = _distributed()
        return int(distributed.get_rank()) if distributed else 0

    @property
    def size(self) -> int:
        """Number of processes."""
        distributed = _distributed()
        return int(distributed.get_world_size()) if distributed else 1

    def gather(self, value: Value) -> list[Value]:
        """Every process's value, by rank. All of them must call this; it waits for the slowest."""
        distributed = _distributed()
        if distributed is None:
            return [value]
        values: list[Value] = [value] * self.size
        distributed.all_gather_object(values, value)
        return values


def divide(wanted: Sequence[Sequence[str]]) -> list[set[str]]:
    """Give each key to one of those that want it, evenly, the same way in every process.

    Args:
        wanted: For each process the keys that it wants.

    Returns:
        For each process the keys that fall to it.
    """
    owners: dict[str, list[int]] = {}
    for rank, keys in enumerate(wanted):
        for key in dict.fromkeys(keys):
            owners.setdefault(key, []).append(rank)
    shares: list[set[str]] = [set() for _ in wanted]
    # Those that only one process wants first: they are not up for choice.
    for key in sorted(owners, key=lambda key: (len(owners[key]), key)):
        shares[min(owners[key], key=lambda rank: (len(shares[rank]), rank))].add(key)
    return shares


def _distributed() -> Any:
    """torch.distributed where it is in use; nothing is imported for this."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.distributed.is_available() or not torch.distributed.is_initialized():
        return None
    return torch.distributed
