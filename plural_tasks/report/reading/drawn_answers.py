"""Counted answers of a run with ``elicitation=sample``, from its results file.

Samples hold the smoothed distribution; with several prompts, or where drawing ended early, it does not tell how many
answers stand behind it. So the results state them under ``config.modplural.drawn``: task -> the harness's number of the
document -> a list with an entry for each order of the options, which lists the prompts that were answered::

    [[{"weight": 0.75, "counts": [3, 0, 1]}, {"weight": 0.25, "counts": [2, 2, 0]}]]

``counts`` says how often each option was picked, in the order shown. Prompts without an answer that counts are left
out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, field_validator

from plural_tasks.metrics.montecarlo import smoothed
from plural_tasks.metrics.permutations import restore
from plural_tasks.report.reading.distributions import ModelDistributions
from plural_tasks.report.reading.runs import Run
from plural_tasks.utils.checked import Checked, parse
from plural_tasks.utils.errors import ModPluralError

_TOLERANCE = 1e-6
"""Largest difference of a share from the one that the counts give, which went through a logarithm."""


class PromptCounts(Checked):
    """The answers that one prompt was given.

    Attributes:
        weight: Weight of the prompt in the mixture, above 0.
        counts: How often each option was picked; at least one was.
    """

    weight: Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
    counts: tuple[Annotated[int, Field(ge=0)], ...]

    @field_validator("counts")
    @classmethod
    def _check_counts(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if not any(value):
            raise ValueError("expected an answer of one option at least.")
        return value


class _DocumentCounts(Checked):
    orders: tuple[tuple[PromptCounts, ...], ...]


@dataclass(frozen=True)
class DrawnAnswers:
    """The answers behind one document's distribution.

    Attributes:
        orders: For each order of the options the prompts with an answer that counts, their counts in the study's order.
        smoothing: Number of answers that is added to each option's count.
    """

    orders: tuple[tuple[PromptCounts, ...], ...]
    smoothing: float

    @property
    def counted(self) -> list[int]:
        """Number of answers of each prompt."""
        return [sum(prompt.counts) for order in self.orders for prompt in order]


def read_drawn_answers(run: Run, task: str, answer: ModelDistributions) -> DrawnAnswers | None:
    """Return what was counted for a document; None where the results do not say.

    Raises:
        ModPluralError: If what they say cannot be read, or gives another distribution than the samples hold.
    """
    where = f"{run.path}: config.modplural.drawn, task {task!r}, document {answer.number}"
    found = _entry(run, task, answer)
    if found is None:
        return None
    drawn = DrawnAnswers(_orders(found, answer, where), _smoothing(run))
    for shares, order in zip(answer.shares, drawn.orders, strict=True):
        made = _mixture(order, drawn.smoothing, answer.options)
        if not all(math.isclose(a, b, abs_tol=_TOLERANCE) for a, b in zip(shares, made, strict=True)):
            raise ModPluralError(
                f"{where}: the counts give the shares {_plain(made)}, but the samples hold {_plain(shares)}; the files "
                "do not belong together."
            )
    return drawn


def _entry(run: Run, task: str, answer: ModelDistributions) -> Any:
    found: Any = run.data["config"]["modplural"]
    for name in ("drawn", task, str(answer.number)):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _smoothing(run: Run) -> float:
    value = run.data["config"]["modplural"]["elicitation"].get("smoothing")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.0 <= value < math.inf:
        raise ModPluralError(
            f"{run.path}: config.modplural.elicitation: smoothing is {value!r}, expected a number that is not negative."
        )
    return float(value)


def _orders(found: object, answer: ModelDistributions, where: str) -> tuple[tuple[PromptCounts, ...], ...]:
    shown = parse(_DocumentCounts, {"orders": found}, where=where).orders
    if len(shown) != len(answer.orders) or any(len(one.counts) != answer.options for order in shown for one in order):
        raise ModPluralError(
            f"{where}: expected a list of prompts for each of {len(answer.orders)} orders of the options, with "
            f"{answer.options} counts each, found {found!r}."
        )
    return tuple(
        tuple(PromptCounts(weight=one.weight, counts=tuple(restore(one.counts, places))) for one in order)
        for order, places in zip(shown, answer.orders, strict=True)
    )


def _mixture(order: Sequence[PromptCounts], smoothing: float, options: int) -> list[float]:
    total = math.fsum(prompt.weight for prompt in order)
    rows = [(prompt.weight / total, smoothed(prompt.counts, smoothing)) for prompt in order]
    return [math.fsum(weight * row[place] for weight, row in rows) for place in range(options)]


def _plain(shares: Sequence[float]) -> str:
    return " ".join(f"{share:.4g}" for share in shares)
