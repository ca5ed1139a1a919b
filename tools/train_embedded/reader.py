"""The reader's examples: prompts of the default prompt set around made-up passages, and the letters or numbers wanted.

The embedded base LLM hardly uses a passage by itself. The reader adapter teaches it to. A passage tells how a group
answers; each prompt has several targets, letters in the proportions of the group, so that the reader's probabilities
become the group's. Where nothing is told the letters are drawn evenly, so that without a passage the reader has no
opinion of its own. What groups think is not taught here: their answers are drawn, and attributes attached at random.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

from model_wrappers.collaboration.prompts import load_prompts
from plural_tasks.schema import LABELS, Mode
from plural_tasks.sources.surveys import Population, SurveyGroup, SurveyQuestion
from tools.train_embedded.corpora import LICENCE, Record, say
from tools.train_embedded.lists import Example, a_list, route, select
from tools.train_embedded.pools import train_questions
from tools.train_embedded.respond import LONG, Asked, ask_about, reason_for
from tools.train_embedded.themes import EVERYDAY, Theme, opinion_themes, read_themes
from tools.train_embedded.voice import tell

BRIEF_FORMS = ("yes_no", "agree", "agree", "favour", "spending", "graded")
NEEDS = {"spending": "spend", "graded": "options"}
"""What a theme must have for a form."""

DRAWS = 6
"""Targets of one prompt whose answer is a distribution."""

SOURCE = "texts written for modplural (tools/train_embedded/themes), read through the default prompt set"
KINDS = {
    "told": 0.36,
    "survey": 0.14,
    "reasoned": 0.02,
    "nothing": 0.06,
    "beside": 0.05,
    "select": 0.20,
    "route": 0.14,
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
    """``count`` examples in the shares of `KINDS`, shuffled; the same for the same seed."""
    rng, themes = random.Random(f"{seed} reader"), all_themes()
    made = [MAKERS[kind](themes, rng) for kind, share in KINDS.items() for _ in range(round(count * share))]
    rng.shuffle(made)
    return _records(made)


def brief_records(count: int, seed: int) -> list[Record]:
    """Short passages: on these the reader learns to match what is said with an option before all else."""
    rng, themes = random.Random(f"{seed} brief"), all_themes()
    return _records(_brief(themes, rng) for _ in range(count))


def pick_records(count: int, seed: int) -> list[Record]:
    """Lists of people, and whose view is wanted: on these the reader learns to match it with who is described.

    In half of the lists people are named by their country, so that the words are the same. A third of all examples are
    short passages once more: without them what was learnt on those is lost.
    """
    rng, themes = random.Random(f"{seed} pick"), all_themes()
    return _records(_brief(themes, rng) if rng.random() < 1 / 3 else a_list(themes, rng) for _ in range(count))


def _records(examples: Iterator[Example] | Sequence[Example]) -> list[Record]:
    """One record for each target; those of one prompt follow each other."""
    fields = {"community": "reader", "source": SOURCE, "licence": LICENCE}
    return [{**fields, "prompt": prompt, "comment": target} for prompt, targets in examples for target in targets]


def context(question: str, options: Sequence[str]) -> str:
    """The tasks' own prompt for a closed question."""
    lines = [f"{LABELS[place]}. {option}" for place, option in enumerate(options)]
    return "\n".join((f"Question: {question}", *lines, "Answer:"))


def letters(shares: Sequence[float], rng: random.Random) -> list[str]:
    """`DRAWS` letters in the proportions of ``shares``, one from each equally likely slice, in any order."""
    order = list(range(len(shares)))
    rng.shuffle(order)
    drawn = [_place(order, shares, (slot + rng.random()) / DRAWS) for slot in range(DRAWS)]
    rng.shuffle(drawn)
    return [LABELS[place] for place in drawn]


def _place(order: Sequence[int], shares: Sequence[float], at: float) -> int:
    total = 0.0
    for place in order:
        total += shares[place]
        if at < total:
            return place
    return order[-1]


def _evenly(count: int, rng: random.Random) -> list[str]:
    return letters([1.0 / count] * count, rng)


def _mixed(asked: Asked, rng: random.Random) -> Asked:
    """The same question with the options in any order; scales keep their direction."""
    order = list(range(len(asked.options)))
    if len(order) < LONG:
        rng.shuffle(order)
    return asked.reordered(order)


def _framed(asked: Asked | SurveyQuestion, message: str, rng: random.Random, told: float = 0.7) -> str:
    """A prompt with the message in one of the templates; ``told`` is how often a free attribute is given."""
    template = rng.choice(("answer", "answer", "reflect", "reflect", "expert"))
    attribute = _attribute(rng) if template == "answer" or rng.random() < told else ""
    question = asked.question if isinstance(asked, Asked) else asked.text
    return load_prompts("default").render(
        template, context=context(question, asked.options), message=message, attribute=attribute
    )


