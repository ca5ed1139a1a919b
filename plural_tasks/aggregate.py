"""The harness's ``aggregation``: per-document values of a whole task in, one figure out.

A value that cannot be scored is NaN and is left out; where nothing is left the figure is NaN.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from plural_tasks import metrics
from plural_tasks.metrics.constants import Places, Question, best_of_question, best_place
from plural_tasks.metrics.paper import paper_binary_scores, paper_three_way_scores

Clustered = Sequence[tuple[float, str]]
"""For each document a value and its question."""

Grouped = Sequence[tuple[float, str, str]]
"""For each document a value, its group ("" for none) and its question."""


class Breakdown(tuple[dict[str, Any], ...]):
    """A record for each group: ``group``, ``n``, ``mean``, ``se``.

    The harness's JSON file shows them as a list; its table, which would write them all into one cell, shows their
    number and the range of their means.
    """

    def __str__(self) -> str:
        """Sum up in a few words."""
        means = [record["mean"] for record in self if not math.isnan(record["mean"])]
        return f"{len(self)} groups, {min(means):.4f} to {max(means):.4f}" if means else "no group"

    __repr__ = __str__


def mean(values: Sequence[float]) -> float:
    """Mean of the scored values."""
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else math.nan


def count(values: Sequence[float]) -> int:
    """How many values are scored."""
    return sum(not math.isnan(value) for value in values)


def clustered_se(pairs: Clustered) -> float:
    """Standard error of the mean, clustered by question; pairs of value and cluster."""
    return metrics.clustered_se([value for value, _ in pairs], [cluster for _, cluster in pairs])


def by_group(rows: Grouped) -> Breakdown:
    """Number, mean and standard error (clustered by question) of each group."""
    return Breakdown({"group": name, **figure._asdict()} for name, figure in _groups(rows).items())


def highest_group(rows: Grouped) -> float:
    """Mean of the worst-off group, where lower is better; NaN when no group has `metrics.groups.MINIMUM_N` rows."""
    return _worst(rows, higher_is_better=False)


def lowest_group(rows: Grouped) -> float:
    """Mean of the worst-off group, where higher is better; NaN when no group has `metrics.groups.MINIMUM_N` rows."""
    return _worst(rows, higher_is_better=True)


def _worst(rows: Grouped, *, higher_is_better: bool) -> float:
    figures = _groups(rows)
    name = metrics.worst_group(figures, higher_is_better=higher_is_better)
    return math.nan if name is None else figures[name].mean


def _groups(rows: Grouped) -> dict[str, metrics.GroupFigure]:
    values, groups, clusters = zip(*rows, strict=True)
    return metrics.by_group(values, groups, clusters)


def shared_text(values: Sequence[str]) -> str:
    """The text that all documents share, or all texts joined (documents of different judges)."""
    return " / ".join(dict.fromkeys(values))


def majority(records: Sequence[Places]) -> float:
    """Mean score of always answering with the place that does best; see `plural_tasks.metrics.constants.best_place`."""
    return mean(best_place(records))


def unsteered(records: Sequence[Question]) -> float:
    """Mean score of the best answer to each question that ignores who is asked (`best_of_question`)."""
    return mean(best_of_question(records))


def mean_of_questions(pairs: Clustered) -> float:
    """Mean over questions of their means: a question asked of many groups counts like one asked of a few."""
    questions: dict[str, list[float]] = {}
    for value, cluster in pairs:
        if not math.isnan(value):
            questions.setdefault(cluster, []).append(value)
    return mean([math.fsum(values) / len(values) for values in questions.values()])


STANCES = ("Support", "Oppose", "Either")
"""The options of Value Kaleidoscope, over which figures by class are taken, whether or not all are right somewhere."""

Record = tuple[str, Sequence[str | None]]
"""A document's right option, and the option picked in each order (None: not readable)."""


def balanced_accuracy(records: Sequence[Record]) -> float:
    """Mean recall over the options that are right somewhere; each order of a document counts 1/k."""
    gold, picked, weights = _spread(records)
    return metrics.balanced_accuracy(gold, picked, weights) if gold else math.nan


def macro_f1(records: Sequence[Record]) -> float:
    """Mean F1 over `STANCES`: an unreadable answer is wrong but no class of its own."""
    return _macro_f1(records, STANCES)


def binary_accuracy(records: Sequence[Record]) -> float:
    """Accuracy over the documents whose right option is not "Either": the same ones for every model."""
    hits = [math.fsum(choice == gold for choice in picked) / len(picked) for gold, picked in _decided(records)]
    return mean(hits)


def binary_balanced_accuracy(records: Sequence[Record]) -> float:
    """`balanced_accuracy` over the documents whose right option is not "Either"."""
    return balanced_accuracy(_decided(records))


def binary_macro_f1(records: Sequence[Record]) -> float:
    """F1 over support and oppose, of the documents whose right option is not "Either"."""
    return _macro_f1(_decided(records), STANCES[:2])


def _macro_f1(records: Sequence[Record], labels: Sequence[str]) -> float:
    gold, picked, weights = _spread(records)
    return metrics.macro_f1(gold, picked, labels, weights) if gold else math.nan


def _decided(records: Sequence[Record]) -> list[Record]:
    return [(gold, picked) for gold, picked in records if gold != STANCES[2]]


def _spread(records: Sequence[Record]) -> tuple[list[str], list[str | None], list[float]]:
    """One row for each answer, weighted so that every document counts the same."""
    rows = [(gold, choice, 1.0 / len(picked)) for gold, picked in records for choice in picked]
    return [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]


Pair = tuple[str, str | None]
"""A document's right letter, and the one that the published rules read (None: not readable)."""


def paper_balanced_accuracy(pairs: Sequence[Pair]) -> float:
    """Balanced accuracy of the published code."""
    return paper_three_way_scores(*_columns(pairs))["balanced_accuracy"]


def paper_macro_f1(pairs: Sequence[Pair]) -> float:
    """Macro-F1 of the published code, with unreadable answers as a class."""
    return paper_three_way_scores(*_columns(pairs))["macro_f1"]


def paper_binary_accuracy(pairs: Sequence[Pair]) -> float:
    """Binary accuracy of the published code, which drops the documents where the model says "either"."""
    return paper_binary_scores(*_columns(pairs))["accuracy"]


def paper_binary_balanced_accuracy(pairs: Sequence[Pair]) -> float:
    """Binary balanced accuracy of the published code."""
    return paper_binary_scores(*_columns(pairs))["balanced_accuracy"]


def paper_binary_macro_f1(pairs: Sequence[Pair]) -> float:
    """Binary macro-F1 of the published code."""
    return paper_binary_scores(*_columns(pairs))["macro_f1"]


def _columns(pairs: Sequence[Pair]) -> tuple[list[str], list[str | None]]:
    return [gold for gold, _ in pairs], [said for _, said in pairs]
