"""Seconds that messages and prompts of a run take on this machine, measured on a few of its own."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from community_lms.engines import batch_of
from community_lms.messages.store import MessageStore
from model_wrappers.arguments import OWN
from model_wrappers.base.build import build_base
from model_wrappers.base.llm import BaseLLM
from model_wrappers.runs.plan import Plan
from plural_tasks.utils.errors import ModPluralError, one_line

MEASURED = 8
"""Prompts of each kind that the base LLM answers to measure its speed."""


@dataclass
class Speed:
    """Seconds on this machine; None where nothing was measured or nothing is missing.

    Attributes:
        message_seconds: Seconds for each missing message.
        scored_seconds: Seconds for each prompt that is scored.
        generated_seconds: Seconds for each text that is generated.
    """

    message_seconds: float | None = None
    scored_seconds: float | None = None
    generated_seconds: float | None = None


def measure_speed(
    plan: Plan, store: MessageStore, arguments: Mapping[str, Any], calls: Sequence[tuple[str, tuple[Any, ...]]]
) -> Speed:
    """Ask a few of a plan's missing messages, which are kept, and let the base LLM answer a few prompts of each kind.

    Args:
        plan: Messages that the run wants.
        store: Store in which messages are looked up.
        arguments: Model arguments of the run; they name the base LLM.
        calls: Kind and arguments of every request to the base LLM.

    Raises:
        ModPluralError: If the base LLM cannot be built or does not answer.
    """
    speed, asker = Speed(), plan.communities.asker
    unique = {request.key: request for request in plan.requests()}
    stored = store.get(unique)
    missing = [request for key, request in unique.items() if key not in stored]
    if missing:
        asker.ask(missing[:1])  # loads the engine
        shared = [batch_of(one.engine, one.community) for one in missing]
        batch = [one for one, mates in zip(missing[1:], shared[1:], strict=True) if mates == shared[0]]
        batch = batch[: asker.size_of(missing[0].engine)] or missing[:1]
        start = time.perf_counter()
        asker.ask(batch)
        speed.message_seconds = (time.perf_counter() - start) / len(batch)
        for engine in asker.engines.values():
            engine.close()
    rest = {name: value for name, value in arguments.items() if name not in OWN}
    base = build_base(str(arguments.get("base", "hf")), rest, arguments.get("base_args") or {})
    for kind, name in (("loglikelihood", "scored_seconds"), ("generate_until", "generated_seconds")):
        chosen = {str(given[0]): given for called, given in calls if called == kind}
        if chosen:
            setattr(speed, name, _seconds(base, kind, [*chosen.values()]))
    return speed


def _seconds(base: BaseLLM, kind: str, arguments: Sequence[tuple[Any, ...]]) -> float:
    """Seconds for each of some prompts, spread over all; the first one is asked once more beforehand, to warm up."""
    from lm_eval.api.instance import Instance

    step = max(1, len(arguments) // MEASURED)
    sample = arguments[::step][:MEASURED]
    made = [Instance(request_type=kind, doc={}, arguments=given, idx=0) for given in (*sample[:1], *sample)]
    try:
        base.ask(kind, made[:1])
        start = time.perf_counter()
        base.ask(kind, made[1:])
        return (time.perf_counter() - start) / len(sample)
    except ModPluralError:
        raise
    except Exception as error:  # a backend raises whatever its library or server raises
        raise ModPluralError(
            f"the base LLM does not answer ({type(error).__name__}: {one_line(error)[:300]})."
        ) from error
