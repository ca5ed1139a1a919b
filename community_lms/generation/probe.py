"""The same questions to communities, to see that each speaks and that its adapter is in use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from community_lms.generation.request import message_request
from community_lms.messages.message import Message, MessageRequest
from community_lms.pools.spec import Community, Decoding, Pool

QUESTIONS = (
    "Should a town close its main street to cars?",
    "Whom would you ask for advice before a hard decision, and why?",
    "What should a school teach about the country's past?",
)
"""The first is put to everybody, the others only to communities that have answered alike so far."""

Replies = Mapping[str, Sequence[Message]]
"""Community -> its replies to the first questions of `QUESTIONS`."""


def probe(member: Community, engine: str, max_new_tokens: int = 40, *, question: str = QUESTIONS[0]) -> MessageRequest:
    """A question to a member, answered greedily; ``engine`` may be ``auto``."""
    decoding = Decoding(temperature=0.0, max_new_tokens=max_new_tokens)
    return message_request(member, question, engine=engine, decoding=decoding, seed=0)


def doubted(replies: Replies, ask: Callable[[str, str], Message]) -> dict[str, list[Message]]:
    """Put further questions to communities whose replies are the same: one question may get one reply from any two.

    Args:
        replies: Everybody's reply to the first question.
        ask: Puts a question to a community, of which it gets the name.

    Returns:
        All replies; communities whose replies differ are asked nothing more.
    """
    told = {name: list(said) for name, said in replies.items()}
    for question in QUESTIONS[1:]:
        counts = Counter(_texts(said) for said in told.values())
        for name in [name for name, said in told.items() if said[0].text and counts[_texts(said)] > 1]:
            told[name].append(ask(name, question))
    return told


def alike(pool: Pool, replies: Replies) -> list[str]:
    """Greedy replies that are empty, or equal to the letter for all questions: servers ignore adapters silently.

    Args:
        pool: Whose members were asked.
        replies: What `doubted` returns; members without replies are passed over.
    """
    seen: dict[tuple[str, ...], str] = {}
    found = []
    for name in pool.names:
        if name not in replies:
            continue
        texts = _texts(replies[name])
        if not texts[0]:
            found.append(f"community {name!r} said nothing.")
        elif texts in seen:
            found.append(
                f"communities {seen[texts]!r} and {name!r} give the same reply to {_questions(len(texts))}; "
                "is an adapter ignored?"
            )
        seen.setdefault(texts, name)
    return found


def _texts(said: Sequence[Message]) -> tuple[str, ...]:
    return tuple(message.text for message in said)


def _questions(count: int) -> str:
    return "one question" if count == 1 else f"each of {count} questions"
