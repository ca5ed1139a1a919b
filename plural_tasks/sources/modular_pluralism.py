"""The task files of Modular Pluralism (Feng et al., EMNLP 2024, arXiv 2406.15951), its ``_small`` test sets.

Only situations, questions, options and gold are taken from the files; every wording around them is this project's.
Files of the same format, like those of VITAL, are read with the functions here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from plural_tasks.schema import DistributionalItem, Item, Mode, OvertonItem, SteerableItem, Value
from plural_tasks.sources.base import Source
from plural_tasks.sources.countries import country
from plural_tasks.sources.dont_know import dont_know
from plural_tasks.sources.fields import cluster_of, identifier, shares, text, texts
from plural_tasks.sources.scales import is_ordinal
from plural_tasks.sources.wording import CATEGORIES, moral_question, opinion_item, stance_item

REPOSITORY = "BunsenFeng/modular_pluralism"
COMMIT = "b0771b94bb15f4b375e1b3a8a63f59f220c96acb"
HOMEPAGE = f"https://github.com/{REPOSITORY}"
URL = f"https://raw.githubusercontent.com/{REPOSITORY}/{COMMIT}/input"

CITATION = "Feng et al. 2024, Modular Pluralism: Pluralistic Alignment via Multi-LLM Collaboration, EMNLP"
_NO_LICENCE = "the task file itself, in the authors' repository, carries no licence, so that it is not published"
_WHOLE = ("legal", "illegal", "neither", "better", "less", "many of the", "few of the")
"""How options of OpinionQA begin that rightly have no capital; any other is the rest of an option that was cut."""

_SURVEY = re.compile(r"\s*Question:\s*(?P<question>.*?)\s*\nOptions:.*", re.DOTALL)
_SCENARIO = re.compile(r".*?\nScenario:\s*(?P<scenario>.*?)\s*\nA\. .*", re.DOTALL)


def overton(row: Mapping[str, Any]) -> OvertonItem:
    """Read a record of ``overton_test_valuekaleidoscope``."""
    names, reasons = texts(row, "vrd"), texts(row, "explanation")
    if len(names) != len(reasons):
        raise ValueError(f"field 'vrd' has {len(names)} values but 'explanation' has {len(reasons)}.")
    situation = text(row, "situation")
    values = tuple(Value(name=name, explanation=reason) for name, reason in zip(names, reasons, strict=True))
    return OvertonItem(id=identifier(row), question=situation, values=values, cluster=cluster_of(situation))


def stance(row: Mapping[str, Any]) -> SteerableItem:
    """Read a record of ``steerable_test_valuekaleidoscope``."""
    label = row["label"]
    if label not in ("A", "B", "C"):
        raise ValueError(f"field 'label' is {label!r}, expected 'A' (support), 'B' (oppose) or 'C' (either).")
    return stance_item(identifier(row), text(row, "situation"), text(row, "vrd"), "ABC".index(label))


def opinion(row: Mapping[str, Any]) -> SteerableItem:
    """Read a record of ``steerable_test_opinionqa``."""
    code, separator, group = text(row, "attribute").partition("_")
    if not separator or code not in CATEGORIES:
        known = ", ".join(CATEGORIES)
        raise ValueError(f"field 'attribute' is {row['attribute']!r}, expected CATEGORY_value with one of {known}.")
    options = texts(row, "options")
    gold = shares(row, "gold_distribution", len(options))
    item = opinion_item(
        identifier(row),
        _match(_SURVEY, text(row, "question"))["question"],
        code,
        group,
        options,
        gold,
        ordinal=is_ordinal(options, dont_know(options)),
    )
    return item.model_copy(update={"fault": lost_answers(options, gold)})


def lost_answers(options: Sequence[str], gold: Sequence[float]) -> str:
    """Say whether answers are missing from an OpinionQA gold, or return "".

    The makers of the files read the options out of a printed list, which cut them at commas and quotation marks, and
    took the answer "None" for no answer; who gave such an answer is in no share.
    """
    never = [option for option, share in zip(options, gold, strict=True) if share == 0.0]
    if any(_is_rest(option) for option in never):
        return "options were cut, and the answers of those who chose them lost"
    return "the answers of those who chose 'None' are lost" if "None" in never else ""


def _is_rest(option: str) -> bool:
    return option[0] in "'\"" or (option[0].islower() and not option.startswith(_WHOLE))


def moral_choice(row: Mapping[str, Any]) -> DistributionalItem:
    """Read a record of ``distributional_test_moralchoice``."""
    scenario = _match(_SCENARIO, text(row, "question"))["scenario"]
    options = texts(row, "options")
    return DistributionalItem(
        id=identifier(row),
        question=moral_question(scenario),
        options=options,
        gold_distribution=shares(row, "gold_distribution", len(options)),
        stratum=text(row, "attribute"),
        cluster=cluster_of(scenario),
    )


def global_opinion(row: Mapping[str, Any]) -> DistributionalItem:
    """Read a record of ``distributional_test_globalopinionqa``."""
    question = _match(_SURVEY, text(row, "question"))["question"]
    options = texts(row, "options")
    place = country(text(row, "attribute"))
    unknown = dont_know(options)
    return DistributionalItem(
        id=identifier(row),
        question=question,
        attribute=place.name,
        options=options,
        gold_distribution=shares(row, "gold_distribution", len(options)),
        stratum=place.continent,
        cluster=cluster_of(question),
        dont_know=unknown,
        ordinal=is_ordinal(options, unknown),
    )


def _match(pattern: re.Pattern[str], asked: str) -> re.Match[str]:
    found = pattern.fullmatch(asked)
    if found is None:
        raise ValueError(f"field 'question' is not laid out as the task files are, found {asked[:60]!r}.")
    return found


def _source(
    name: str, mode: Mode, filename: str, to_item: Callable[[Mapping[str, Any]], Item], sha256: str, **facts: Any
) -> Source:
    return Source(name, mode, filename, to_item, url=URL, sha256=sha256, homepage=HOMEPAGE, revision=COMMIT, **facts)


SOURCES = (
    _source(
        "overton_vk",
        "overton",
        "overton_test_valuekaleidoscope_small.json",
        overton,
        "31ca4cab080be5f8f47268930b10aca34502ea77ce792c62d90a760d4f29e52b",
        title="Modular Pluralism: Value Kaleidoscope, Overton",
        licence="AI2 ImpACT medium risk (ValuePrism); never redistributed by this project",
        citation=f"{CITATION}; Sorensen et al. 2024, Value Kaleidoscope, AAAI",
        known_issues=("Values and explanations were written by a model and rated by people.",),
    ),
    _source(
        "steerable_vk",
        "steerable",
        "steerable_test_valuekaleidoscope_small.json",
        stance,
        "650c493a108d14eaa93b8c266c3c5909c208ec0f0f7b5e98e60eee5c9923d707",
        title="Modular Pluralism: Value Kaleidoscope, steerable",
        licence="AI2 ImpACT medium risk (ValuePrism); never redistributed by this project",
        citation=f"{CITATION}; Sorensen et al. 2024, Value Kaleidoscope, AAAI",
        known_issues=("Half of the golds are 'Support': always answering A is right in 50.3 %.",),
    ),
    _source(
        "steerable_opinionqa",
        "steerable",
        "steerable_test_opinionqa_small.json",
        opinion,
        "d399827b498d96874b4fa49b56a8f0e87c8eeecaa83673b9e19e79448ff67613",
        title="Modular Pluralism: OpinionQA",
        licence="Pew Research Center terms; never redistributed by this project",
        citation=f"{CITATION}; Santurkar et al. 2023, Whose Opinions Do Language Models Reflect?, ICML",
        known_issues=(
            "16 items have one option; 55 golds are tied (any of the tied options counts as right).",
            "Shares are counts of respondents, not weighted.",
            "348 items have options that were cut at a comma or a quotation mark, and 62 more an option 'None': the "
            "answers of the people who chose these are missing from the gold.",
        ),
    ),
    _source(
        "distributional_moralchoice",
        "distributional",
        "distributional_test_moralchoice_small.json",
        moral_choice,
        "d7f47d06f71be962b0fee4c573bdd2bc90b9846a04c9005041ddc087ecf8ddce",
        title="Modular Pluralism: MoralChoice",
        licence=f"CC-BY-4.0 (MoralChoice) for the data; {_NO_LICENCE}",
        citation=f"{CITATION}; Scherrer et al. 2023, Evaluating the Moral Beliefs Encoded in LLMs, NeurIPS",
        known_issues=(
            "Every low-ambiguity gold is [1, 0] and every high one [.5, .5]: a model that prefers A looks good.",
        ),
    ),
    _source(
        "distributional_globalopinionqa",
        "distributional",
        "distributional_test_globalopinionqa_small.json",
        global_opinion,
        "047b8844e7c7f551a1ad6ef581b049aafa32844b7dd78188d9df9d564121101c",
        title="Modular Pluralism: GlobalOpinionQA",
        licence=f"CC-BY-NC-SA-4.0 (GlobalOpinionQA) for the data; {_NO_LICENCE}",
        citation=f"{CITATION}; Durmus et al. 2023, Towards Measuring the Representation of Subjective Global Opinions",
        known_issues=(
            '46 % of the items have an option that states no opinion: 37 % "DK/Refused", 9 % the codes of the World '
            "Values Survey.",
            "Countries are spelt in one way and notes on the sample are removed (13 % of the items), so that 35 "
            "prompts occur two or three times with the shares of different samples (71 items).",
            'In 9 items the last line of the printed table ("Total N=") passes for an option and takes half of the '
            "mass; it is marked like a don't-know.",
            'In some Pew questions the answer lists of several waves are mixed ("Good, Bad, Good thing, Bad thing").',
        ),
    ),
)
