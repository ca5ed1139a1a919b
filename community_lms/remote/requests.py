"""One answer that is wanted of a model behind an API, and how it is read out of a reply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from community_lms.remote.failures import UnusableAnswerError
from community_lms.remote.responses import first_tokens
from community_lms.remote.usage import Purpose
from plural_tasks.utils.errors import ModPluralError


@dataclass
class Question:
    """One answer that is wanted.

    Attributes:
        kind: ``text``, ``scores`` or ``first_tokens``.
        message: The prompt as the client takes it: text, tokens or a chat.
        settings: Of generation; None for scores.
        purpose: What for.
        context_tokens: Of scores: the length of what stands before the continuation.
        sample: Which of the answers that are drawn to it; ``3.1`` is the fourth of a second question that is equal.
        key: In the answer store.
        body: Of a request for it alone.
    """

    kind: str
    message: Any
    settings: Mapping[str, Any] | None
    purpose: Purpose
    context_tokens: int = 0
    sample: str = "0"
    key: str = ""
    body: dict[str, Any] = field(default_factory=dict)


def read_answers(reply: Any, request: Sequence[Question], client: Any) -> list[Any]:
    """Read the answers to some questions out of the reply to their request, as plain JSON.

    Raises:
        UnusableAnswerError: If they are not there.
        ModPluralError: If the server does something else than what was asked, and would again.
    """
    if request[0].kind == "first_tokens":
        return [first_tokens(reply)]
    try:
        if request[0].kind == "text":
            contexts = [question.message for question in request]
            values: list[Any] = list(client.parse_generations(outputs=reply, contexts=contexts))
        else:
            _check_echo(reply, request)
            tokens, lengths = [one.message for one in request], [one.context_tokens for one in request]
            values = [list(one) for one in client.parse_logprobs(outputs=reply, tokens=tokens, ctxlens=lengths)]
    except ModPluralError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, AssertionError) as error:
        raise UnusableAnswerError(f"the answer cannot be read ({type(error).__name__}: {error})") from error
    if len(values) != len(request):
        raise UnusableAnswerError(f"{len(request)} answers were asked for, and {len(values)} came")
    return values


def _check_echo(reply: Any, request: Sequence[Question]) -> None:
    """Check that the server returns the log-probabilities of the whole prompt, token by token as we count them.

    The harness would take a slice of what is there, and zero for what is not.

    Raises:
        ModPluralError: If it does not.
    """
    choices = reply.get("choices") if isinstance(reply, Mapping) else None
    if not isinstance(choices, list) or len(choices) != len(request):
        return  # other protocols, and what the parser will refuse
    for choice, question in zip(sorted(choices, key=lambda one: one.get("index", 0)), request, strict=True):
        shown = (choice.get("logprobs") or {}).get("token_logprobs")
        found, wanted = len(shown) if isinstance(shown, list) else 0, len(question.message)
        if found <= question.context_tokens + 1 and found < wanted:
            raise ModPluralError(
                f"the server returns {found} log-probabilities for a prompt of {wanted} tokens, expected one for each "
                "token (echo=true, logprobs=1). Take elicitation=sample, or a server that echoes prompts."
            )
        if found not in (wanted, wanted + 1):
            raise ModPluralError(
                f"the server counts {found - 1} tokens where the tokenizer of model_args counts {wanted}, so that "
                "log-probabilities would be read at the wrong places. Give the model's own tokenizer=… ."
            )
