"""Find out whether the server of a chat API shows log-probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from community_lms.remote.advice import RemoteError
from model_wrappers.base.chat import apply_template
from model_wrappers.base.llm import BaseLLM

TOP = 20
"""Most log-probabilities that the protocol gives for a token."""

TOP_LOGPROBS: Mapping[str, Any] = {
    "max_gen_toks": 1,
    "temperature": 1.0,  # some servers show log-probabilities after temperature
    "until": [],
    "logprobs": True,
    "top_logprobs": TOP,
}
"""Settings of a request for the first token's log-probabilities."""

_UNSUPPORTED = (400, 422, 501)


def tells_logprobs(base: BaseLLM) -> bool:
    """Whether the server shows log-probabilities, found out by a short question of its own.

    Raises:
        ModPluralError: If it does not answer at all.
    """
    from lm_eval.api.instance import Instance

    question = apply_template(base, [{"role": "user", "content": "Answer with one letter, A or B.\nAnswer:"}])
    asked = Instance(request_type="generate_until", doc={}, arguments=(question, dict(TOP_LOGPROBS)), idx=0)
    asked.purpose = {"phase": "what the server can do"}
    try:
        return base.client.first_tokens([asked]) != [None]
    except RemoteError as error:
        if error.status in _UNSUPPORTED:
            return False
        raise
