"""What each community says: replies to themes and survey questions, and comments on situations, as corpus records."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from model_wrappers.prompts import load_prompts
from plural_tasks.schema import Mode
from tools.train_embedded.overlap import opinion_themes
from tools.train_embedded.pools import Voice, cells, voices
from tools.train_embedded.respond import draw_stance, reason_for, reply
from tools.train_embedded.themes import Theme
from tools.train_embedded.voice import comment_on, say

Record = dict[str, str]

SOURCE_THEMES = "texts written for modplural (tools/train_embedded/themes)"
SOURCE_SURVEYS = "train questions of plural_surveys, answers in the project's words"
LICENCE = "Apache-2.0"

REPLIES_PER_THEME = 1
COMMENTS_PER_THEME = 0.25
REPLIES_PER_QUESTION = 3


def community_records(voice: Voice, seed: int) -> list[Record]:
    """All records of one community, shuffled; the same for the same seed."""
    rng = random.Random(f"{seed} {voice.name}")
    records = [*_themes(voice, rng), *_surveys(voice, rng)]
    rng.shuffle(records)
    return records


def shared_records(seed: int, share: float) -> list[Record]:
    """A share of what all communities say, with other draws: what a voice learns before it is one community's."""
    rng = random.Random(f"{seed} shared")
    records = []
    for voice in voices():
        said = community_records(voice, seed + 1)
        records += rng.sample(said, int(len(said) * share))
    rng.shuffle(records)
    return records


def ask(question: str, options: Sequence[str], voice: Voice) -> str:
    """The prompt that a community is given about a closed question."""
    return _prompt("distributional", question, options, voice)


def describe(situation: str, voice: Voice) -> str:
    """The prompt that a community is given about a situation."""
    return _prompt("overton", situation, (), voice)


def _prompt(mode: Mode, question: str, options: Sequence[str], voice: Voice) -> str:
    return load_prompts("default").render(
        "community",
        mode,
        question=question,
        options=list(options),
        attribute="",
        community=voice.name,
        description=voice.description,
    )


def _themes(voice: Voice, rng: random.Random) -> Iterator[Record]:
    for theme in opinion_themes():
        mean = theme.positions[voice.name]
        for _ in range(REPLIES_PER_THEME):
            answered = reply(theme, draw_stance(mean, rng), rng)
            text = say(answered.options[answered.chosen], answered.reason, rng)
            yield _record(voice, ask(answered.question, answered.options, voice), text, SOURCE_THEMES)
        if rng.random() < COMMENTS_PER_THEME:
            yield _record(voice, describe(theme.situation, voice), _comment(theme, mean, rng), SOURCE_THEMES)


def _comment(theme: Theme, mean: float, rng: random.Random) -> str:
    stance = draw_stance(mean, rng)
    reasons = list(dict.fromkeys(reason_for(theme, stance, rng) for _ in range(4)))
    return comment_on(reasons, rng)


def _surveys(voice: Voice, rng: random.Random) -> Iterator[Record]:
    by_question: dict[str, list[tuple[str, tuple[str, ...], tuple[float, ...]]]] = {}
    for question, cell in cells(voice.name):
        by_question.setdefault(question.id, []).append((question.text, question.options, cell.shares))
    for answered in by_question.values():
        for _ in range(REPLIES_PER_QUESTION):
            text, options, shares = rng.choice(answered)
            chosen = rng.choices(range(len(options)), weights=shares)[0]
            shown = list(options)
            if rng.random() < 0.5:
                shown.reverse()
            yield _record(voice, ask(text, shown, voice), say(options[chosen], "", rng), SOURCE_SURVEYS)


def _record(voice: Voice, prompt: str, comment: str, source: str) -> Record:
    return {
        "community": voice.name,
        "source": source,
        "licence": LICENCE,
        "prompt": prompt,
        "comment": comment,
    }
