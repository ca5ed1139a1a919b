"""``elicitation=auto``: what the base LLM can do decides."""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any

from community_lms.remote.client import speaks_chat
from model_wrappers.base.llm import BaseLLM
from model_wrappers.collaboration.elicitation.completions import tells_logprobs

AUTO = "auto"

_SCORED_MODELS = {"OpenAICompletionsAPI": ("babbage-002", "davinci-002")}
"""Backends that score for some models alone."""


def choose(base: BaseLLM) -> tuple[str, str]:
    """Return the name of the route that suits a base LLM, and why.

    Log-likelihoods where there are any; of chat completions the log-probabilities of the first token, where the server
    shows them (one short question finds out); else sampled answers.

    Raises:
        ModPluralError: If a server has to be asked and does not answer.
    """
    name = base.name
    if scores(base.kind, getattr(base.model, "model", None)):
        return "logprob", f"{name} gives log-likelihoods"
    if not speaks_chat(base.kind):
        return "sample", f"{name} gives no log-likelihoods"
    if tells_logprobs(base):
        return "logprob", "the server shows log-probabilities of chat completions"
    return "sample", "the server shows no log-probabilities of chat completions"


def scores(kind: type, model: object = None) -> bool:
    """Whether a backend gives log-likelihoods; one whose method does nothing but refuse gives none."""
    for ancestor in inspect.getmro(kind):
        if ancestor.__name__ in _SCORED_MODELS and model not in _SCORED_MODELS[ancestor.__name__]:
            return False
        if "loglikelihood" in vars(ancestor):
            return not _only_raises(vars(ancestor)["loglikelihood"])
    return False


def _only_raises(method: Any) -> bool:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(method)))
    except (OSError, TypeError, SyntaxError):  # no source: the first request will tell
        return False
    body = tree.body[0].body if isinstance(tree.body[0], ast.FunctionDef) else []
    steps = [step for step in body if not (isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant))]
    return bool(steps) and isinstance(steps[0], ast.Raise)
