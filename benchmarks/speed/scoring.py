"""How fast distributions are read off a base LLM: the published way, the harness, modplural, and the bare model."""

from __future__ import annotations

import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.speed import published
from benchmarks.speed.findings import Claim, Finding
from benchmarks.speed.models import DTYPE, LOW, base_llm
from benchmarks.speed.prompts import Distributions, Tokens, count_tokens, tokens_through
from benchmarks.speed.rates import Shape, measured_rates, reading_seconds
from benchmarks.speed.registry import Models
from benchmarks.speed.timing import Way, median_rate, ratio, take_turns
from model_wrappers.base.llm import BaseLLM

ROWS = (4, 8, 16, 32)
"""Batches that the bare model is tried with."""


@dataclass(frozen=True)
class Sizes:
    """How much is scored: documents, prompts of the slower ways in a round, tokens of the longest message."""

    rounds: int = 3
    documents: int = 16
    by_harness: int = 32
    by_published: int = 6
    tokens: int = 40


QUICK = Sizes(rounds=1, documents=2, by_harness=2, by_published=1, tokens=3)


def measure(models: Models, sizes: Sizes) -> Finding:
    """Measure all ways; a prompt is a document with one community's message."""
    base, reader = base_llm(models.base), published.Reader(models.base)
    with tempfile.TemporaryDirectory() as folder:
        asked = Distributions(base, models, Path(folder), documents=sizes.documents, tokens=sizes.tokens)
        harness = asked.scored_of(sizes.by_harness)
        tokens = count_tokens(base, asked.scored)
        length = tokens.asked / len(asked.prompts)
        rows = best_rows(base.model.model, round(length))
        ways: dict[str, Way] = {
            "published": lambda: reader.score(asked.prompts[: sizes.by_published]),
            "harness": lambda: _by_harness(base, harness),
            "modplural": asked.score,
            "bare model": lambda: read(base.model.model, rows, round(length), tokens.asked) / length,
        }
        rounds = take_turns(ways, sizes.rounds)
        with tokens_through(base.model.model) as through:
            asked.score()
    faster = ("published", "harness", "bare model")
    found = _figures(base, tokens, len(asked.prompts), sum(through), median_rate(rounds["modplural"]))
    to_bare = ratio(rounds["modplural"], rounds["bare model"])
    computed = to_bare * tokens.computed / tokens.asked
    return Finding(
        title="Scoring a distribution with every community's message",
        unit="prompts",
        rounds=rounds,
        pairs=[("modplural", other) for other in faster],
        figures={**found, "bare_model_rows": rows, "share_of_bare_model": computed},
        claims=[
            Claim("scoring, times the published way", ratio(rounds["modplural"], rounds["published"]), 20),
            Claim("scoring, share of the bare model", computed, 0.7),
        ],
        notes=[
            "Prompts a second; the messages were made before, no community is asked.",
            f"published: float32; {published.THROWN_AWAY} tokens generated and thrown away, then a forward pass, one "
            f"prompt at a time, {sizes.by_published} prompts a round.",
            f"harness: HFLM.loglikelihood in {DTYPE} in batches of 16, the first {sizes.by_harness} prompts.",
            f"modplural: ModPluralLM.loglikelihood in {DTYPE}, with store, prompts and mixing.",
            f"bare model: random tokens in full batches of {rows} rows, no scores kept but the last; as many tokens as "
            "the prompts have one by one.",
            "Share of the bare model: tokens that modplural computes (what prompts share counts once, padding not at "
            "all) a second, over tokens that the bare model computes a second. Sharing earns nothing in it.",
        ],
    )


def _by_harness(base: BaseLLM, scored: list[Any]) -> float:
    base.model.loglikelihood(scored, disable_tqdm=True)
    return len({str(instance.args[0]) for instance in scored})


def read(model: Any, rows: int, length: int, tokens: int) -> float:
    """Push at least so many random tokens through the model in full batches; return how many they were."""
    batches = -(-tokens // (rows * length))
    batch = torch.randint(3, model.config.vocab_size, (rows, length))
    with torch.inference_mode():
        for _ in range(batches):
            model(input_ids=batch, logits_to_keep=1, use_cache=False)
    return batches * rows * length


def best_rows(model: Any, length: int) -> int:
    """Rows of the batch with which the bare model is fastest; each is tried twice."""
    speeds = {}
    for rows in ROWS:
        read(model, rows, length, 1)
        since = time.perf_counter()
        speeds[rows] = read(model, rows, length, 1) / (time.perf_counter() - since)
    return max(speeds, key=lambda rows: speeds[rows])


def _figures(base: BaseLLM, tokens: Tokens, prompts: int, through: int, rate: float) -> dict[str, Any]:
    rates = measured_rates(low=LOW)
    best = prompts / reading_seconds(Shape.of(base.model.model.config, low=LOW), rates, tokens.computed, prompts)
    return {
        "prompts": prompts,
        "tokens": {**asdict(tokens), "computed_with_padding": through},
        "rates": asdict(rates),
        "limit_per_second": best,
        "share_of_limit": rate / best,
    }
