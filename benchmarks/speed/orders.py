"""What several orders of the options cost, and what is saved by reading once what their prompts share."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.speed.findings import Finding
from benchmarks.speed.models import base_llm
from benchmarks.speed.prompts import Distributions, count_tokens
from benchmarks.speed.registry import Models
from benchmarks.speed.timing import take_turns


@dataclass(frozen=True)
class Sizes:
    """How much is scored: documents, orders of each, tokens of the longest message."""

    rounds: int = 3
    documents: int = 4
    orders: int = 4
    tokens: int = 40


QUICK = Sizes(rounds=1, documents=1, orders=2, tokens=3)


def measure(models: Models, sizes: Sizes) -> Finding:
    """Score the same documents in one order of their options and in several."""
    base = base_llm(models.base)
    with tempfile.TemporaryDirectory() as folder:
        one, several = (
            Distributions(base, models, Path(folder), documents=sizes.documents, tokens=sizes.tokens, orders=orders)
            for orders in (1, sizes.orders)
        )
        rounds = take_turns({"one order": one.score, "several orders": several.score}, sizes.rounds)
    counts = {
        name: {"prompts": len(asked.prompts), **asdict(count_tokens(base, asked.scored))}
        for name, asked in (("one order", one), ("several orders", several))
    }
    saved = 1 - counts["several orders"]["computed"] / counts["several orders"]["asked"]
    return Finding(
        title="Options in several orders",
        unit="prompts",
        rounds=rounds,
        pairs=[("several orders", "one order")],
        figures={"tokens": counts, "tokens_saved_by_sharing": saved},
        notes=[
            f"plural_permutations={sizes.orders} shows every question's options in {sizes.orders} orders; messages are "
            "stored, and the same for all orders.",
            "asked: tokens of all prompts one by one; computed: what prompts have in common from the start counts once",
        ],
    )
