"""The models that are measured, and what they are asked."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from benchmarks.speed.registry import Models
from community_lms.engines import make_engine
from community_lms.engines.base import MessageEngine
from community_lms.messages.message import MessageRequest
from community_lms.messages.store import MessageStore
from community_lms.weights.embedded import resolve_weights
from community_lms.weights.precision import cores, has_native_bfloat16
from model_wrappers.base.build import build_base
from model_wrappers.base.llm import BaseLLM
from model_wrappers.lm import ModPluralLM
from model_wrappers.runs.plan import make_plan
from model_wrappers.runs.tasks import load_tasks

logging.getLogger("lm_eval").setLevel(logging.ERROR)

LOW = has_native_bfloat16() and cores() > 1
"""Is bfloat16 the precision of everything but the published way?"""
DTYPE = "bfloat16" if LOW else "float32"


def message_requests(
    models: Models,
    tasks: Sequence[str],
    tokens: int,
    *,
    communities: str,
    limit: int | None = None,
    engine: str = "peft",
) -> list[MessageRequest]:
    """What a run on these tasks asks the communities, each request once; their key and decoding are a run's."""
    plan = make_plan(
        tasks,
        MessageStore(None),
        limit=limit,
        pool=models.pool,
        communities=communities,
        message_engine=engine,
        message_max_new_tokens=tokens,
    )
    return list({request.key: request for request in plan.requests()}.values())


def new_engine(name: str, batch: int) -> MessageEngine:
    """A message engine on the CPU."""
    return make_engine(name, batch_size=batch, device="cpu", dtype=DTYPE)


def base_llm(name: str, batch: int = 16) -> BaseLLM:
    """A base LLM that the harness holds, in `DTYPE`."""
    return build_base("hf", {"pretrained": name, "batch_size": batch, "device": "cpu", "dtype": DTYPE}, {})


def consulting(base: BaseLLM, models: Models, store: Path | str, tokens: int, **arguments: Any) -> ModPluralLM:
    """The model ``modplural`` over a base LLM that is loaded."""
    lm = ModPluralLM(
        base=base,
        pool=models.pool,
        communities=models.communities,
        messages=str(store),
        message_max_new_tokens=tokens,
        message_dtype=DTYPE,
        device="cpu",
        **arguments,
    )
    lm.session.communities.asker.show_progress = False
    return lm


def task_requests(task: str, lm: Any, documents: int, orders: int = 1) -> list[Any]:
    """The harness's requests for the first documents of a task, with the chat template."""
    loaded = load_tasks([task], metadata={"plural_permutations": orders})[task]
    loaded.build_all_requests(
        limit=documents,
        rank=0,
        world_size=1,
        apply_chat_template=True,
        fewshot_as_multiturn=True,
        chat_template=lm.apply_chat_template,
        tokenizer_name=lm.tokenizer_name,
    )
    return list(loaded.instances)


@dataclass(frozen=True)
class Call:
    """What the base LLM was asked at once.

    Attributes:
        step: ``choosing`` of a message, or ``answer``.
        kind: ``loglikelihood`` or ``generate_until``.
        instances: The harness's requests.
        answers: One for each.
    """

    step: str
    kind: str
    instances: list[Any]
    answers: list[Any]


CHOOSING = ("route", "select", "selection")
"""Phases of requests in which the base LLM picks from a list."""


@contextmanager
def overheard() -> Iterator[list[Call]]:
    """Within, every call of a base LLM is added to the list."""
    calls: list[Call] = []
    ask = BaseLLM.ask

    def listening(base: BaseLLM, kind: str, instances: Sequence[Any]) -> list[Any]:
        answers = ask(base, kind, instances)
        if instances:
            step = "choosing" if instances[0].purpose["phase"] in CHOOSING else "answer"
            calls.append(Call(step, kind, list(instances), answers))
        return answers

    with patch.object(BaseLLM, "ask", listening):
        yield calls


def whole_model(name: str) -> tuple[Any, Any]:
    """A model of transformers in float32, as the published code loads it, and its tokenizer."""
    path = resolve_weights(name)
    model: Any = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
    return model.eval(), AutoTokenizer.from_pretrained(path)
