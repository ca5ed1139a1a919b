"""What teaches the embedded base to read a passage: the prompts that a base LLM is given, with the answers asked for.

Every prompt comes from the default prompt set, around a question in the tasks' own form. First the reader is taught the
letter of the answer that a passage states (`brief_records`). Then what one person's word tells of the group that they
come from (`_stated`): the target is the letter of what another of the same group answered, so that the reader's
probabilities are those of the group and not of the one who spoke. Where nothing is stated the target is a letter
drawn evenly, so that without a passage the reader has no opinion of its own. What groups think is not taught here:
their means are drawn evenly, and attributes are attached at random. Selecting and routing are taught by who is
described, not by what is said.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from model_wrappers.prompts import load_prompts
from plural_tasks.schema import LABELS, Mode
from plural_tasks.sources.surveys import Group, Population, Question
from tools.train_embedded.corpora import LICENCE, Record
from tools.train_embedded.pools import Voice, groups, train_questions, voices
from tools.train_embedded.respond import Reply, draw_stance, reason_for, reply
from tools.train_embedded.themes import EVERYDAY, Theme, opinion_themes, read_themes
from tools.train_embedded.voice import say

CLEAR = 0.5
"""Reasons of stances nearer to 0 may speak for neither side."""

BRIEF_FORMS = ("yes_no", "agree", "agree", "favour", "spending", "graded")
NEEDS = {"spending": "spend", "graded": "options"}
"""What a theme must have for a form."""

SOURCE = "texts written for modplural (tools/train_embedded/themes), read through the default prompt set"
KINDS = {
    "stated": 0.36,
    "reasoned": 0.02,
    "nothing": 0.07,
    "beside": 0.06,
    "select": 0.38,
    "route": 0.08,
    "synthesis": 0.03,
}
"""Share of each kind of example."""

_LEADS = (
    "Some say:",
    "Others say:",
    "There are people who feel:",
    "It is also said:",
    "Against that stands:",
    "And then:",
    "For some what counts is:",
)


def all_themes() -> list[Theme]:
    """What examples are made of: everyday themes, and those with stances."""
    return [*read_themes(EVERYDAY), *opinion_themes()]


def reader_records(count: int, seed: int) -> list[Record]:
    """Examples in the shares of `KINDS`, shuffled; the same for the same seed."""
    rng = random.Random(f"{seed} reader")
    themes = all_themes()
    records = [
        _record(prompt, comment)
        for kind, share in KINDS.items()
        for prompt, comment in _examples(kind, round(count * share), themes, rng)
    ]
    rng.shuffle(records)
    return records


def brief_records(count: int, seed: int) -> list[Record]:
    """Short passages that state an answer: on these the reader learns to match it with an option before all else."""
    rng = random.Random(f"{seed} brief")
    themes = all_themes()
    return [_record(*_brief(themes, rng)) for _ in range(count)]


def _brief(themes: list[Theme], rng: random.Random) -> tuple[str, str]:
    form = rng.choice(BRIEF_FORMS)
    suited = [theme for theme in themes if form not in NEEDS or getattr(theme, NEEDS[form])]
    answered = _mixed(_asked(suited, rng, form=form), rng)
    words = answered.reason.split()
    reason = " ".join(words[: rng.randint(3, 8)]) if rng.random() < 0.4 else ""
    return _framed(answered, say(answered.options[answered.chosen], reason, rng), rng, 0.2), LABELS[answered.chosen]


def pick_records(count: int, seed: int) -> list[Record]:
    """Lists of people, and whose view is wanted: on these the reader learns to match it with who is described.

    In half of the lists people are named by their country, so that the words are the same. A third of all examples are
    short passages once more: without them what was learnt on those is lost.
    """
    rng = random.Random(f"{seed} pick")
    themes = all_themes()
    return [_record(*rng.choice((_named, _picked, _brief))(themes, rng)) for _ in range(count)]


def _named(themes: list[Theme], rng: random.Random) -> tuple[str, str]:
    places = rng.sample(_places(), _size(rng))
    wanted = rng.choice(places)
    attribute = rng.choice(("people in {} ({})", "country: {} ({})")).format(wanted, rng.randint(1980, 2022))
    return _list(attribute, [f"people in {place}" for place in places], places.index(wanted), themes, rng)


def _picked(themes: list[Theme], rng: random.Random) -> tuple[str, str]:
    attribute, wanted = _described(rng)
    mine = next(voice for voice in voices() if voice.name == wanted)
    members = [mine, *rng.sample([voice for voice in voices() if voice is not mine], _size(rng) - 1)]
    rng.shuffle(members)
    return _list(attribute, [member.description for member in members], members.index(mine), themes, rng)


def _size(rng: random.Random) -> int:
    """How many people are listed: few, so that it is learnt, or as many as the whole pool has."""
    return rng.randint(3, 6) if rng.random() < 0.5 else len(voices())


def _list(attribute: str, people: list[str], place: int, themes: list[Theme], rng: random.Random) -> tuple[str, str]:
    """The prompt that routes, or the one that selects among bare answers."""
    theme, form = rng.choice(themes), rng.choice(("yes_no", "favour"))
    question = reply(theme, 0.5, rng, form=form).question
    if rng.random() < 0.5:
        listing = [{"name": "", "description": one} for one in people]
        prompt = load_prompts("default").render("route", question=question, attribute=attribute, communities=listing)
    else:
        said = [
            {"community": "", "description": one, "text": say(rng.choice(("Yes", "No")), "", rng)} for one in people
        ]
        prompt = load_prompts("default").render("select", question=question, attribute=attribute, messages=said)
    return prompt, str(place + 1)


@cache
def _places() -> list[str]:
    """Countries in the populations of the train questions."""
    found = re.findall(r"\bpeople in ([^(;]+) \(", "\n".join(text for known in _worded().values() for text in known))
    return sorted(set(found))


def _record(prompt: str, comment: str) -> Record:
    return {"community": "reader", "source": SOURCE, "licence": LICENCE, "prompt": prompt, "comment": comment}


def _examples(kind: str, count: int, themes: list[Theme], rng: random.Random) -> Iterator[tuple[str, str]]:
    for _ in range(count):
        yield MAKERS[kind](themes, rng)


def context(question: str, options: Sequence[str]) -> str:
    """The tasks' own prompt for a closed question."""
    lines = [f"{LABELS[place]}. {option}" for place, option in enumerate(options)]
    return "\n".join((f"Question: {question}", *lines, "Answer:"))


