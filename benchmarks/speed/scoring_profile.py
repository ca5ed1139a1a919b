"""Where the time of scoring goes, by operator of torch."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from torch.profiler import ProfilerActivity, profile

from benchmarks.speed.findings import Finding
from benchmarks.speed.models import base_llm
from benchmarks.speed.prompts import Distributions
from benchmarks.speed.registry import Models
from benchmarks.speed.shares import top
from benchmarks.speed.timing import take_turns


@dataclass(frozen=True)
class Sizes:
    """Documents that are scored, tokens of the longest message."""

    rounds: int = 2
    documents: int = 8
    tokens: int = 40


QUICK = Sizes(rounds=1, documents=1, tokens=3)


def measure(models: Models, sizes: Sizes) -> Finding:
    """Score documents without the profiler, then once with it."""
    base = base_llm(models.base)
    with tempfile.TemporaryDirectory() as folder:
        asked = Distributions(base, models, Path(folder), documents=sizes.documents, tokens=sizes.tokens)
        rounds = take_turns({"modplural": asked.score}, sizes.rounds)
        with profile(activities=[ProfilerActivity.CPU]) as found:
            asked.score()
    seconds = {row.key: row.self_cpu_time_total / 1e6 for row in found.key_averages()}
    return Finding(
        title="What a distribution's time is made of",
        unit="prompts",
        rounds=rounds,
        figures={"operators": top(seconds), "profiled_seconds": sum(seconds.values())},
        notes=[
            "ModPluralLM.loglikelihood with stored messages; each operator's own time by torch.profiler, as a share of "
            "what it saw. Python between operators is not in it.",
        ],
    )
