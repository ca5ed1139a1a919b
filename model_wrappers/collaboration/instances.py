"""Requests of our own for the base LLM."""

from __future__ import annotations

from typing import Any

from model_wrappers.collaboration.query import Query


def instance(
    query: Query,
    kind: str,
    context: Any,
    second: Any,
    *,
    phase: str = "",
    community: str = "",
    sample: int = 0,
    idx: int = 0,
    repeats: int = 1,
) -> Any:
    """A new request for the base LLM; the harness's own stays as it is, because its hash is taken after the call.

    Args:
        query: The document that it is asked for; of it only task and number travel, and no gold.
        kind: ``loglikelihood`` or ``generate_until``.
        context: The prompt.
        second: A continuation, or settings of generation.
        phase: What it is for, in the ledger of models behind APIs; "" for what is usual for its kind.
        community: The community whose message the prompt holds; "" for none.
        sample: Seed that tells apart several answers that are drawn to one prompt.
        idx: Place among the document's requests.
        repeats: How often the harness asks for it.
    """
    from lm_eval.api.instance import Instance

    made = Instance(
        request_type=kind,
        doc={},
        arguments=(context, second),
        idx=idx,
        metadata=(query.task, query.doc_id, repeats),
    )
    made.purpose = {"phase": phase, "community": community, "sample": sample}
    return made
