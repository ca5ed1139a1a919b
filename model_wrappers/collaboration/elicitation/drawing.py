"""Draw answers from the base LLM, each with a seed of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from model_wrappers.base.llm import BaseLLM
from model_wrappers.collaboration.elicitation.base import Job
from model_wrappers.collaboration.session import Session

TOKENS = 32
"""Longest answer: a label, an option's text, or a short sentence with one of them."""

_UNTOUCHED: dict[str, Any] = {"do_sample": True, "temperature": 1.0, "until": [], "max_gen_toks": TOKENS}


@dataclass(frozen=True)
class Draw:
    """One answer to draw: to which prompt, which of its answers, and the seed of its random numbers."""

    job: Job
    number: int
    seed: int


def seed_of(job: Job, part: int | str, session: Session) -> int:
    """A seed for each run's seed, document, order of its options, prompt and sample; in 0..2^31-1."""
    query = job.query
    return session.rng(query, f"elicitation {query.order} {job.place} {part}").getrandbits(31)


def write(draws: Sequence[Draw], base: BaseLLM) -> list[str]:
    """Draw answers at temperature 1 from the whole vocabulary, in order.

    Raises:
        ModPluralError: If the base LLM does not answer.
    """
    able = base.abilities
    if able.draws_itself:
        settings = [{**_UNTOUCHED, **({"seed": draw.seed} if able.takes_seeds else {})} for draw in draws]
        return _ask(draws, base, settings)
    return _locally(draws, base, {"top_k": 0, "top_p": 1.0} if able.library == "transformers" else {})


def _locally(draws: Sequence[Draw], base: BaseLLM, more: dict[str, Any]) -> list[str]:
    """A model in this process draws from torch's generator: a document's prompts share a batch and its seed.

    So an answer depends on the document and the number of the sample alone, and not on what else is asked.
    """
    groups: dict[tuple[int, int], list[int]] = {}
    for place, draw in enumerate(draws):
        groups.setdefault((id(draw.job.query), draw.number), []).append(place)
    said: dict[int, str] = {}
    for places in groups.values():
        batch = [draws[place] for place in places]
        with _seeded(batch[0].seed):
            said.update(zip(places, _ask(batch, base, [{**_UNTOUCHED, **more}] * len(batch)), strict=True))
    return [said[place] for place in range(len(draws))]


def _ask(draws: Sequence[Draw], base: BaseLLM, settings: Sequence[dict[str, Any]]) -> list[str]:
    asked = [
        draw.job.instance("generate_until", draw.job.weighted.context, dict(own), "sampled answers", draw.seed)
        for draw, own in zip(draws, settings, strict=True)
    ]
    return [str(reply or "") for reply in base.write(asked)]


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Within, torch's generators begin with ``seed``; behind, they go on as if nothing had been drawn."""
    if "torch" not in sys.modules:
        yield
        return
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield
