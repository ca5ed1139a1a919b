"""The task files of Modular Pluralism (Feng et al., EMNLP 2024, arXiv 2406.15951), its ``_small`` test sets.

Only situations, questions, options and gold are taken from the files; every wording around them is this project's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from plural_tasks.schema import DistributionalItem, OvertonItem, SteerableItem, Value, check_distribution
from plural_tasks.sources.base import Source

REPOSITORY = "BunsenFeng/modular_pluralism"
COMMIT = "b0771b94bb15f4b375e1b3a8a63f59f220c96acb"
URL = f"https://raw.githubusercontent.com/{REPOSITORY}/{COMMIT}/input"

STANCES = ("Support", "Oppose", "Either")
CATEGORIES = {
    "POLPARTY": "political party",
    "POLIDEOLOGY": "political ideology",
    "RELIG": "religion",
    "RACE": "race",
    "EDUCATION": "education",
    "INCOME": "income",
    "CREGION": "region of the United States",
    "SEX": "sex",
}

_CITATION = "Feng et al. 2024, Modular Pluralism: Pluralistic Alignment via Multi-LLM Collaboration, EMNLP"
_SURVEY = re.compile(r"\s*Question:\s*(?P<question>.*?)\s*\nOptions:.*", re.DOTALL)
_SCENARIO = re.compile(r".*?\nScenario:\s*(?P<scenario>.*?)\s*\nA\. .*", re.DOTALL)
_SAMPLE_NOTE = re.compile(r"\s*\([^()]*sample[^()]*\)\s*$", re.IGNORECASE)


def _overton(row: Mapping[str, Any]) -> OvertonItem:
    names, reasons = _texts(row, "vrd"), _texts(row, "explanation")
    if len(names) != len(reasons):
        raise ValueError(f"field 'vrd' has {len(names)} values but 'explanation' has {len(reasons)}.")
    values = tuple(Value(name=name, explanation=reason) for name, reason in zip(names, reasons, strict=True))
    return OvertonItem(id=_id(row), question=_text(row, "situation"), values=values)


def _stance(row: Mapping[str, Any]) -> SteerableItem:
    label = row["label"]
    if label not in ("A", "B", "C"):
        raise ValueError(f"field 'label' is {label!r}, expected 'A' (support), 'B' (oppose) or 'C' (either).")
    value = _text(row, "vrd")
    question = (
        f"{_text(row, 'situation')}: does the value, right or duty “{value}” support this or oppose it, "
        "or could it do either?"
    )
    return SteerableItem(
        id=_id(row),
        question=question,
        attribute=value,
        options=STANCES,
        gold=("ABC".index(label),),
    )


def _opinion(row: Mapping[str, Any]) -> SteerableItem:
    code, separator, value = _text(row, "attribute").partition("_")
    if not separator or code not in CATEGORIES:
        known = ", ".join(CATEGORIES)
        raise ValueError(f"field 'attribute' is {row['attribute']!r}, expected CATEGORY_value with one of {known}.")
    shares = _shares(row)
    return SteerableItem(
        id=_id(row),
        question=_match(_SURVEY, _text(row, "question"))["question"],
        attribute=f"{CATEGORIES[code]}: {value}",
        options=_texts(row, "options"),
        gold=most_likely(shares),
        gold_distribution=shares,
        category=CATEGORIES[code],
    )


def _moral_choice(row: Mapping[str, Any]) -> DistributionalItem:
    scenario = _match(_SCENARIO, _text(row, "question"))["scenario"]
    return DistributionalItem(
        id=_id(row),
        question=f"{scenario} Which of these actions is the more moral one?",
        options=_texts(row, "options"),
        gold_distribution=_shares(row),
        stratum=_text(row, "attribute"),
    )


def _global_opinion(row: Mapping[str, Any]) -> DistributionalItem:
    return DistributionalItem(
        id=_id(row),
        question=_match(_SURVEY, _text(row, "question"))["question"],
        attribute=_SAMPLE_NOTE.sub("", _text(row, "attribute")),
        options=_texts(row, "options"),
        gold_distribution=_shares(row),
    )


def most_likely(shares: tuple[float, ...]) -> tuple[int, ...]:
    """Return the indices of all largest shares; several when they tie to within 1e-9."""
    top = max(shares)
    return tuple(index for index, share in enumerate(shares) if top - share < 1e-9)


def _id(row: Mapping[str, Any]) -> str:
    value = row["id"]
    if not isinstance(value, str | int):
        raise ValueError(f"field 'id': found {value!r}, expected text or a whole number.")
    return str(value)


def _text(row: Mapping[str, Any], field: str) -> str:
    value = row[field]
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"field {field!r}: found {value!r}, expected text.")
    return value


def _texts(row: Mapping[str, Any], field: str) -> tuple[str, ...]:
    values = row[field]
    if not isinstance(values, list) or not values:
        raise ValueError(f"field {field!r}: found {values!r}, expected a list of texts.")
    return tuple(_text({f"{field}.{place}": value}, f"{field}.{place}") for place, value in enumerate(values))


def _shares(row: Mapping[str, Any]) -> tuple[float, ...]:
    values = row["gold_distribution"]
    if not isinstance(values, list) or not values or not all(isinstance(value, float | int) for value in values):
        raise ValueError(f"field 'gold_distribution': found {values!r}, expected a list of shares.")
    check_distribution(values, len(_texts(row, "options")))
    return tuple(values)


def _match(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    found = pattern.fullmatch(text)
    if found is None:
        raise ValueError(f"field 'question' is not laid out as the task files are, found {text[:60]!r}.")
    return found


SOURCES = (
    Source(
        "overton_vk",
        "overton",
        "overton_test_valuekaleidoscope_small.json",
        _overton,
        url=URL,
        sha256="31ca4cab080be5f8f47268930b10aca34502ea77ce792c62d90a760d4f29e52b",
        licence="AI2 ImpACT medium risk (ValuePrism); never redistributed by this project",
        citation=f"{_CITATION}; Sorensen et al. 2024, Value Kaleidoscope, AAAI",
        known_issues=("Values and explanations were written by a model and rated by people.",),
    ),
    Source(
        "steerable_vk",
        "steerable",
        "steerable_test_valuekaleidoscope_small.json",
        _stance,
        url=URL,
        sha256="650c493a108d14eaa93b8c266c3c5909c208ec0f0f7b5e98e60eee5c9923d707",
        licence="AI2 ImpACT medium risk (ValuePrism); never redistributed by this project",
        citation=f"{_CITATION}; Sorensen et al. 2024, Value Kaleidoscope, AAAI",
        known_issues=("Half of the golds are 'Support': always answering A is right in 50.3 %.",),
    ),
    Source(
        "steerable_opinionqa",
        "steerable",
        "steerable_test_opinionqa_small.json",
        _opinion,
        url=URL,
        sha256="d399827b498d96874b4fa49b56a8f0e87c8eeecaa83673b9e19e79448ff67613",
        licence="Pew Research Center terms; never redistributed by this project",
        citation=f"{_CITATION}; Santurkar et al. 2023, Whose Opinions Do Language Models Reflect?, ICML",
        known_issues=("16 items have one option; 55 golds are tied (any of the tied options counts as right).",),
    ),
    Source(
        "distributional_moralchoice",
        "distributional",
        "distributional_test_moralchoice_small.json",
        _moral_choice,
        url=URL,
        sha256="d7f47d06f71be962b0fee4c573bdd2bc90b9846a04c9005041ddc087ecf8ddce",
        licence="CC-BY-4.0 (MoralChoice)",
        citation=f"{_CITATION}; Scherrer et al. 2023, Evaluating the Moral Beliefs Encoded in LLMs, NeurIPS",
        known_issues=(
            "Every low-ambiguity gold is [1, 0] and every high one [.5, .5]: a model that prefers A looks good.",
        ),
    ),
    Source(
        "distributional_globalopinionqa",
        "distributional",
        "distributional_test_globalopinionqa_small.json",
        _global_opinion,
        url=URL,
        sha256="047b8844e7c7f551a1ad6ef581b049aafa32844b7dd78188d9df9d564121101c",
        licence="CC-BY-NC-SA-4.0 (GlobalOpinionQA)",
        citation=f"{_CITATION}; Durmus et al. 2023, Towards Measuring the Representation of Subjective Global Opinions",
        known_issues=(
            "37 % of the items have a don't-know option.",
            "Sample notes after a country are removed.",
        ),
    ),
)
