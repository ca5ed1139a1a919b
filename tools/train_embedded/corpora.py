"""What each community says: answers to themes and survey questions, and comments on situations, as corpus records."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain

from model_wrappers.collaboration.prompts import load_prompts
from plural_tasks.schema import Mode
from plural_tasks.sources.surveys import Population, SurveyGroup, SurveyQuestion
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

NEARER = 0.65
"""Means stand so much nearer to the middle than authors put them: surveys find groups less decided than judged."""

MIDDLE = 1.4
"""Where the outer ones of four graded options begin: one person in seven of an undecided group takes each."""

ROUNDS = 7
"""Questions on each theme in what all communities say; of each train question twice as many."""

LABELLED = 3
"""Communities that answer such a question beside all of them together, each behind its name in brackets."""

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
    usual = math.fsum(apart) / len(apart)
    drawn = rng.choices(themes, weights=[usual + distance for distance in apart], k=OWN)
    groups = [_answers(voice, theme, {"": [voice.name]}, rng) for theme in drawn]
    for question, answered in _questions([voice.name]):
        groups += [_cited(voice, question, {"": answered[voice.name]}, rng) for _ in range(OWN_SURVEYS)]
    groups += [_comments(voice, theme, rng) for theme in rng.sample(themes, SITUATIONS)]
    return _shuffled(groups, rng)


def shared_records(seed: int) -> list[Record]:
    """What all communities answer together, and then some of them behind their names, question by question.

    A voice goes on from what is learnt here: what a question means to anyone, and who differs from whom in it.
    """
    rng = random.Random(f"{seed} shared")
    names = [voice.name for voice in voices()]
    all_of_us = Voice("shared", "all communities together", "")
    groups = []
    for theme in opinion_themes():
        for _ in range(ROUNDS):
            some = {_label(name): [name] for name in rng.sample(names, LABELLED)}
            groups.append(_answers(all_of_us, theme, {"": names, **some}, rng))
    for question, answered in _questions(names):
        every = list(chain.from_iterable(answered.values()))
        for _ in range(2 * ROUNDS):
            known = rng.sample([*answered], min(LABELLED, len(answered)))
            groups.append(
                _cited(all_of_us, question, {"": every, **{_label(name): answered[name] for name in known}}, rng)
            )
    return _shuffled(groups, rng)


def _label(name: str) -> str:
    return f"[{name}] "


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


def _answers(voice: Voice, theme: Theme, speakers: Mapping[str, Sequence[str]], rng: random.Random) -> list[Record]:
    """One question on the theme, and how the people of some communities answer it, each community counting the same.

    ``speakers``: What stands before the answer -> the communities whose people answer.
    """
    asked = _asked(theme, rng)
    prompt = ask(asked.question, asked.options, voice)
    records = []
    for label, names in speakers.items():
        each = [asked.shares(NEARER * theme.positions[name], WITHIN) for name in names]
        shares = [math.fsum(values) / len(names) for values in zip(*each, strict=True)]
        records.append(_record(voice, prompt, label + say(theme, asked, shares, rng, REASONS), SOURCE_THEMES))
    return records


def _asked(theme: Theme, rng: random.Random) -> Asked:
    forms = [*FORMS, *(form for field, more in EXTRA.items() if getattr(theme, field) for form in more)]
    asked = ask_about(theme, rng, form=rng.choice(forms))
    return replace(asked, edges=(-MIDDLE, 0.0, MIDDLE)) if len(asked.options) == 4 else asked


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


def _questions(names: Sequence[str]) -> list[tuple[SurveyQuestion, dict[str, list[SurveyGroup | Population]]]]:
    """The train questions that communities have answered, with the groups that stand for each of them."""
    found: dict[str, tuple[SurveyQuestion, dict[str, list[SurveyGroup | Population]]]] = {}
    for name in names:
        for question, cell in cells(name):
            found.setdefault(question.id, (question, {}))[1].setdefault(name, []).append(cell)
    return [*found.values()]


def _cited(
    voice: Voice,
    question: SurveyQuestion,
    speakers: Mapping[str, Sequence[SurveyGroup | Population]],
    rng: random.Random,
) -> list[Record]:
    """A survey question, the options in a random direction, and how one of its groups answers for each speaker."""
    direction = rng.choice((1, -1))
    options = question.options[::direction]
    prompt = ask(question.text, options, voice)
    return [
        _record(voice, prompt, label + tell(options, rng.choice(answered).shares[::direction]), SOURCE_SURVEYS)
        for label, answered in speakers.items()
    ]


def _record(voice: Voice, prompt: str, comment: str, source: str) -> Record:
    return {
        "community": voice.name,
        "source": source,
        "licence": LICENCE,
        "prompt": prompt,
        "comment": comment,
    }
