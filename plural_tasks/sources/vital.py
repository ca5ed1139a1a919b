"""VITAL (Shetty et al., ACL 2025, arXiv 2502.13775): the health part of all tasks, in Modular Pluralism's format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from plural_tasks.schema import Item, Mode
from plural_tasks.sources import modular_pluralism
from plural_tasks.sources.base import Source

HOMEPAGE = "https://github.com/anudeex/VITAL"
VALUES_AND_POLLS = "0f1efa6e2fb02f61d19f75332641d9deea3c6bd2"
DISTRIBUTIONS = "10cbef9cc17b72fc161273c3827ba2e111b6d3ed"
"""Two commits, for the files came in two; each holds the files that are read at it."""

_CITATION = "Shetty et al. 2025, VITAL: A New Dataset for Benchmarking Pluralistic Alignment in Healthcare, ACL"
_HEALTH = "Some of the questions that were picked out of the other data sets as health questions are off topic."


def _source(
    name: str,
    mode: Mode,
    task: str,
    to_item: Callable[[Mapping[str, Any]], Item],
    revision: str,
    parent: str,
    *issues: str,
    **facts: Any,
) -> Source:
    return Source(
        name,
        mode,
        f"dataset/vital_{task}.json",
        to_item,
        url=f"https://raw.githubusercontent.com/anudeex/VITAL/{revision}",
        title=f"VITAL: {parent}",
        homepage=HOMEPAGE,
        revision=revision,
        known_issues=(_HEALTH, *issues),
        **facts,
    )


SOURCES = (
    _source(
        "overton_vital",
        "overton",
        "overton_valuekaleidoscope",
        modular_pluralism.overton,
        VALUES_AND_POLLS,
        "Value Kaleidoscope, Overton",
        "Values and explanations were written by a model and rated by people; some situations list a value twice.",
        licence="MIT; ValuePrism, from which it is taken, is under AI2 ImpACT medium risk, so that it is not published",
        citation=f"{_CITATION}; Sorensen et al. 2024, Value Kaleidoscope, AAAI",
    ),
    _source(
        "steerable_vital_vk",
        "steerable",
        "steerable_valuekaleidoscope",
        modular_pluralism.stance,
        "main",
        "Value Kaleidoscope, steerable",
        "Not pinned: the commit that holds this file is not known; the branch main is read.",
        licence="MIT; ValuePrism, from which it is taken, is under AI2 ImpACT medium risk, so that it is not published",
        citation=f"{_CITATION}; Sorensen et al. 2024, Value Kaleidoscope, AAAI",
    ),
    _source(
        "steerable_vital_opinionqa",
        "steerable",
        "steerable_opinionqa",
        modular_pluralism.opinion,
        VALUES_AND_POLLS,
        "OpinionQA",
        "Shares are counts of respondents, not weighted; small groups have a few dozen.",
        "Options with a comma or a quotation mark may be cut and without answers, as in Modular Pluralism's file.",
        licence="MIT; the answers behind it are under Pew Research Center terms, so that it is not published",
        citation=f"{_CITATION}; Santurkar et al. 2023, Whose Opinions Do Language Models Reflect?, ICML",
    ),
    _source(
        "distributional_vital_moralchoice",
        "distributional",
        "distributional_moralchoice",
        modular_pluralism.moral_choice,
        DISTRIBUTIONS,
        "MoralChoice",
        "Every low-ambiguity gold is [1, 0] and every high one [.5, .5]: a model that prefers A looks good.",
        redistribute=True,
        licence="MIT; MoralChoice, from which it is taken, is CC-BY-4.0",
        citation=f"{_CITATION}; Scherrer et al. 2023, Evaluating the Moral Beliefs Encoded in LLMs, NeurIPS",
    ),
    _source(
        "distributional_vital_globalopinionqa",
        "distributional",
        "distributional_globalopinionqa",
        modular_pluralism.global_opinion,
        DISTRIBUTIONS,
        "GlobalOpinionQA",
        "A question may occur with several samples of one country, whose shares differ.",
        licence="MIT; GlobalOpinionQA, from which it is taken, is CC-BY-NC-SA-4.0, so that it is not published",
        citation=f"{_CITATION}; Durmus et al. 2023, Towards Measuring the Representation of Subjective Global Opinions",
    ),
)