def _asked(themes: list[Theme], rng: random.Random, *, form: str | None = None) -> Reply:
    answered = reply(rng.choice(themes), rng.uniform(-2.0, 2.0), rng, form=form)
    # Scales keep their direction.
    return _mixed(answered, rng) if form is None and len(answered.options) < 8 else answered


def _mixed(answered: Reply, rng: random.Random) -> Reply:
    """The same reply with the options in another order."""
    order = list(range(len(answered.options)))
    rng.shuffle(order)
    options = tuple(answered.options[place] for place in order)
    return replace(answered, options=options, chosen=order.index(answered.chosen))


def _framed(answered: Reply, message: str, rng: random.Random, told: float = 0.7) -> str:
    """A prompt with the message in one of the templates; ``told`` is how often a free attribute is given."""
    template = rng.choice(("answer", "answer", "reflect", "reflect", "expert"))
    attribute = _attribute(rng) if template == "answer" or rng.random() < told else ""
    return load_prompts("default").render(
        template, context=context(answered.question, answered.options), message=message, attribute=attribute
    )


def _cut(text: str, rng: random.Random) -> str:
    """Messages end where the token limit cuts them."""
    words = text.split()
    return " ".join(words[: rng.randint(12, 30)]) if rng.random() < 0.4 else text


def _stated(themes: list[Theme], rng: random.Random) -> tuple[str, str]:
    theme, mean, form = rng.choice(themes), rng.uniform(-2.0, 2.0), rng.random()
    # One form for both: the same question and options in the same order.
    heard, other = (reply(theme, draw_stance(mean, rng), random.Random(form)) for _ in range(2))
    order = list(range(len(heard.options)))
    if len(order) < 8:  # scales keep their direction
        rng.shuffle(order)
    options = tuple(heard.options[place] for place in order)
    reason = reason_for(theme, heard.stance, rng) if rng.random() < 0.7 else ""
    message = _cut(say(heard.options[heard.chosen], reason, rng), rng)
    return _framed(replace(heard, options=options), message, rng), LABELS[order.index(other.chosen)]


def _reasoned(themes: list[Theme], rng: random.Random) -> tuple[str, str]:
    while True:
        answered = _asked(themes, rng, form=rng.choice(("yes_no", "statements", "favour")))
        if abs(answered.stance) >= CLEAR and len(answered.options) == 2:
            return _framed(answered, answered.reason, rng), LABELS[answered.chosen]


