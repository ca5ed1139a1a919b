"""Ask every community the held-out survey questions, several times each."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from community_lms.evaluation.groups import Groups
from community_lms.generation.ask import Asker
from community_lms.generation.request import message_request
from community_lms.messages.message import Message, MessageRequest
from community_lms.pools.spec import Community, Decoding, digest
from plural_tasks.sources.surveys import SurveyQuestion, Surveys
from plural_tasks.utils.errors import ModPluralError

Render = Callable[[SurveyQuestion, Community], str]
"""Words a question for a community, as the distributional mode does."""

Answers = Mapping[str, Mapping[str, Sequence[Message]]]
"""Community -> question -> its messages."""


def pick_questions(
    surveys: Surveys, groups: Mapping[str, Groups], *, split: str = "test", limit: int | None = None
) -> list[SurveyQuestion]:
    """The questions of a split that a group of some community was asked; all of the split where no group is known.

    They stand in the order of their digests, so that the first few (``limit``) are of different studies.

    Raises:
        ModPluralError: If none is left.
    """
    found = [question for question in surveys.questions if question.split == split]
    if groups:
        found = [question for question in found if any(member.matches(question) for member in groups.values())]
    if not found:
        raise ModPluralError(
            f"no question of the split {split!r} was asked of the groups of {', '.join(groups) or 'anyone'}."
        )
    return sorted(found, key=lambda question: hashlib.sha256(question.id.encode()).hexdigest())[:limit]


def requests_for(
    member: Community,
    questions: Sequence[SurveyQuestion],
    render: Render,
    *,
    decoding: Decoding,
    samples: int,
    seed: int,
    engine: str,
) -> list[MessageRequest]:
    """Requests to a community: ``samples`` for each question, the same ones that a run of a mode makes."""
    texts = [render(question, member) for question in questions]
    return [
        message_request(member, text, engine=engine, decoding=decoding, seed=seed, sample=sample)
        for text in texts
        for sample in range(samples)
    ]


def ask_all(
    requests: Mapping[str, Sequence[MessageRequest]], questions: Sequence[SurveyQuestion], samples: int, asker: Asker
) -> dict[str, dict[str, list[Message]]]:
    """Ask community by community; stored messages are not asked again."""
    found = {}
    for name, asked in requests.items():
        said = iter(asker.ask(asked))
        found[name] = {question.id: [next(said) for _ in range(samples)] for question in questions}
    return found


def requests_digest(requests: Mapping[str, Sequence[MessageRequest]]) -> dict[str, str]:
    """SHA-256 of the keys of what each community is asked."""
    return {name: digest([request.key for request in asked]) for name, asked in requests.items()}


def as_json(answers: Answers) -> dict[str, Any]:
    """Answers as plain JSON: community -> question -> [[text, tokens]]."""
    return {
        name: {question: [[message.text, message.tokens] for message in said] for question, said in by_question.items()}
        for name, by_question in answers.items()
    }
