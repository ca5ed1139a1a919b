"""Where the time of a message goes: reading prompts and decoding steps, by operator, and how far from the limit."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from transformers import AutoConfig

from benchmarks.speed.findings import Finding
from benchmarks.speed.graph import Graph
from benchmarks.speed.messages import TASKS
from benchmarks.speed.models import LOW, message_requests
from benchmarks.speed.rates import Shape, measured_rates, reading_seconds, step_seconds
from benchmarks.speed.registry import Models
from benchmarks.speed.shares import top
from benchmarks.speed.timing import Round, timed
from community_lms.weights.embedded import resolve_weights


@dataclass(frozen=True)
class Sizes:
    """Messages at once, and decoding steps of a round."""

    rounds: int = 3
    messages: int = 64
    steps: int = 8


QUICK = Sizes(rounds=1, messages=2, steps=2)


def measure(models: Models, sizes: Sizes) -> Finding:
    """Time both without OpenVINO's counters, and count operators on another graph with them."""
    requests = message_requests(models, TASKS, 48, communities=models.first)[: sizes.messages]
    graph, counted = Graph(requests), Graph(requests, counted=True)
    rounds: dict[str, list[Round]] = {"reading prompts": [], "decoding step": []}
    for turn in range(sizes.rounds + 1):
        read = timed(lambda: _run(lambda: graph.read(sizes.steps), 1))
        steps = timed(lambda: _run(graph.step, sizes.steps))
        if turn:
            rounds["reading prompts"].append(read)
            rounds["decoding step"].append(steps)
    return Finding(
        title="What a message's time is made of",
        unit="calls",
        rounds=rounds,
        figures={"limits": _limits(graph, rounds, sizes.steps), **_operators(counted, sizes.steps)},
        notes=[
            f"The graph alone, {len(requests)} texts at once. One call reads all prompts; one call is a decoding step.",
            "Operators by OpenVINO's own counters, in a graph of its own that counts: shares of what was counted, in "
            "the last call that reads prompts, and over the decoding steps. MatMul are the adapters' products.",
        ],
    )


def _run(call: Callable[[], None], times: int) -> float:
    for _ in range(times):
        call()
    return times


def _limits(graph: Graph, rounds: dict[str, list[Round]], steps: int) -> dict[str, Any]:
    """Seconds of a call, the least that arithmetic and memory allow, and its share."""
    shape = Shape.of(AutoConfig.from_pretrained(resolve_weights(graph.backbone)), low=LOW)
    rates = measured_rates(low=LOW)
    prompts = [len(tokens) for tokens in graph.tokens]
    middle = [length + steps // 2 for length in prompts]
    least = {
        "reading prompts": reading_seconds(shape, rates, sum(prompts), len(prompts)),
        "decoding step": step_seconds(shape, rates, middle),
    }
    found: dict[str, Any] = {"rates": asdict(rates)}
    for name, seconds in least.items():
        taken = statistics.median(1 / one.rate for one in rounds[name])
        found[name] = {"seconds": taken, "limit": seconds, "share": seconds / taken}
    return found


def _operators(graph: Graph, steps: int) -> dict[str, list[dict[str, Any]]]:
    for _ in range(2):  # the first warms up
        graph.read(steps)
    reading, decoding = graph.operators(), Counter[str]()
    for _ in range(steps):
        graph.step()
        decoding.update(graph.operators())
    return {"operators_reading": top(reading), "operators_decoding": top(decoding)}
