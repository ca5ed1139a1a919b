"""Estimate of a run before it is made (``modplural estimate``): messages, prompts, tokens, memory, time, money.

Nothing is guessed where it can be counted: the methods themselves are run on the tasks' documents, with stored messages
where there are some, with placeholders of the greatest length where there are none, and with a base LLM that only notes
what it is asked. Time is measured on a few of the run's own messages and prompts, and only when asked for; the messages
are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from community_lms.weights.embedded import EMBEDDED_READER
from model_wrappers.collaboration.elicitation.auto import AUTO
from model_wrappers.collaboration.methods import METHODS
from model_wrappers.collaboration.setup import open_store
from model_wrappers.runs.counting import MessageCounts, PromptCounts, count_messages, prompts_of, token_counter
from model_wrappers.runs.dry_run import asks_for_logprobs, calls_of, scores_apart, usual_elicitation, usual_selection
from model_wrappers.runs.harness import harness_config, plan_of, pool_settings
from model_wrappers.runs.speed import Speed, measure_speed
from model_wrappers.runs.weights import base_weights, sizes_of_weights


@dataclass
class RunEstimate:
    """Messages, prompts, memory and time that a run will take.

    Attributes:
        messages: Community -> the messages that it is asked for; empty where the methods ask nobody.
        prompts: Method -> the prompts that one base LLM answers.
        bases: Base LLMs of the run; each of them answers all prompts.
        memory: Name of some weights -> bytes of their files; None where they are not on this machine.
        exact: Whether tokens of the base LLM were counted by its tokenizer.
        speed: Measured seconds.
        route: The way of eliciting distributions that was assumed: ``logprob``, ``sample`` or ``verbalised``.
        certain: Whether that way is known; it is not where it depends on what the server shows.
    """

    messages: dict[str, MessageCounts]
    prompts: dict[str, PromptCounts]
    bases: list[str]
    memory: dict[str, int | None]
    exact: bool
    speed: Speed = field(default_factory=Speed)
    route: str = "logprob"
    certain: bool = True

    def seconds(self) -> float | None:
        """Seconds of all messages and all base LLMs together; None where a part was not measured."""
        missing = sum(each.missing for each in self.messages.values())
        scored, generated = (
            sum(getattr(each, name) for each in self.prompts.values()) for name in ("scored", "generated")
        )
        parts: list[tuple[int, float | None]] = [
            (missing, self.speed.message_seconds),
            (scored * len(self.bases), self.speed.scored_seconds),
            (generated * len(self.bases), self.speed.generated_seconds),
        ]
        if any(count and each is None for count, each in parts):
            return None
        return sum(count * (each or 0.0) for count, each in parts)

    def money(self, read: float, written: float) -> float:
        """Upper bound of the price of the base LLMs' tokens.

        Args:
            read: Price of a million tokens of prompts.
            written: Price of a million tokens of answers.
        """
        tokens = [(each.read_tokens, each.written_tokens) for each in self.prompts.values()]
        return len(self.bases) * sum(one * read + other * written for one, other in tokens) / 1e6


def estimate(arguments: Sequence[str], methods: Sequence[str], bases: Sequence[str], *, measure: bool) -> RunEstimate:
    """Count what `modplural eval` with these arguments would ask.

    Args:
        arguments: Arguments of lm_eval.
        methods: Names given by ``--methods``; with none the method of the model arguments counts.
        bases: Names given by ``--bases``; with none the base LLM of the model arguments counts.
        measure: Whether to ask a few messages, which are kept, and to let the first base LLM answer a few prompts.

    Raises:
        ModPluralError: As `ModPluralLM` and `make_plan` raise.
    """
    config = harness_config(arguments)
    given = dict(config.model_args)
    first = {**given, **({"pretrained": bases[0]} if bases else {})}
    store = open_store(given.get("messages"))
    plan = plan_of(config, store)
    count, exact = token_counter(base_weights(first))
    speed = Speed()
    messages = count_messages(plan, store)
    chosen = list(methods) or [str(given.get("method", "modplural"))]
    elicitation = usual_elicitation(given)
    own = {**pool_settings(config), "selection": usual_selection(given), **elicitation}
    asked = {method: calls_of(method, own, plan, store) for method in chosen}
    if measure:
        speed = measure_speed(plan, store, first, [call for calls in asked.values() for call in calls])
    return RunEstimate(
        messages=messages if any(METHODS[method].asks != "nobody" for method in chosen) else {},
        prompts={method: prompts_of(calls, count, apart=scores_apart(given)) for method, calls in asked.items()},
        bases=list(bases) or [str(given.get("pretrained") or given.get("model") or EMBEDDED_READER)],
        memory=sizes_of_weights(plan.communities.pool, base_weights(first)),
        exact=exact,
        speed=speed,
        route=elicitation["elicitation"],
        certain=given.get("elicitation", AUTO) != AUTO or not asks_for_logprobs(given),
    )
