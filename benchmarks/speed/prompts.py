"""What the base LLM scores in the distributional mode, and how many tokens that is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.speed.models import consulting, overheard, task_requests
from benchmarks.speed.registry import Models
from model_wrappers.base.llm import BaseLLM
from model_wrappers.base.scorer import Scorer

TASK = "plural_surveys_distributional"


class Distributions:
    """Documents of `TASK` whose messages are stored: what ``ModPluralLM.loglikelihood`` is given, and makes of it.

    Attributes:
        lm: The model ``modplural``.
        requests: The harness's.
        scored: The base LLM's requests that come of them.
        prompts: Their different prompts.
    """

    def __init__(
        self, base: BaseLLM, models: Models, folder: Path, *, documents: int, tokens: int, orders: int = 1
    ) -> None:
        """Ask the communities, once."""
        self.lm = consulting(base, models, folder / "messages.sqlite", tokens)
        self.requests = task_requests(TASK, self.lm, documents, orders)
        with overheard() as calls:
            self.lm.loglikelihood(self.requests)
        self.scored: list[Any] = [instance for call in calls for instance in call.instances]
        self.prompts = list(dict.fromkeys(str(instance.args[0]) for instance in self.scored))
        self._asked = self.lm.session.communities.asker.counts.generated

    def score(self) -> float:
        """Score all requests; return the number of prompts.

        Raises:
            RuntimeError: If a community was asked.
        """
        self.lm.loglikelihood(self.requests)
        if self.lm.session.communities.asker.counts.generated != self._asked:
            raise RuntimeError("a message was not in the store")
        return len(self.prompts)

    def scored_of(self, count: int) -> list[Any]:
        """The base LLM's requests for the first prompts."""
        wanted = set(self.prompts[:count])
        return [instance for instance in self.scored if str(instance.args[0]) in wanted]


@dataclass(frozen=True)
class Tokens:
    """Of some prompts with their continuations.

    Attributes:
        asked: Of all different sequences that the model has to read, each by itself.
        computed: When what they have in common from the start is read once; no padding.
    """

    asked: int
    computed: int


def count_tokens(base: BaseLLM, scored: Sequence[Any]) -> Tokens:
    """Count as `model_wrappers.base.scorer` lays them out."""
    scorer = Scorer(base.model)
    pairs = scorer.encode([instance.args for instance in scored])
    sequences = sorted({(context + continuation)[:-1] for context, continuation in pairs})
    return Tokens(sum(map(len, sequences)), sum(len(row.tokens) for row in scorer.lay_out(sequences)))


@contextmanager
def tokens_through(model: Any) -> Iterator[list[int]]:
    """Within, the tokens of each call of the model, padding included."""
    seen: list[int] = []

    def note(_: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        seen.append((named["input_ids"] if "input_ids" in named else arguments[0]).numel())

    handle = model.register_forward_pre_hook(note, with_kwargs=True)
    try:
        yield seen
    finally:
        handle.remove()
