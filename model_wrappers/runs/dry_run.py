"""Requests of a run to its base LLM, found by running the methods on one that only notes what it is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from community_lms.engines import ENGINES
from community_lms.generation.ask import Asker
from community_lms.messages.message import Message, MessageRequest
from community_lms.messages.store import MessageStore, StoredMessage
from community_lms.remote.abilities import abilities_of
from model_wrappers.base.account import PAYING
from model_wrappers.base.build import SCRIPTED, backend_class
from model_wrappers.base.scripted import ScriptedLM
from model_wrappers.collaboration.elicitation.auto import AUTO
from model_wrappers.collaboration.selection import Selection, selection_of
from model_wrappers.lm import ModPluralLM
from model_wrappers.runs.plan import Plan


def usual_selection(arguments: Mapping[str, Any]) -> Selection:
    """The way in which the run's base LLM will pick a message or a community: ``score`` or ``generate``."""
    base = str(arguments.get("base", "hf"))
    return selection_of(ScriptedLM if base == SCRIPTED else backend_class(base), arguments.get("selection", "auto"))


def usual_elicitation(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Model arguments by which distributions will be elicited, with all the answers that may be drawn.

    Whether a server shows log-probabilities is known only when it is asked; it is taken to.
    """
    choice, base = arguments.get("elicitation", AUTO), str(arguments.get("base", "hf"))
    if choice == AUTO and base != SCRIPTED:
        able = abilities_of(backend_class(base))
        asked = able.scores_model(arguments.get("model")) or able.openai_chat
        choice = "logprob" if asked else "sample"
    return {"elicitation": choice, "elicitation_error": None}


def scores_apart(arguments: Mapping[str, Any]) -> bool:
    """Whether every option is a request of its own, with the whole prompt before it, as with completions of an API."""
    base = str(arguments.get("base", "hf"))
    if base == SCRIPTED:
        return False
    able = abilities_of(backend_class(base))
    return able.is_api and able.scores_model(arguments.get("model"))


def asks_for_logprobs(arguments: Mapping[str, Any]) -> bool:
    """Whether only the server can say if it shows log-probabilities of chats."""
    base = str(arguments.get("base", "hf"))
    if base == SCRIPTED:
        return False
    able = abilities_of(backend_class(base))
    return able.openai_chat and not able.scores


class _Placeholders:
    """Engine whose messages are as long as they may get."""

    name = "placeholders"
    batch_size = 1 << 20

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def speak(self, requests: Sequence[MessageRequest]) -> list[Message]:
        # The name keeps apart prompts that differ by the community alone.
        return [
            Message(request.community.name, request.community.name + " and" * request.decoding.max_new_tokens)
            for request in requests
        ]

    def close(self) -> None:
        """Nothing to free."""


def calls_of(method: str, own: Mapping[str, Any], plan: Plan, store: MessageStore) -> list[tuple[str, tuple[Any, ...]]]:
    """Kind and arguments of every request that a method makes to the base LLM."""
    base = ScriptedLM()
    given = {name: value for name, value in own.items() if value is not None and name not in PAYING}  # nobody is asked
    model = ModPluralLM(base=base, method=method, messages="none", answers="none", **given)
    memory = MessageStore(None)
    requests = {request.key: request for request in plan.requests()}
    memory.put(StoredMessage.of(requests[key], message) for key, message in store.get(requests).items())
    engines: dict[str, Any] = dict.fromkeys(ENGINES, _Placeholders())
    model.session.communities.asker = Asker(memory, batch_size=1 << 20, show_progress=False, engines=engines)
    for kind in ("loglikelihood", "generate_until", "loglikelihood_rolling"):
        found = [one for task in plan.tasks for one in task.instances if one.request_type == kind]
        if found:
            getattr(model, kind)(found)
    memory.close()
    return base.calls
