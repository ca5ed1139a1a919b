"""What each community says: its answers to themes and survey questions, and comments on situations, as corpus records."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import chain

from model_wrappers.prompts import load_prompts
from plural_tasks.schema import Mode
from tools.train_embedded.pools import Voice, cells, voices
from tools.train_embedded.respond import ask_about, draw_stances, reason_for
from tools.train_embedded.themes import Theme, opinion_themes
from tools.train_embedded.voice import comment_on, tell

Record = dict[str, str]

SOURCE_THEMES = "texts written for modplural (tools/train_embedded/themes)"
SOURCE_SURVEYS = "train questions of plural_surveys, answers in the project's words"
LICENCE = "Apache-2.0"

PROMPTS = 3
"""Of a theme, and of a survey question: the same subject in other words, and with other options."""

REASONS = 0.6
"""Share of answers to themes that say why."""

COMMENTS_PER_THEME = 0.25

COMMENTS = 3
"""On a situation, of different people, one after the other."""


def community_records(voice: Voice, seed: int) -> list[Record]:
    """All records of one community; prompts are shuffled, comments on one situation follow each other."""
    return list(chain.from_iterable(_by_prompt(voice, seed)))


def shared_records(seed: int, share: float) -> list[Record]:
    """A share of what all communities say, with other draws: what a voice learns before it is one community's."""
    rng = random.Random(f"{seed} shared")
    groups: list[list[Record]] = []
    for voice in voices():
        said = _by_prompt(voice, seed + 1)
        groups += rng.sample(said, int(len(said) * share))
    rng.shuffle(groups)
    return list(chain.from_iterable(groups))


def _by_prompt(voice: Voice, seed: int) -> list[list[Record]]:
    rng = random.Random(f"{seed} {voice.name}")
    groups = [*_themes(voice, rng), *_surveys(voice, rng)]
    rng.shuffle(groups)
    return groups


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


def _themes(voice: Voice, rng: random.Random) -> Iterator[list[Record]]:
    for theme in opinion_themes():
        mean = theme.positions[voice.name]
        for _ in range(PROMPTS):
            asked = ask_about(theme, rng)
            shares = asked.shares(mean)
            likeliest = max(range(len(shares)), key=shares.__getitem__)
            reason = reason_for(theme, asked.stance(likeliest), rng) if rng.random() < REASONS else ""
            prompt = ask(asked.question, asked.options, voice)
            yield [_record(voice, prompt, tell(asked.options, shares, reason), SOURCE_THEMES)]
        if rng.random() < COMMENTS_PER_THEME:
            prompt = describe(theme.situation, voice)
            yield [
                _record(voice, prompt, _comment(theme, stance, rng), SOURCE_THEMES)
                for stance in draw_stances(mean, COMMENTS, rng)
            ]


def _comment(theme: Theme, stance: float, rng: random.Random) -> str:
    reasons = list(dict.fromkeys(reason_for(theme, stance, rng) for _ in range(4)))
    return comment_on(reasons, rng)


def _surveys(voice: Voice, rng: random.Random) -> Iterator[list[Record]]:
    by_question: dict[str, list[tuple[str, tuple[str, ...], tuple[float, ...]]]] = {}
    for question, cell in cells(voice.name):
        by_question.setdefault(question.id, []).append((question.text, question.options, cell.shares))
    for answered in by_question.values():
        for _ in range(PROMPTS):
            text, options, shares = rng.choice(answered)
            direction = rng.choice((1, -1))
            shown, told = options[::direction], shares[::direction]
            yield [_record(voice, ask(text, shown, voice), tell(shown, told), SOURCE_SURVEYS)]


def _record(voice: Voice, prompt: str, comment: str, source: str) -> Record:
    return {
        "community": voice.name,
        "source": source,
        "licence": LICENCE,
        "prompt": prompt,
        "comment": comment,
    }
