"""How long the published way would take for what an evaluation asked: a few prompts of each kind, scaled by counts."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.speed.models import Call
from benchmarks.speed.published import SELECTION, Reader, Speaker
from community_lms.messages.message import MessageRequest

NOTES = (
    "published, scaled: seconds for a few messages and prompts of each kind (the same every round; float32, one at a "
    "time) times how many there were, and the judge's seconds as measured with modplural.",
    "Of messages each different one counts once, although the published way has no store and would ask for equal ones "
    "again (messages_without_a_store).",
    f"A message is selected, and a steerable question answered, in up to {SELECTION} tokens; a distribution is read "
    "for each document and message; Overton answers have as many tokens as ours on average.",
)


@dataclass(frozen=True)
class Asked:
    """What an evaluation asked.

    Attributes:
        messages: That communities were asked for.
        selection: Different prompts for the selection of a message.
        steerable: Different prompts for steerable answers.
        distributional: Different prompts for distributions.
        overton: Prompts for Overton answers.
        answer_tokens: Of an Overton answer, on average.
    """

    messages: int = 0
    selection: list[str] = field(default_factory=list)
    steerable: list[str] = field(default_factory=list)
    distributional: list[str] = field(default_factory=list)
    overton: list[str] = field(default_factory=list)
    answer_tokens: float = 0.0

    def counts(self) -> dict[str, float]:
        """How many of each kind."""
        return {name: len(value) if isinstance(value, list) else value for name, value in vars(self).items()}


def asked_of(calls: Sequence[Call], messages: int, count: Callable[[str], int]) -> Asked:
    """Read it off the base LLM's calls; ``count`` is the number of tokens of a text."""
    kinds: dict[str, list[str]] = {name: [] for name in ("selection", "steerable", "distributional", "overton")}
    lengths = []
    for call in calls:
        for instance in call.instances:
            task = str(instance.metadata[0])
            kind = "selection" if call.step == "choosing" else next(name for name in kinds if name in task)
            kinds[kind].append(str(instance.args[0]))
        if call.kind == "generate_until" and call.step == "answer":
            lengths += [count(str(text)) for text in call.answers]
    unique = {name: list(dict.fromkeys(prompts)) for name, prompts in kinds.items()}
    return Asked(messages, **unique, answer_tokens=statistics.mean(lengths) if lengths else 0.0)


class Published:
    """The published way on a few messages and prompts of each kind."""

    def __init__(self, base: str, requests: Sequence[MessageRequest]) -> None:
        """Load a community and the base LLM; ``requests`` are the messages that are asked for."""
        self.requests = list(requests)
        self.speaker, self.reader = Speaker(requests[0]), Reader(base)

    def seconds(self, asked: Asked) -> dict[str, float]:
        """Seconds for all that was asked, by kind."""
        few, reader = len(self.requests), self.reader
        tokens = max(1, round(asked.answer_tokens))
        return {
            "messages": asked.messages * _each(lambda: self.speaker.speak(self.requests), few),
            "selection": _scaled(asked.selection, few, lambda prompts: reader.write(prompts, SELECTION)),
            "steerable answers": _scaled(asked.steerable, few, lambda prompts: reader.write(prompts, SELECTION)),
            "distributions": _scaled(asked.distributional, few, reader.score),
            "generation": _scaled(asked.overton, few, lambda prompts: reader.write(prompts, tokens, all_of_them=True)),
        }


def _scaled(prompts: Sequence[str], few: int, run: Callable[[Sequence[str]], int]) -> float:
    """Seconds for all prompts, measured on a few."""
    return len(prompts) * _each(lambda: run(prompts[:few]), min(few, len(prompts))) if prompts else 0.0


def _each(run: Callable[[], int], count: int) -> float:
    since = time.perf_counter()
    run()
    return (time.perf_counter() - since) / count
