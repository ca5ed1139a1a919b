"""Trial questions to communities, which show that each answers and that its adapter is in use."""

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
"""The first is put to everybody, the others only to communities whose replies have been equal so far."""

Replies = Mapping[str, Sequence[Message]]
"""Community -> its replies to the first questions of `QUESTIONS`."""


def probe(member: Community, engine: str, max_new_tokens: int = 40, *, question: str = QUESTIONS[0]) -> MessageRequest:
    """Request a greedy answer to a trial question.

    Args:
        member: The community that is asked.
        engine: Name of a message engine, or ``auto``.
        max_new_tokens: Tokens of the answer at most.
        question: What the community is asked.
    """
    decoding = Decoding(temperature=0.0, max_new_tokens=max_new_tokens)
    return message_request(member, question, engine=engine, decoding=decoding, seed=0)


def ask_further(replies: Replies, ask: Callable[[str, str], Message]) -> dict[str, list[Message]]:
    """Put further questions to communities whose replies are equal: any two may answer one question in the same words.

    Args:
        replies: Everybody's reply to the first question.
        ask: Puts a question to a community; takes the community's name and the question.

    Returns:
        All replies; communities whose replies differ are asked nothing more.
    """
    all_replies = {name: list(messages) for name, messages in replies.items()}
    for question in QUESTIONS[1:]:
        counts = Counter(_texts(messages) for messages in all_replies.values())
        equal = [name for name, said in all_replies.items() if said[0].text and counts[_texts(said)] > 1]
        for name in equal:
            all_replies[name].append(ask(name, question))
    return all_replies


def reply_problems(pool: Pool, replies: Replies) -> list[str]:
    """Find empty replies, and communities with the same replies to all questions: servers ignore adapters silently.

    Args:
        pool: The pool whose members were asked.
        replies: The replies that `ask_further` returns; members without replies are passed over.

    Returns:
        One sentence for each problem, in the order of the pool.
    """
    first_with: dict[tuple[str, ...], str] = {}
    problems = []
    for name in pool.names:
        if name not in replies:
            continue
        texts = _texts(replies[name])
        if not texts[0]:
            problems.append(f"community {name!r} said nothing.")
        elif texts in first_with:
            problems.append(
                f"communities {first_with[texts]!r} and {name!r} give the same reply to {_questions(len(texts))}; "
                "is an adapter ignored?"
            )
        first_with.setdefault(texts, name)
    return problems


def _texts(messages: Sequence[Message]) -> tuple[str, ...]:
    return tuple(message.text for message in messages)


def _questions(count: int) -> str:
    return "one question" if count == 1 else f"each of {count} questions"
