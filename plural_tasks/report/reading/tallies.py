"""Counted answers of a run with ``elicitation=sample``, from its results file.

Samples hold the smoothed distribution; with several prompts, or where drawing ended early, it does not tell how many
answers stand behind it. So the results state them under ``config.modplural.drawn``: task -> the harness's number of the
document -> a text. ``0.75: 3 0 1; 0.25: 2 2 0 | …`` are two prompts with their weights and counted answers for each
option as shown; a bar divides the orders of the options, and prompts without an answer that counts are left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from plural_tasks.metrics.montecarlo import smoothed
from plural_tasks.metrics.permutations import restore
from plural_tasks.report.reading.answers import Answer
from plural_tasks.report.reading.runs import Run
from plural_tasks.utils.errors import ModPluralError

_ROUNDING = 1e-4
"""Weights are written with six digits."""


@dataclass(frozen=True)
class Tally:
    """The answers behind one document's distribution.

    Attributes:
        orders: For each order of the options the prompts with an answer that counts: weight, and how often each option
            was picked, in the study's order.
        smoothing: Answers of each option that are added.
    """

    orders: tuple[tuple[tuple[float, tuple[int, ...]], ...], ...]
    smoothing: float

    @property
    def counted(self) -> list[int]:
        """Answers of each prompt."""
        return [sum(counts) for order in self.orders for _, counts in order]


def read_tally(run: Run, task: str, answer: Answer) -> Tally | None:
    """Return what was counted for a document; None where the results do not say.

    Raises:
        ModPluralError: If what they say cannot be read, or gives another distribution than the samples hold.
    """
    where = f"{run.path}: config.modplural.drawn, task {task!r}, document {answer.number}"
    text = _text(run, task, answer)
    if text is None:
        return None
    tally = _parse(text, answer, _smoothing(run), where)
    for shares, order in zip(answer.shares, tally.orders, strict=True):
        made = _mixture(order, tally.smoothing, answer.options)
        if not all(math.isclose(a, b, abs_tol=_ROUNDING) for a, b in zip(shares, made, strict=True)):
            raise ModPluralError(
                f"{where}: {text!r} gives the shares {_plain(made)}, but the samples hold {_plain(shares)}; the files "
                "do not belong together."
            )
    return tally


def _text(run: Run, task: str, answer: Answer) -> str | None:
    found: Any = run.data["config"]["modplural"]
    for name in ("drawn", task, str(answer.number)):
        found = found.get(name) if isinstance(found, Mapping) else None
    return None if found is None else str(found)


def _smoothing(run: Run) -> float:
    value = run.data["config"]["modplural"]["elicitation"].get("smoothing")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.0 <= value < math.inf:
        raise ModPluralError(
            f"{run.path}: config.modplural.elicitation: smoothing is {value!r}, expected a number that is not negative."
        )
    return float(value)


def _parse(text: str, answer: Answer, smoothing: float, where: str) -> Tally:
    try:
        orders = tuple(
            tuple(_prompt(part, order) for part in shown.split(";") if part.strip())
            for shown, order in zip(text.split("|"), answer.orders, strict=True)
        )
    except ValueError as error:
        raise ModPluralError(
            f"{where}: found {text!r}, expected for each of {len(answer.orders)} orders of the options (divided by "
            f"'|') the prompts (divided by ';') as 'WEIGHT: COUNTS' with {answer.options} counts."
        ) from error
    return Tally(orders, smoothing)


def _prompt(part: str, order: tuple[int, ...]) -> tuple[float, tuple[int, ...]]:
    weight, _, counts = part.partition(":")
    found = float(weight), tuple(restore([int(count) for count in counts.split()], order))
    if not 0.0 < found[0] < math.inf or min(found[1]) < 0 or not any(found[1]):
        raise ValueError(part)
    return found


def _mixture(order: tuple[tuple[float, tuple[int, ...]], ...], smoothing: float, options: int) -> list[float]:
    total = math.fsum(weight for weight, _ in order)
    rows = [(weight / total, smoothed(counts, smoothing)) for weight, counts in order]
    return [math.fsum(weight * row[place] for weight, row in rows) for place in range(options)]


def _plain(shares: Any) -> str:
    return " ".join(f"{share:.4g}" for share in shares)
