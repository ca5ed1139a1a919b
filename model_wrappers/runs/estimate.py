"""What a run will ask, before it asks (``modplural estimate``): messages, prompts, tokens, memory, time, money.

Nothing is guessed where it can be counted: the methods themselves are run on the tasks' documents, with stored messages
where there are some, with placeholders of the greatest length where there are none, and with a base LLM that only notes
what it is asked. Time is measured on a few of the run's own messages and prompts, and only when asked for; the messages
are kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from community_lms.engines import batch_of
from community_lms.messages.message import MessageRequest
from community_lms.messages.store import MessageStore
from community_lms.pools.spec import Community, Pool
from community_lms.weights.embedded import EMBEDDED_READER, resolve_weights
from model_wrappers.arguments import OWN
from model_wrappers.base.llm import LOCAL, ask, build_base
from model_wrappers.collaboration.elicitation.auto import AUTO
from model_wrappers.collaboration.methods import METHODS
from model_wrappers.lm import open_store
from model_wrappers.runs.dry_run import asks_for_logprobs, calls_of, scores_apart, usual_elicitation, usual_selection
from model_wrappers.runs.harness import harness_config, plan_of, pool_settings
from model_wrappers.runs.plan import Plan
from plural_tasks.utils.errors import ModPluralError, one_line

CHARACTERS = 4
"""Of a token, where no tokenizer is at hand."""

MEASURED = 8
"""Prompts of each kind that the base LLM answers to measure its speed."""

Count = Callable[[str], int]
"""Text -> number of tokens."""


@dataclass
class Messages:
    """What one community is asked.

    Attributes:
        planned: Different messages that the run wants.
        stored: Of them in the store.
        prompt_tokens: Of those that are missing.
        new_tokens: At most, of those that are missing.
    """

    planned: int = 0
    stored: int = 0
    prompt_tokens: int = 0
    new_tokens: int = 0

    @property
    def missing(self) -> int:
        """Messages to ask for."""
        return self.planned - self.stored


@dataclass
class Prompts:
    """What one method asks the base LLM.

    Attributes:
        scored: Different prompts whose options are scored.
        generated: Texts to generate.
        read_tokens: Of all prompts.
        written_tokens: At most, of generated texts.
    """

    scored: int = 0
    generated: int = 0
    read_tokens: int = 0
    written_tokens: int = 0


@dataclass
class Speed:
    """Measured on this machine; None where nothing was measured or nothing is missing.

    Attributes:
        message_seconds: For each missing message.
        scored_seconds: For each prompt that is scored.
        generated_seconds: For each text that is generated.
    """

    message_seconds: float | None = None
    scored_seconds: float | None = None
    generated_seconds: float | None = None


@dataclass
class Estimate:
    """What a run will take.

    Attributes:
        messages: By community.
        prompts: By method, for one base LLM.
        bases: Base LLMs that it is done with.
        memory: What is loaded -> bytes of its files, None where they are not on this machine.
        exact: Whether tokens of the base LLM were counted by its tokenizer.
        speed: Measured seconds.
        route: How distributions are taken to be elicited.
        certain: Is that known, or up to what the server shows?
    """

    messages: dict[str, Messages]
    prompts: dict[str, Prompts]
    bases: list[str]
    memory: dict[str, int | None]
    exact: bool
    speed: Speed = field(default_factory=Speed)
    route: str = "logprob"
    certain: bool = True

    def seconds(self) -> float | None:
        """For messages and base LLMs together; None where a part was not measured."""
        missing = sum(each.missing for each in self.messages.values())
        scored, generated = (
            sum(getattr(each, name) for each in self.prompts.values()) for name in ("scored", "generated")
        )
        parts: list[tuple[int, float | None]] = [
            (missing, self.speed.message_seconds),
            (scored * len(self.bases), self.speed.scored_seconds),
            (generated * len(self.bases), self.speed.generated_seconds),
        ]
        if any(count and each is None for count, each in parts):
            return None
        return sum(count * (each or 0.0) for count, each in parts)

    def money(self, read: float, written: float) -> float:
        """Price of the base LLMs' tokens, at prices for a million of them; at most."""
        tokens = [(each.read_tokens, each.written_tokens) for each in self.prompts.values()]
        return len(self.bases) * sum(one * read + other * written for one, other in tokens) / 1e6


def estimate(arguments: Sequence[str], methods: Sequence[str], bases: Sequence[str], *, measure: bool) -> Estimate:
    """Count what `modplural eval` with these arguments would ask.

    Args:
        arguments: The harness's.
        methods: Of ``--methods``; with none the one of the model arguments.
        bases: Of ``--bases``; with none the one of the model arguments.
        measure: Ask a few messages, which are kept, and let the first base LLM answer a few prompts.

    Raises:
        ModPluralError: As `ModPluralLM` and `make_plan` raise.
    """
    config = harness_config(arguments)
    given = dict(config.model_args)
    first = {**given, **({"pretrained": bases[0]} if bases else {})}
    store = open_store(given.get("messages"))
    plan = plan_of(config, store)
    count, exact = _token_counter(base_weights(first))
    speed = Speed()
    messages = count_messages(plan, store)
    chosen = list(methods) or [str(given.get("method", "modplural"))]
    elicitation = usual_elicitation(given)
    own = {**pool_settings(config), "selection": usual_selection(given), **elicitation}
    asked = {method: calls_of(method, own, plan, store) for method in chosen}
    if measure:
        speed = _measure(plan, store, first, [call for calls in asked.values() for call in calls])
    return Estimate(
        messages=messages if any(METHODS[method].asks != "nobody" for method in chosen) else {},
        prompts={method: prompts_of(calls, count, apart=scores_apart(given)) for method, calls in asked.items()},
        bases=list(bases) or [str(given.get("pretrained") or given.get("model") or EMBEDDED_READER)],
        memory=sizes_of_weights(plan.session.pool, base_weights(first)),
        exact=exact,
        speed=speed,
        route=elicitation["elicitation"],
        certain=given.get("elicitation", AUTO) != AUTO or not asks_for_logprobs(given),
    )


