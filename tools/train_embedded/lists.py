"""Lists of people of whom the reader finds the one that is described: whom to ask, and whose comment to take.

The number wanted follows from who is described, never from what is said. Lists are never in the pool's order, so that
the number is read off the list and not learnt by heart.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from model_wrappers.collaboration.prompts import load_prompts
from model_wrappers.collaboration.selection import numbered, numbers
from plural_tasks.sources.surveys import Population, SurveyGroup
from tools.train_embedded.pools import Voice, groups, train_questions, voices
from tools.train_embedded.respond import ask_about, reason_for
from tools.train_embedded.themes import Theme
from tools.train_embedded.voice import tell

Example = tuple[str, list[str]]
"""A prompt and its targets."""


def select(themes: Sequence[Theme], rng: random.Random) -> Example:
    """The prompt that selects among what members say, and the number of who is described."""
    attribute, wanted = _described(rng)
    members = _members(wanted, rng)
    theme = rng.choice([theme for theme in themes if theme.positions])
    asked = ask_about(theme, rng)
    words = rng.randint(3, 7) if rng.random() < 0.8 else rng.randint(8, 20)
    messages = [
        {
            "community": member.name,
            "description": member.description,
            "text": " ".join(_said(theme, asked.options, asked.shares(theme.positions[member.name]), rng)[:words]),
        }
        for member in members
    ]
    prompt = load_prompts("default").render(
        "select", question=asked.question, attribute=attribute, messages=numbered(messages)
    )
    return prompt, [numbers(len(members))[[member.name for member in members].index(wanted)]]


def _said(theme: Theme, options: Sequence[str], shares: Sequence[float], rng: random.Random) -> list[str]:
    return tell(options, shares, reason_for(theme, rng.uniform(-2.0, 2.0), rng)).split()


def route(themes: Sequence[Theme], rng: random.Random) -> Example:
    """The prompt that asks who should be asked, and the number of who is described."""
    attribute, wanted = _described(rng)
    members = _members(wanted, rng)
    question = ask_about(rng.choice(themes), rng).question
    listing = [{"name": member.name, "description": member.description} for member in members]
    prompt = load_prompts("default").render(
        "route", question=question, attribute=attribute, communities=numbered(listing)
    )
    return prompt, [numbers(len(members))[[member.name for member in members].index(wanted)]]


def a_list(themes: Sequence[Theme], rng: random.Random) -> Example:
    """People of different countries, or members of the pool with bare answers, and the number of who is wanted."""
    if rng.random() < 0.5:
        places = rng.sample(_places(), _size(rng))
        wanted = rng.choice(places)
        attribute = rng.choice(("people in {} ({})", "country: {} ({})")).format(wanted, rng.randint(1980, 2022))
        return _list(attribute, [f"people in {place}" for place in places], places.index(wanted), themes, rng)
    attribute, name = _described(rng)
    mine = next(voice for voice in voices() if voice.name == name)
    members = [mine, *rng.sample([voice for voice in voices() if voice is not mine], _size(rng) - 1)]
    rng.shuffle(members)
    return _list(attribute, [member.description for member in members], members.index(mine), themes, rng)


def _list(attribute: str, people: Sequence[str], place: int, themes: Sequence[Theme], rng: random.Random) -> Example:
    """The prompt that routes, or the one that selects among bare answers."""
    asked = ask_about(rng.choice(themes), rng, form=rng.choice(("yes_no", "favour")))
    if rng.random() < 0.5:
        listing = [{"name": "", "description": one} for one in people]
        prompt = load_prompts("default").render(
            "route", question=asked.question, attribute=attribute, communities=numbered(listing)
        )
    else:
        said = [
            {"community": "", "description": one, "text": tell(asked.options, asked.shares(rng.uniform(-2.0, 2.0)))}
            for one in people
        ]
        prompt = load_prompts("default").render(
            "select", question=asked.question, attribute=attribute, messages=numbered(said)
        )
    return prompt, [numbers(len(people))[place]]


def _size(rng: random.Random) -> int:
    """How many people are listed: few, so that it is learnt, or as many as the whole pool has."""
    return rng.randint(3, 6) if rng.random() < 0.5 else len(voices())


@cache
def _places() -> list[str]:
    """Countries in the populations of the train questions."""
    found = re.findall(r"\bpeople in ([^(;]+) \(", "\n".join(text for known in worded().values() for text in known))
    return sorted(set(found))


def _members(wanted: str, rng: random.Random) -> list[Voice]:
    """The wanted community among others: all (half of the time), those of its pool, or a few."""
    mine = next(voice for voice in voices() if voice.name == wanted)
    others = [voice for voice in voices() if voice is not mine]
    kind = rng.random()
    if kind < 0.25:
        others = [voice for voice in others if voice.pool == mine.pool]
    elif kind < 0.5:
        others = rng.sample(others, rng.randint(2, 5))
    chosen = [mine, *others]
    rng.shuffle(chosen)
    return chosen


def _described(rng: random.Random) -> tuple[str, str]:
    """An attribute as the train questions word it, and the community that stands for it."""
    by_community = worded()
    wanted = rng.choice(sorted(by_community))
    return rng.choice(by_community[wanted]), wanted


@cache
def worded() -> dict[str, list[str]]:
    """Attributes of the train questions by community; those of two communities are left out."""
    found: dict[str, set[str]] = {}
    for question in train_questions():
        owners: dict[str, list[str]] = {}
        for name, wanted in groups().items():
            for cell in (*question.groups, *question.populations):
                parts = [cell.model_copy(update={"attribute": part}) for part in _parts(cell.attribute)]
                if wanted.matches(question.model_copy(update=_only(cell, parts))):
                    owners.setdefault(cell.attribute, []).append(name)
        for attribute, names in owners.items():
            if len(names) == 1:
                words = {attribute}
                if attribute.startswith("people in "):
                    words.add(f"country: {attribute.removeprefix('people in ')}")
                found.setdefault(names[0], set()).update(words)
    return {name: sorted(attributes) for name, attributes in found.items()}


def _parts(attribute: str) -> list[str]:
    """People of two attributes at once ("race: White; college degree: no (…)"), one by one, each with the place."""
    head, bracket, place = attribute.rpartition(" (")
    return [f"{part}{bracket}{place}" for part in head.split("; ")]


def _only(cell: SurveyGroup | Population, parts: list[Any]) -> dict[str, Any]:
    return {
        "groups": tuple(parts) if isinstance(cell, SurveyGroup) else (),
        "populations": tuple(parts) if isinstance(cell, Population) else (),
    }
