"""Checks that every community answers, and that its adapter is in use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

from community_lms.engines import MessageEngine
from community_lms.engines.warning import EngineWarning
from community_lms.generation.ask import Asker
from community_lms.generation.probe import QUESTIONS, ask_further, probe, reply_problems
from community_lms.messages.message import Message, MessageRequest
from community_lms.messages.store import MessageStore
from community_lms.pools.served import SERVER
from community_lms.pools.spec import Community
from model_wrappers.doctor.base import Check, Finding, fault, note, ok, warning
from model_wrappers.doctor.servers import unreachable, without_patience
from model_wrappers.doctor.visit import Visit
from plural_tasks.utils.errors import ModPluralError

AREA = "communities"
NEW_TOKENS = 24
"""Tokens of an answer to a trial question at most."""

ASK_ALONE = "Try it alone: modplural pool check POOL --communities NAME."
TRAIN = (
    "Train it (modplural community train), or see that it was trained on this backbone; until then take it out of the "
    "pool (pool=POOL-NAME)."
)


@dataclass
class Trial:
    """Trial questions to a setup's communities, put to the engines themselves.

    Attributes:
        visit: The setup that is checked.
        engines: Engines made so far, by name.
        replies: Community -> its replies so far, to the first questions of `QUESTIONS`.
    """

    visit: Visit
    engines: dict[str, MessageEngine] = field(default_factory=dict)
    replies: dict[str, list[Message]] = field(default_factory=dict)

    def request(self, community: Community, question: str) -> MessageRequest:
        """Word a question for a community that is asked without retries."""
        engine = self.visit.settings.message_engine
        return probe(without_patience(community), engine, NEW_TOKENS, question=question)

    def ask(self, community: Community, question: str) -> Message:
        """Have a community answer a question.

        Raises:
            ModPluralError: If the community cannot be loaded or reached.
        """
        device = self.visit.config.device
        # Each question has a store of its own: the same weights under two names are asked twice.
        with closing(MessageStore(None)) as store:
            asker = Asker(
                store,
                batch_size=1,
                device=None if device is None else str(device),
                dtype=self.visit.settings.message_dtype,
                show_progress=False,
                engines=self.engines,
            )
            return asker.ask([self.request(community, question)])[0]

    def warnings(self) -> list[EngineWarning]:
        """Warnings of the engines so far."""
        return [warning for engine in self.engines.values() for warning in engine.warnings]

    def without_effect(self) -> set[str]:
        """Names of communities whose adapters were seen to change nothing."""
        return {each.community for each in self.warnings() if each.kind == "adapter_without_effect" and each.community}

    def close(self) -> None:
        """Free what the engines have loaded."""
        for engine in self.engines.values():
            engine.close()


def check_messages(visit: Visit) -> Iterator[Finding]:
    """Ask every community a question, and those that answer in the same words two more."""
    if visit.quick or not visit.asks_communities:
        why = "--quick" if visit.quick else f"{', '.join(visit.chosen)} asks no community"
        yield note("messages", f"not asked for: {why}")
        return
    with closing(Trial(visit)) as trial:
        for community in visit.pool.communities:
            if community.name in unreachable(visit):
                yield note(community.name, "not asked: its server was not reached")
            else:
                yield _first_reply(trial, community)
        problems = _reply_problems(trial)
    for problem in problems:
        yield warning("messages", problem, "See that every adapter is in use and was trained.")


def _first_reply(trial: Trial, community: Community) -> Finding:
    """Ask the first question, and judge the community by its reply and by the engine's new warnings."""
    known = set(trial.warnings())
    try:
        reply = trial.ask(community, QUESTIONS[0])
    except ModPluralError as error:
        return fault(community.name, str(error), ASK_ALONE)
    trial.replies[community.name] = [reply]
    new = " ".join(each.text for each in trial.warnings() if each not in known)
    if new and community.name in trial.without_effect():
        return fault(community.name, new, TRAIN)
    if new:
        served = trial.request(community, QUESTIONS[0]).engine == SERVER
        return warning(community.name, new, "Serve the adapter under that name." if served else ASK_ALONE)
    return ok(community.name, f"says {reply.text[:60]!r}")


def _reply_problems(trial: Trial) -> list[str]:
    """Sentences about equal and empty replies, but for communities whose adapters are known to change nothing."""
    by_name = {community.name: community for community in trial.visit.pool.communities}
    idle = trial.without_effect()
    replies = {name: messages for name, messages in trial.replies.items() if name not in idle}
    all_replies = ask_further(replies, lambda name, question: trial.ask(by_name[name], question))
    return reply_problems(trial.visit.pool, all_replies)


CHECKS = (Check(AREA, "messages", ASK_ALONE, check_messages),)