def count_messages(plan: Plan, store: MessageStore) -> dict[str, Messages]:
    """What each community is asked, and how much of it is stored."""
    counted: dict[str, Messages] = {}
    for name, pairs in plan.by_community().items():
        unique = {request.key: request for _, request in pairs}
        stored = store.get(unique)
        missing = [request for key, request in unique.items() if key not in stored]
        count = _prompt_counter(missing[0].community) if missing else None
        counted[name] = Messages(
            planned=len(unique),
            stored=len(stored),
            prompt_tokens=sum(count(request) for request in missing) if count else 0,
            new_tokens=sum(request.decoding.max_new_tokens for request in missing),
        )
    return counted


def prompts_of(calls: Sequence[tuple[str, tuple[Any, ...]]], count: Count, *, apart: bool = False) -> Prompts:
    """Add up calls to a base LLM.

    Args:
        calls: Of `calls_of`.
        count: Text -> tokens.
        apart: Is every option a request of its own, with the whole prompt before it?
    """
    made = Prompts()
    scored = {str(arguments[0]) for kind, arguments in calls if kind == "loglikelihood"}
    made.scored = len(scored)
    made.read_tokens = sum(map(count, scored))
    if apart:
        pairs = {(str(given[0]), str(given[1])) for kind, given in calls if kind == "loglikelihood"}
        made.read_tokens = sum(count(prompt + option) for prompt, option in pairs)
    for kind, arguments in calls:
        if kind == "generate_until":
            made.generated += 1
            made.read_tokens += count(str(arguments[0]))
            made.written_tokens += int(arguments[1].get("max_gen_toks") or 256)
    return made


def base_weights(arguments: Mapping[str, Any]) -> str | None:
    """Where the base LLM's weights lie, or None for an API."""
    named = arguments.get("pretrained")
    if arguments.get("base", "hf") in LOCAL:
        return resolve_weights(str(named or EMBEDDED_READER))
    return str(named) if named and Path(str(named)).is_dir() else None


def _token_counter(path: str | None) -> tuple[Count, bool]:
    tokenizer = _tokenizer(path)
    if tokenizer is None:
        return lambda text: -(-len(text) // CHARACTERS), False
    return lambda text: len(tokenizer(text, add_special_tokens=False)["input_ids"]), True


def _tokenizer(path: str | None, revision: str | None = None) -> Any:
    """A tokenizer that is on this machine; nothing is downloaded for an estimate."""
    from transformers import AutoTokenizer

    if path is None:
        return None
    try:
        return AutoTokenizer.from_pretrained(path, revision=revision, local_files_only=True)
    except (OSError, ValueError, ImportError):
        return None


def _prompt_counter(community: Community) -> Callable[[MessageRequest], int]:
    from community_lms.engines.chat_text import render

    weights = community.checkpoint or community.backbone
    tokenizer = _tokenizer(resolve_weights(weights.path), weights.revision) if weights is not None else None
    if tokenizer is None:
        return lambda request: -(-request.length // CHARACTERS)
    return lambda request: len(tokenizer(render(tokenizer, request.turns), add_special_tokens=False)["input_ids"])


def sizes_of_weights(pool: Pool, base: str | None) -> dict[str, int | None]:
    """Bytes of weights: of each backbone, of all adapters together, of the base LLM; None where they are not here."""
    members = [member for member in pool.communities if member.server is None]
    backbones = {weights.path: weights for member in members if (weights := member.checkpoint or member.backbone)}
    found = {f"backbone {path}": _bytes(resolve_weights(path)) for path in backbones}
    adapters = [_bytes(member.adapter.path) for member in members if member.adapter is not None]
    if adapters:
        found["adapters"] = None if None in adapters else sum(size or 0 for size in adapters)
    return {**found, **({"base LLM": _bytes(base)} if base else {})}


def _bytes(path: str) -> int | None:
    folder = Path(path)
    if not folder.is_dir():
        from huggingface_hub import snapshot_download

        try:
            folder = Path(snapshot_download(path, local_files_only=True))
        except (OSError, ValueError):
            return None
    sizes = [file.stat().st_size for ending in ("*.safetensors", "*.bin") for file in folder.glob(ending)]
    return sum(sizes) or None


def _measure(
    plan: Plan, store: MessageStore, arguments: Mapping[str, Any], calls: Sequence[tuple[str, tuple[Any, ...]]]
) -> Speed:
    speed, asker = Speed(), plan.session.asker
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


def _seconds(base: Any, kind: str, arguments: Sequence[tuple[Any, ...]]) -> float:
    """For each of some prompts, spread over all; the first warms up."""
    from lm_eval.api.instance import Instance

    step = max(1, len(arguments) // MEASURED)
    sample = arguments[::step][:MEASURED]
    made = [Instance(request_type=kind, doc={}, arguments=given, idx=0) for given in (*sample[:1], *sample)]
    try:
        ask(base, kind, made[:1])
        start = time.perf_counter()
        ask(base, kind, made[1:])
        return (time.perf_counter() - start) / len(sample)
    except ModPluralError:
        raise
    except Exception as error:  # a backend raises whatever its library or server raises
        raise ModPluralError(
            f"the base LLM does not answer ({type(error).__name__}: {one_line(error)[:300]})."
        ) from error
