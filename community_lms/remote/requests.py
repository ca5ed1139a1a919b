"""A prompt for a model behind an API, and how its answer is read out of a response."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from community_lms.remote.failures import UnusableAnswerError
from community_lms.remote.responses import first_tokens
from community_lms.remote.usage import Purpose
from plural_tasks.utils.errors import ModPluralError


@dataclass
class RemotePrompt:
    """A prompt that a model behind an API is to answer.

    Attributes:
        kind: Kind of the answer: ``text``, ``scores`` or ``first_tokens``.
        content: The prompt as the client takes it: text, tokens or a chat.
        settings: Settings of the generation; None for scores.
        purpose: Purpose of the answer.
        context_tokens: Number of tokens before the continuation that is scored; 0 for other kinds.
        sample: Number of the answer among those drawn for equal prompts; ``3.1`` is the fourth answer of the second
            prompt that is equal.
        key: Key in the answer store.
        body: Body of a request for this prompt alone.
    """

    kind: str
    content: Any
    settings: Mapping[str, Any] | None
    purpose: Purpose
    context_tokens: int = 0
    sample: str = "0"
    key: str = ""
    body: dict[str, Any] = field(default_factory=dict)


def read_answers(response: Any, prompts: Sequence[RemotePrompt], client: Any) -> list[Any]:
    """Read the answers to the prompts of one request out of its response, as plain JSON.

    Raises:
        UnusableAnswerError: If they are not there.
        ModPluralError: If the server does something else than what was asked, and would do so again.
    """
    if prompts[0].kind == "first_tokens":
        return [first_tokens(response)]
    try:
        contents = [prompt.content for prompt in prompts]
        if prompts[0].kind == "text":
            values: list[Any] = list(client.parse_generations(outputs=response, contexts=contents))
        else:
            _check_echo(response, prompts)
            lengths = [prompt.context_tokens for prompt in prompts]
            values = [list(one) for one in client.parse_logprobs(outputs=response, tokens=contents, ctxlens=lengths)]
    except ModPluralError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, AssertionError) as error:
        raise UnusableAnswerError(f"the answer cannot be read ({type(error).__name__}: {error})") from error
    if len(values) != len(prompts):
        raise UnusableAnswerError(f"{len(prompts)} answers were asked for, and {len(values)} came")
    return values


def _check_echo(response: Any, prompts: Sequence[RemotePrompt]) -> None:
    """Check that the server returns the log-probabilities of the whole prompt, with the tokens that were sent.

    The harness's parser would take a slice of what is there, and zero for what is not.

    Raises:
        ModPluralError: If it does not.
    """
    choices = response.get("choices") if isinstance(response, Mapping) else None
    if not isinstance(choices, list) or len(choices) != len(prompts):
        return  # other protocols, and what the parser will refuse
    for choice, prompt in zip(sorted(choices, key=lambda one: one.get("index", 0)), prompts, strict=True):
        shown = (choice.get("logprobs") or {}).get("token_logprobs")
        found, wanted = len(shown) if isinstance(shown, list) else 0, len(prompt.content)
        if found <= prompt.context_tokens + 1 and found < wanted:
            raise ModPluralError(
                f"the server returns {found} log-probabilities for a prompt of {wanted} tokens, expected one for each "
                "token (echo=true, logprobs=1). Take elicitation=sample, or a server that echoes prompts."
            )
        if found not in (wanted, wanted + 1):
            raise ModPluralError(
                f"the server counts {found - 1} tokens where the tokenizer of model_args counts {wanted}, so that "
                "log-probabilities would be read at the wrong places. Give the model's own tokenizer=… ."
            )
