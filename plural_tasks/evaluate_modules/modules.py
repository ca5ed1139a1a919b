"""The modules: what each computes, from what, and how it is described to people who meet it on the Hub."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from plural_tasks.judges import Judge, load_judge
from plural_tasks.judges.judging import judge_answers
from plural_tasks.metrics import balanced_accuracy, js_distance, macro_f1, tv_distance, wasserstein
from plural_tasks.utils.errors import ModPluralError, unknown_name

Inputs = Literal["distributions", "labels", "answers"]

INPUTS: Mapping[Inputs, str] = {
    "distributions": """
Args:
    predictions: for each question the predicted shares over its options (list of numbers, on any scale).
    references: for each question the shares of the population, over as many options.
Returns:
    the mean over the questions.
""",
    "labels": """
Args:
    predictions: predicted labels (text); None for an answer that could not be read, which is wrong.
    references: true labels (text).
    sample_weight: weight of each row; 1/k for each of k permutations of a question's options.
Returns:
    the score, 0..1.
""",
    "answers": """
Args:
    predictions: for each situation the answer (text).
    references: for each situation the explanations that the answer should cover (list of texts).
    judge: name of a judge, as plural_tasks.judges.load_judge takes it, or a judge.
Returns:
    means over the situations: coverage, coverage_33 (share of situations above 0.33), coverage_per_sentence,
    n_sentences.
""",
}
"""Kind of inputs -> their description, as ``evaluate`` shows it."""

CITATION = """\
@inproceedings{feng2024modular,
  title = {Modular Pluralism: Pluralistic Alignment via Multi-{LLM} Collaboration},
  author = {Feng, Shangbin and Sorensen, Taylor and Liu, Yuhan and Fisher, Jillian and Park, Chan Young and Choi, Yejin
            and Tsvetkov, Yulia},
  booktitle = {Proceedings of EMNLP},
  year = {2024},
  url = {https://arxiv.org/abs/2406.15951}
}
"""
"""The paper to cite for the metrics, as BibTeX."""


@dataclass(frozen=True)
class MetricModule:
    """A metric as ``evaluate`` knows it.

    Attributes:
        name: Name of the module, of its script and of its repository on the Hub.
        description: One sentence that says what is measured.
        remarks: Range, unit, and further arguments of ``compute``.
        inputs: What predictions and references are.
        compute: Takes ``predictions``, ``references`` and further arguments by name; returns figure -> value.
        example: Arguments of ``compute`` for the model card.
    """

    name: str
    description: str
    remarks: str
    inputs: Inputs
    compute: Callable[..., dict[str, float]]
    example: Mapping[str, Any]


Shares = Sequence[Sequence[float]]
Labels = Sequence[str | None]


def _mean(values: Sequence[float]) -> float:
    """Mean of the values; NaN without any."""
    return math.fsum(values) / len(values) if values else math.nan


def _mean_distance(distance: Callable[..., float], predictions: Shares, references: Shares) -> float:
    return _mean([distance(p, q) for p, q in zip(predictions, references, strict=True)])


def _js_distance(predictions: Shares, references: Shares, base: float = 2.0) -> dict[str, float]:
    return {"js_distance": _mean_distance(partial(js_distance, base=base), predictions, references)}


def _tv_distance(predictions: Shares, references: Shares) -> dict[str, float]:
    return {"tv_distance": _mean_distance(tv_distance, predictions, references)}


def _wasserstein(predictions: Shares, references: Shares) -> dict[str, float]:
    return {"wasserstein": _mean_distance(wasserstein, predictions, references)}


def _balanced_accuracy(
    predictions: Labels, references: Sequence[str], sample_weight: Sequence[float] | None = None
) -> dict[str, float]:
    return {"balanced_accuracy": balanced_accuracy(references, predictions, sample_weight)}


def _macro_f1(
    predictions: Labels,
    references: Sequence[str],
    labels: Sequence[str] | None = None,
    sample_weight: Sequence[float] | None = None,
) -> dict[str, float]:
    if labels is None:
        raise ModPluralError(
            "macro_f1_strict: labels is missing; give compute(…, labels=[…]) all labels that an answer may have, "
            "whether or not they occur."
        )
    return {"macro_f1": macro_f1(references, predictions, labels, sample_weight)}


def _value_coverage(
    predictions: Sequence[str], references: Sequence[Sequence[str]], judge: str | Judge = "nli"
) -> dict[str, float]:
    """Coverage by a judge, which is asked once, about the pairs of all answers."""
    chosen = load_judge(judge) if isinstance(judge, str) else judge
    judged = judge_answers(chosen, references, predictions, reverse=False)
    names = ("coverage", "coverage_33", "coverage_per_sentence", "n_sentences")
    return {name: _mean([float(getattr(answer, name)) for answer in judged]) for name in names}


_SHARES = {"predictions": [[0.7, 0.3], [0.2, 0.3, 0.5]], "references": [[0.5, 0.5], [0.5, 0.3, 0.2]]}
_LABELS = {"predictions": ["A", None, "B"], "references": ["A", "A", "B"]}

MODULES: Mapping[str, MetricModule] = {
    module.name: module
    for module in (
        MetricModule(
            name="balanced_accuracy_strict",
            description="Balanced accuracy in which an unreadable answer is wrong and forms no class.",
            remarks="0..1: the mean over the true classes of the share of their rows that are right.",
            inputs="labels",
            compute=_balanced_accuracy,
            example=_LABELS,
        ),
        MetricModule(
            name="js_distance",
            description="Jensen-Shannon distance between predicted and reference distributions over options.",
            remarks="0..1 in base 2; base=math.e gives the natural logarithm (0..0.8326). Lower is better. Lin (1991).",
            inputs="distributions",
            compute=_js_distance,
            example=_SHARES,
        ),
        MetricModule(
            name="macro_f1_strict",
            description="Macro-F1 over the true label set, in which an unreadable answer is wrong and forms no class.",
            remarks="0..1. The argument labels is needed: all labels that an answer may have.",
            inputs="labels",
            compute=_macro_f1,
            example={**_LABELS, "labels": ["A", "B", "C"]},
        ),
        MetricModule(
            name="tv_distance",
            description="Total variation distance between predicted and reference distributions over options.",
            remarks="0..1: half the sum of the absolute differences of shares. Lower is better.",
            inputs="distributions",
            compute=_tv_distance,
            example=_SHARES,
        ),
        MetricModule(
            name="value_coverage",
            description="Coverage of the values that bear on a situation by answers to it, by an entailment judge.",
            remarks="0..1. judge='lexical' needs no model; the default, 'nli', loads one.",
            inputs="answers",
            compute=_value_coverage,
            example={"predictions": ["They work."], "references": [["Shops work."]], "judge": "lexical"},
        ),
        MetricModule(
            name="wasserstein",
            description="Wasserstein distance between distributions over options that stand in an order of degree.",
            remarks="0..1: the options stand equally spaced from 0 to 1. Lower is better.",
            inputs="distributions",
            compute=_wasserstein,
            example=_SHARES,
        ),
    )
}
"""Name -> module, sorted by name."""


def find(name: str) -> MetricModule:
    """Return the module of a name.

    Raises:
        ModPluralError: If no module is called so.
    """
    if name not in MODULES:
        raise unknown_name("evaluate module", name, MODULES)
    return MODULES[name]
