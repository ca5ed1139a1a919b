"""What each community says: answers to themes and survey questions, and comments on situations, as corpus records."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from itertools import chain

from model_wrappers.prompts import load_prompts
from plural_tasks.schema import Mode
from plural_tasks.sources.surveys import Group, Population, Question
from tools.train_embedded.pools import Voice, cells, voices
from tools.train_embedded.respond import Asked, ask_about, draw_stances, reason_for
from tools.train_embedded.themes import Theme, opinion_themes
from tools.train_embedded.voice import comment_on, tell

Record = dict[str, str]

SOURCE_THEMES = "texts written for modplural (tools/train_embedded/themes)"
SOURCE_SURVEYS = "train questions of plural_surveys, answers in the project's words"
LICENCE = "Apache-2.0"

FORMS = ("yes_no", "yes_no", "agree", "agree", "favour", "favour", "statements", "scale")
EXTRA = {"spend": ("spending",) * 4, "options": ("graded",) * 4}
"""Forms of a theme that has the field, beside those of all themes."""

WITHIN = 1.3
"""Standard deviation of stances within a community: people of one group differ more than its mean from others'."""

REASONS = 0.2
"""Share of answers to themes that say why. Reasons are long, and drown the answer in the loss."""

ROUNDS = 14
"""Questions on each theme, and on each train question, in what all communities say together."""

OWN = 1100
"""Questions on themes in what one community says, the more on a theme the further it stands from the mean of all."""

OWN_SURVEYS = 4
"""Times that each train question of its own groups stands among them."""

SITUATIONS = 70
"""Situations that a community comments on."""

COMMENTS = 3
"""On a situation, of different people, one after the other."""


def community_records(voice: Voice, seed: int) -> list[Record]:
    """What one community says; prompts are shuffled, comments on one situation follow each other."""
    rng = random.Random(f"{seed} {voice.name}")
    themes = opinion_themes()
    apart = [abs(theme.positions[voice.name] - _mean(theme)) for theme in themes]
    groups = [[_answer(voice, theme, (voice.name,), rng)] for theme in rng.choices(themes, weights=apart, k=OWN)]
    groups += [[one] for one in _surveys(voice, [*cells(voice.name)], OWN_SURVEYS, rng)]
    groups += [_comments(voice, theme, rng) for theme in rng.sample(themes, SITUATIONS)]
    return _shuffled(groups, rng)


def shared_records(seed: int) -> list[Record]:
    """What people of all communities answer together: a voice learns this first, and then in what it differs."""
    rng = random.Random(f"{seed} shared")
    names = [voice.name for voice in voices()]
    all_of_us = Voice("shared", "all communities together", "")
    groups = [[_answer(all_of_us, theme, names, rng)] for theme in opinion_themes() for _ in range(ROUNDS)]
    asked = [pair for voice in voices() for pair in cells(voice.name)]
    groups += [[one] for one in _surveys(all_of_us, asked, ROUNDS, rng)]
    return _shuffled(groups, rng)


def _mean(theme: Theme) -> float:
    return math.fsum(theme.positions.values()) / len(theme.positions)


def _shuffled(groups: list[list[Record]], rng: random.Random) -> list[Record]:
    rng.shuffle(groups)
    return list(chain.from_iterable(groups))


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


def _answer(voice: Voice, theme: Theme, names: Sequence[str], rng: random.Random) -> Record:
    """How the people of these communities answer a question on the theme, each community counting the same."""
    forms = [*FORMS, *(form for field, more in EXTRA.items() if getattr(theme, field) for form in more)]
    asked = ask_about(theme, rng, form=rng.choice(forms))
    each = [asked.shares(theme.positions[name], WITHIN) for name in names]
    shares = [math.fsum(values) / len(names) for values in zip(*each, strict=True)]
    said = say(theme, asked, shares, rng, REASONS)
    return _record(voice, ask(asked.question, asked.options, voice), said, SOURCE_THEMES)


def say(theme: Theme, asked: Asked, shares: Sequence[float], rng: random.Random, reasons: float) -> str:
    """How people with these shares answer; ``reasons`` is how often a reason on the likeliest answer's side follows."""
    likeliest = max(range(len(shares)), key=shares.__getitem__)
    reason = reason_for(theme, asked.stance(likeliest), rng) if rng.random() < reasons else ""
    return tell(asked.options, shares, reason)


def _comments(voice: Voice, theme: Theme, rng: random.Random) -> list[Record]:
    prompt = describe(theme.situation, voice)
    stances = draw_stances(theme.positions[voice.name], COMMENTS, rng)
    return [_record(voice, prompt, _comment(theme, stance, rng), SOURCE_THEMES) for stance in stances]


def _comment(theme: Theme, stance: float, rng: random.Random) -> str:
    reasons = list(dict.fromkeys(reason_for(theme, stance, rng) for _ in range(4)))
    return comment_on(reasons, rng)


def _surveys(
    voice: Voice, answered: Sequence[tuple[Question, Group | Population]], times: int, rng: random.Random
) -> Iterator[Record]:
    """Each question several times, as one of its groups answered it, the options in a random direction."""
    by_question: dict[str, list[tuple[Question, Group | Population]]] = {}
    for question, cell in answered:
        by_question.setdefault(question.id, []).append((question, cell))
    for pairs in by_question.values():
        for _ in range(times):
            question, cell = rng.choice(pairs)
            direction = rng.choice((1, -1))
            options, shares = question.options[::direction], cell.shares[::direction]
            yield _record(voice, ask(question.text, options, voice), tell(options, shares), SOURCE_SURVEYS)


def _record(voice: Voice, prompt: str, comment: str, source: str) -> Record:
    return {
        "community": voice.name,
        "source": source,
        "licence": LICENCE,
        "prompt": prompt,
        "comment": comment,
    }
