"""Pools that grow: seconds for each community, and memory."""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.speed.child import run_child
from benchmarks.speed.copies import copy_pool
from benchmarks.speed.findings import Claim, Finding
from benchmarks.speed.models import message_requests, new_engine
from benchmarks.speed.registry import Models
from benchmarks.speed.timing import Round, timed
from community_lms.engines import local_engine
from community_lms.engines.lora_matrices import read_matrices
from community_lms.generation.ask import Asker
from community_lms.messages.store import MessageStore

TASK = "plural_embedded_overton"


@dataclass(frozen=True)
class Sizes:
    """Communities of each pool, and messages that each of them is asked for."""

    rounds: int = 2
    small: int = 6
    middle: int = 12
    large: int = 24
    messages: int = 12
    tokens: int = 24

    @property
    def pools(self) -> tuple[int, int, int]:
        """All three."""
        return self.small, self.middle, self.large


QUICK = Sizes(rounds=1, small=1, middle=2, large=3, messages=2, tokens=3)


def measure(models: Models, sizes: Sizes) -> Finding:
    """Ask pools of copied adapters, each in a process of its own."""
    found: dict[int, list[dict[str, float]]] = {size: [] for size in sizes.pools}
    with tempfile.TemporaryDirectory() as folder:
        # One community more in each pool: the warm-up asks it, so that no adapter of the others has been read.
        pools = {size: str(copy_pool(models, Path(folder) / str(size), size + 1)) for size in sizes.pools}
        for _ in range(sizes.rounds):
            for size, pool in pools.items():
                arguments = {"pool": pool, "messages": sizes.messages, "tokens": sizes.tokens}
                found[size].append(run_child("benchmarks.speed.growth:ask_pool", **arguments))
    return _finding(found, sizes)


def ask_pool(pool: str, messages: int, tokens: int) -> dict[str, float]:
    """Ask all communities but the first, which is asked before to warm up; in a new process.

    Returns:
        ``seconds`` and ``communities``; ``resident`` bytes at the most, and ``adapter`` bytes of one adapter's matrices
        in float32.
    """
    names = _names(pool)
    asked = Models(pool=pool, communities="+".join(names))
    requests = message_requests(asked, [TASK], tokens, communities=asked.communities, limit=messages)
    name = local_engine()
    asker = Asker(
        MessageStore(None), batch_size=messages, show_progress=False, engines={"peft": new_engine(name, messages)}
    )
    asker.ask([request for request in requests if request.community.name == names[0]])
    rest = [request for request in requests if request.community.name != names[0]]
    turn = timed(lambda: len(asker.ask(rest)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    adapter = requests[0].community.adapter
    assert adapter is not None
    size = sum(a.nbytes + b.nbytes for a, b in read_matrices(adapter).values())
    return {"seconds": turn.seconds, "communities": len(names) - 1, "resident": peak, "adapter": size}


def _names(pool: str) -> Sequence[str]:
    from community_lms.pools.pool import load_pool

    return load_pool(pool).names


def apart(small: Mapping[str, float], large: Mapping[str, float]) -> float:
    """How much longer a community of the large pool takes than one of the small pool, as a share."""
    return large["seconds"] / large["communities"] / (small["seconds"] / small["communities"]) - 1


def memory_growth(small: Mapping[str, float], large: Mapping[str, float]) -> float:
    """Bytes that each further community adds, in adapters."""
    return (large["resident"] - small["resident"]) / (large["communities"] - small["communities"]) / small["adapter"]


def _finding(found: Mapping[int, Sequence[Mapping[str, float]]], sizes: Sizes) -> Finding:
    small = found[sizes.small]
    differences = [
        statistics.median(apart(one, other) for one, other in zip(small, found[size], strict=True))
        for size in (sizes.middle, sizes.large)
    ]
    grown = statistics.median(memory_growth(one, other) for one, other in zip(small, found[sizes.large], strict=True))
    return Finding(
        title="Pools that grow",
        unit="communities",
        rounds={
            f"{size} communities": [Round(one["seconds"], one["communities"]) for one in turns]
            for size, turns in found.items()
        },
        figures={
            "resident_bytes": {
                size: statistics.median(one["resident"] for one in turns) for size, turns in found.items()
            },
            "adapter_bytes": small[0]["adapter"],
        },
        claims=[
            Claim(
                "a community's time in a larger pool, apart from the smallest",
                _largest(differences),
                10,
                "at most",
                "%",
            ),
            Claim("memory that a further community takes", grown, 1.25, "at most", "adapters"),
        ],
        notes=_NOTES,
    )


def _largest(shares: Sequence[float]) -> float:
    return 100 * max(map(abs, shares))


_NOTES = (
    "Copies of the pool's adapters, one tensor of each scaled by a factor of its own so that no two are equal.",
    "Every pool is asked in a process of its own; rounds alternate. Left out: the start, the backbone, tracing, "
    "compiling, and a further community that warms up. Reading the adapters is part of the time.",
    "Memory is the process's peak; an adapter's size is that of its matrices in float32. A quarter more is allowed for "
    "what the requests, messages and the allocator take.",
)
