"""How fast a community speaks: the published way, both engines of local weights, and the engine without modplural."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from transformers import AutoConfig

from benchmarks.speed import published
from benchmarks.speed.findings import Claim, Finding
from benchmarks.speed.graph import Graph
from benchmarks.speed.models import LOW, message_requests, new_engine
from benchmarks.speed.rates import Shape, measured_rates, message_seconds
from benchmarks.speed.registry import Models
from benchmarks.speed.timing import Way, median_rate, ratio, take_turns
from community_lms.generation.ask import Asker
from community_lms.messages.message import MessageRequest
from community_lms.messages.store import MessageStore
from community_lms.weights.embedded import resolve_weights

TASKS = ("plural_surveys_distributional", "plural_embedded_overton")


@dataclass(frozen=True)
class Sizes:
    """How much is said: messages of each way in a round, and tokens of the longest."""

    rounds: int = 4
    messages: int = 64
    by_peft: int = 32
    by_published: int = 4
    tokens: int = 48


QUICK = Sizes(rounds=1, messages=3, by_peft=2, by_published=1, tokens=3)


def measure(models: Models, sizes: Sizes) -> Finding:
    """Measure all ways."""
    requests = message_requests(models, TASKS, sizes.tokens, communities=models.first)[: sizes.messages]
    speaker, graph, said = published.Speaker(requests[0]), Graph(requests), list[list[int]]()

    def bare() -> float:
        said[:] = graph.speak()
        return sum(map(len, said))

    ways: dict[str, Way] = {
        "published": lambda: speaker.speak(requests[: sizes.by_published]),
        "peft": asking("peft", requests[: sizes.by_peft], 16),
        "openvino": asking("openvino", requests, len(requests)),
        "bare openvino": bare,
    }
    rounds = take_turns(ways, sizes.rounds)
    pairs = [("openvino", "published"), ("peft", "published"), ("openvino", "bare openvino")]
    return Finding(
        title="Messages of one community",
        unit="tokens",
        rounds=rounds,
        pairs=pairs,
        figures=limits(graph, said, median_rate(rounds["openvino"])),
        claims=[
            Claim("messages, times the published way", ratio(rounds["openvino"], rounds["published"]), 25),
            Claim("messages, share of the bare engine", ratio(rounds["openvino"], rounds["bare openvino"]), 0.9),
        ],
        notes=[
            "Tokens generated a second; the time to read the prompts is part of it.",
            f"published: float32, transformers, one prompt at a time, {sizes.by_published} messages a round.",
            "peft, openvino: through Asker, with keys and a new store in memory every round.",
            "bare openvino: the compiled graph with rendered prompts, without store, requests and keys.",
            "Loading, tracing and compiling are left out.",
        ],
    )


def asking(name: str, requests: Sequence[MessageRequest], batch: int) -> Way:
    """As a run asks: every turn into a new store; returns tokens."""
    made = new_engine(name, batch)

    def run() -> float:
        store = MessageStore(None)
        asker = Asker(store, batch_size=batch, show_progress=False, engines={requests[0].engine: made})
        asker.ask(requests)
        store.close()
        return asker.counts.tokens

    return run


def limits(graph: Graph, said: Sequence[Sequence[int]], rate: float) -> dict[str, Any]:
    """What arithmetic and memory allow for these prompts and messages, and the share of it that ``rate`` is."""
    shape = Shape.of(AutoConfig.from_pretrained(resolve_weights(graph.backbone)), low=LOW)
    rates = measured_rates(low=LOW)
    prompts, lengths = [len(tokens) for tokens in graph.tokens], [len(tokens) for tokens in said]
    best = sum(lengths) / message_seconds(shape, rates, prompts, lengths)
    return {
        "prompt_tokens": statistics.mean(prompts),
        "message_tokens": statistics.mean(lengths),
        "rates": asdict(rates),
        "limit_per_second": best,
        "share_of_limit": rate / best,
    }
