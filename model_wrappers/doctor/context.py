"""The longest prompts of a run against what the base LLM reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from community_lms.remote.abilities import abilities_of
from model_wrappers.doctor.base import Finding, fault, note, ok
from model_wrappers.doctor.visit import Calls, Visit

NAME = "longest prompt"
CANDIDATES = 16
"""Number of the prompts with most characters whose tokens are counted."""

WRITTEN = 256
"""Tokens that the harness lets a base LLM write where a task does not say."""


def longest_prompts(visit: Visit, model: Any, put: Callable[[str], Any]) -> Iterator[Finding]:
    """Compare each method's longest prompt, with what is written or scored after it, with the model's context.

    Args:
        visit: Setup with the prompts of each method; messages that are not stored yet count as long as they may get.
        model: Model of the harness, the base LLM.
        put: Text -> the prompt that the run would make of it.
    """
    count = _counter(model)
    limit = _limit(model)
    for method, calls in visit.calls.items():
        longest = max((_tokens(call, count, put) for call in _candidates(calls)), default=0)
        name = f"{NAME} of {method}"
        few = " without few-shot examples" if visit.config.num_fewshot else ""
        if count is None or limit is None:
            longest = max((len(str(given[0])) for _, given in calls), default=0)
            yield note(name, f"{longest:,} characters{few}; what the base LLM reads is not known here")
        elif longest > limit:
            yield fault(name, f"{longest:,} tokens{few}, and the base LLM reads {limit:,}: it would be cut", _advice())
        else:
            yield ok(name, f"{longest:,} tokens{few}, and the base LLM reads {limit:,}")


def _advice() -> str:
    return (
        "Take a base LLM with a longer context, fewer communities (communities=A+B), shorter messages "
        "(message_max_new_tokens=…), or --gen_kwargs max_gen_toks=…."
    )


def _candidates(calls: Calls) -> list[tuple[str, tuple[Any, ...]]]:
    """The requests of each kind whose prompts have most characters."""
    found = []
    for kind in ("loglikelihood", "generate_until"):
        mine = sorted((call for call in calls if call[0] == kind), key=lambda call: -len(str(call[1][0])))
        found += mine[:CANDIDATES]
    return found


def _tokens(call: tuple[str, tuple[Any, ...]], count: Callable[[str], int] | None, put: Callable[[str], Any]) -> int:
    if count is None:
        return 0
    kind, given = call
    read = count(str(put(str(given[0]))))
    if kind == "loglikelihood":
        return read + count(str(given[1]))
    settings = given[1] if isinstance(given[1], dict) else {}
    return read + int(settings.get("max_gen_toks") or WRITTEN)


def _counter(model: Any) -> Callable[[str], int] | None:
    """Text -> tokens; None where the base LLM's tokenizer is not here."""
    if getattr(model, "tokenizer", None) is None or not hasattr(model, "tok_encode"):
        return None
    return lambda text: len(model.tok_encode(text))


def _limit(model: Any) -> int | None:
    """Tokens that the base LLM reads and writes together; of an API only where it cuts prompts itself."""
    length = getattr(model, "max_length", None)
    if not isinstance(length, int) or (
        abilities_of(type(model)).is_api and not getattr(model, "tokenized_requests", False)
    ):
        return None
    return length
