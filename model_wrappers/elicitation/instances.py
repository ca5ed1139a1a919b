"""Requests of our own for the base LLM."""

from __future__ import annotations

from typing import Any

from model_wrappers.elicitation.base import Job


def instance(job: Job, context: Any, second: Any, kind: str) -> Any:
    """A new request for the base LLM; the harness's own stays as it is, because its hash is taken after the call."""
    from lm_eval.api.instance import Instance

    return Instance(
        request_type=kind,
        doc={},  # gold must not travel
        arguments=(context, second),
        idx=job.request.idx,
        metadata=(job.query.task, job.query.doc_id, job.request.repeats),
    )