def _nothing(themes: list[Theme], rng: random.Random) -> tuple[str, str]:
    answered = _asked(themes, rng)
    text = context(answered.question, answered.options)
    if rng.random() < 0.6:
        mode: Mode = rng.choice(("steerable", "distributional"))
        text = load_prompts("default").render("prompting", mode, context=text, attribute=_attribute(rng))
    return text, rng.choice(LABELS[: len(answered.options)])


def _beside(themes: list[Theme], rng: random.Random) -> tuple[str, str]:
    answered, other = _asked(themes, rng), rng.choice(themes)
    words = reason_for(other, rng.uniform(-2.0, 2.0), rng).split()
    if rng.random() < 0.5:
        rng.shuffle(words)
    return _framed(answered, " ".join(words), rng), rng.choice(LABELS[: len(answered.options)])


def _select(themes: list[Theme], rng: random.Random) -> tuple[str, str]:
    attribute, wanted = _described(rng)
    members = _members(wanted, rng)
    theme = rng.choice([theme for theme in themes if theme.positions])
    form = rng.random()  # all are asked the same question
    words = rng.randint(3, 8) if rng.random() < 0.7 else rng.randint(9, 20)
    messages = []
    for member in members:
        answered = reply(theme, draw_stance(theme.positions[member.name], rng), random.Random(form))
        reason = reason_for(theme, answered.stance, rng)
        text = " ".join(say(answered.options[answered.chosen], reason, rng).split()[:words])
        messages.append({"community": member.name, "description": member.description, "text": text})
    question = answered.question
    prompt = load_prompts("default").render("select", question=question, attribute=attribute, messages=messages)
    return prompt, str(1 + [member.name for member in members].index(wanted))


def _route(themes: list[Theme], rng: random.Random) -> tuple[str, str]:
    attribute, wanted = _described(rng)
    members = _members(wanted, rng)
    question = reply(rng.choice(themes), 0.5, rng).question
    listing = [{"name": member.name, "description": member.description} for member in members]
    prompt = load_prompts("default").render("route", question=question, attribute=attribute, communities=listing)
    return prompt, str(1 + [member.name for member in members].index(wanted))


def _synthesis(themes: list[Theme], rng: random.Random) -> tuple[str, str]:
    theme = rng.choice(themes)
    said = rng.sample([*theme.plus, *theme.minus, *theme.between], rng.randint(3, 6))
    messages = [{"community": "", "description": "", "text": text} for text in said]
    text = f"Situation: {theme.situation}\nWhat should be considered here? Comment on it.\nComment:"
    prompt = load_prompts("default").render("synthesise", context=text, messages=messages)
    leads = rng.sample(_LEADS, len(said))
    return prompt, " ".join(f"{lead} {reason}" for lead, reason in zip(leads, said, strict=True))


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
    rng.shuffle(chosen)  # never in the pool's order: the number is read off the list and not learnt by heart
    return chosen


def _described(rng: random.Random) -> tuple[str, str]:
    """An attribute as the train questions word it, and the community that stands for it."""
    by_community = _worded()
    wanted = rng.choice(sorted(by_community))
    return rng.choice(by_community[wanted]), wanted


@cache
def _worded() -> dict[str, list[str]]:
    """Attributes of the train questions by community; those of two communities are left out."""
    found: dict[str, set[str]] = {}
    for question in train_questions():
        owners: dict[str, list[str]] = {}
        for name, wanted in groups().items():
            for cell in _cells(question):
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


def _only(cell: Group | Population, parts: list[Any]) -> dict[str, Any]:
    return {
        "groups": tuple(parts) if isinstance(cell, Group) else (),
        "populations": tuple(parts) if isinstance(cell, Population) else (),
    }


def _attribute(rng: random.Random) -> str:
    """Any attribute of the train questions: it says who is meant, and nothing of what they think."""
    question = rng.choice(train_questions())
    return rng.choice([cell.attribute for cell in _cells(question)])


def _cells(question: Question) -> list[Group | Population]:
    return [*question.groups, *question.populations]


MAKERS: dict[str, Callable[[list[Theme], random.Random], tuple[str, str]]] = {
    "stated": _stated,
    "reasoned": _reasoned,
    "nothing": _nothing,
    "beside": _beside,
    "select": _select,
    "route": _route,
    "synthesis": _synthesis,
}