def _brief(themes: Sequence[Theme], rng: random.Random) -> Example:
    form = rng.choice(BRIEF_FORMS)
    theme = rng.choice([theme for theme in themes if form not in NEEDS or getattr(theme, NEEDS[form])])
    asked = _mixed(ask_about(theme, rng, form=form), rng)
    first, second = rng.sample(range(len(asked.options)), 2)
    share = rng.choice((0.9, 0.9, 0.7))
    shares = [{first: share, second: 1.0 - share}.get(place, 0.0) for place in range(len(asked.options))]
    return _framed(asked, say(theme, asked, shares, rng, 0.2), rng, 0.2), letters(shares, rng)


def _told(themes: Sequence[Theme], rng: random.Random) -> Example:
    theme = rng.choice(themes)
    asked = _mixed(ask_about(theme, rng), rng)
    shares = asked.shares(rng.uniform(-2.0, 2.0))
    # The message names options in the order of their shares, whatever order they are read out in.
    return _framed(asked, _cut(say(theme, asked, shares, rng, 0.7), rng), rng), letters(shares, rng)


def _survey(themes: Sequence[Theme], rng: random.Random) -> Example:
    """A train question's words and options, with made-up shares: of what people answered nothing is told."""
    question = rng.choice(train_questions())
    order = list(range(len(question.options)))
    if len(order) < LONG:
        rng.shuffle(order)
        raw = [rng.gammavariate(0.6, 1.0) for _ in order]
        shares = [value / sum(raw) for value in raw]
        asked = question.model_copy(update={"options": tuple(question.options[place] for place in order)})
    else:
        made = Asked("", question.options, tuple(order), tuple(-2.0 + 4.0 * n / len(order) for n in order[1:]))
        shares, asked = list(made.shares(rng.uniform(-2.2, 2.2))), question
    reason = rng.choice(rng.choice(themes).between) if rng.random() < 0.3 else ""
    return _framed(asked, tell(asked.options, shares, reason), rng), letters(shares, rng)


def _cut(text: str, rng: random.Random) -> str:
    """Messages end where the token limit cuts them."""
    words = text.split()
    return " ".join(words[: rng.randint(20, 40)]) if rng.random() < 0.3 else text


def _reasoned(themes: Sequence[Theme], rng: random.Random) -> Example:
    theme = rng.choice(themes)
    asked = _mixed(ask_about(theme, rng, form=rng.choice(("yes_no", "statements"))), rng)
    place = rng.randrange(2)
    return _framed(asked, reason_for(theme, asked.stance(place), rng), rng), [LABELS[place]]


def _nothing(themes: Sequence[Theme], rng: random.Random) -> Example:
    asked = _mixed(ask_about(rng.choice(themes), rng), rng)
    text = context(asked.question, asked.options)
    if rng.random() < 0.6:
        mode: Mode = rng.choice(("steerable", "distributional"))
        text = load_prompts("default").render("prompting", mode, context=text, attribute=_attribute(rng))
    return text, _evenly(len(asked.options), rng)


def _beside(themes: Sequence[Theme], rng: random.Random) -> Example:
    asked, other = _mixed(ask_about(rng.choice(themes), rng), rng), rng.choice(themes)
    words = reason_for(other, rng.uniform(-2.0, 2.0), rng).split()
    if rng.random() < 0.5:
        rng.shuffle(words)
    return _framed(asked, " ".join(words), rng), _evenly(len(asked.options), rng)


def _synthesis(themes: Sequence[Theme], rng: random.Random) -> Example:
    theme = rng.choice(themes)
    said = rng.sample([*theme.plus, *theme.minus, *theme.between], rng.randint(3, 6))
    messages = [{"community": "", "description": "", "text": text} for text in said]
    text = f"Situation: {theme.situation}\nWhat should be considered here? Comment on it.\nComment:"
    prompt = load_prompts("default").render("synthesise", context=text, messages=messages)
    leads = rng.sample(_LEADS, len(said))
    return prompt, [" ".join(f"{lead} {reason}" for lead, reason in zip(leads, said, strict=True))]


def _attribute(rng: random.Random) -> str:
    """Any attribute of the train questions: it says who is meant, and nothing of what they think."""
    question = rng.choice(train_questions())
    return rng.choice([cell.attribute for cell in _cells(question)])


def _cells(question: SurveyQuestion) -> list[SurveyGroup | Population]:
    return [*question.groups, *question.populations]


MAKERS: dict[str, Callable[[Sequence[Theme], random.Random], Example]] = {
    "told": _told,
    "survey": _survey,
    "reasoned": _reasoned,
    "nothing": _nothing,
    "beside": _beside,
    "select": select,
    "route": route,
    "synthesis": _synthesis,
}
