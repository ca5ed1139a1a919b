"""``elicitation=auto``: what the base LLM can do decides."""

from __future__ import annotations

from model_wrappers.base.llm import BaseLLM
from model_wrappers.collaboration.elicitation.completions import tells_logprobs

AUTO = "auto"


def choose(base: BaseLLM) -> tuple[str, str]:
    """Return the name of the route that suits a base LLM, and why.

    Log-likelihoods where there are any; of chat completions the log-probabilities of the first token, where the server
    shows them (one short question finds out); else sampled answers.

    Raises:
        ModPluralError: If a server has to be asked and does not answer.
    """
    name, able = base.name, base.abilities
    if able.scores_model(getattr(base.model, "model", None)):
        return "logprob", f"{name} gives log-likelihoods"
    if not able.openai_chat:
        return "sample", f"{name} gives no log-likelihoods"
    if tells_logprobs(base):
        return "logprob", "the server shows log-probabilities of chat completions"
    return "sample", "the server shows no log-probabilities of chat completions"
