"""The three kinds of item, one for each mode of pluralistic alignment (Sorensen et al., 2024, arXiv 2402.05070).

Gold fields (what an answer is compared with) and visible fields (what a model may see) are kept apart by
`VISIBLE_FIELDS`: prompts are rendered from these alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Literal, get_args

from pydantic import Field, StringConstraints, model_validator

from plural_tasks.checked import Checked

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]

VISIBLE_FIELDS = ("id", "mode", "question", "attribute", "options")
"""The white list: the only document fields that a prompt may be made of."""

SUM_TOLERANCE = 0.01
"""Published shares are rounded to two digits; a larger gap from 1 is a mistake in the data."""

LABELS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")


Mode = Literal["overton", "steerable", "distributional"]
MODES: tuple[Mode, ...] = get_args(Mode)


class Value(Checked):
    """A value, right or duty that bears on a situation, with the reason why."""

    name: Text
    explanation: Text


class OvertonItem(Checked):
    """A situation to comment on; a good answer covers all ``values``."""

    id: Text
    question: Text
    values: Annotated[tuple[Value, ...], Field(min_length=1)]


class SteerableItem(Checked):
    """A question to be answered as ``attribute`` would; ``gold`` are the indices of the right options.

    ``gold`` has one index, or several where the population's answer is tied. ``gold_distribution``, where known,
    holds the shares of the attribute's group over the options. ``category`` groups attributes for reports.
    """

    id: Text
    question: Text
    attribute: Text
    options: Annotated[tuple[Text, ...], Field(min_length=1, max_length=len(LABELS))]
    gold: Annotated[tuple[int, ...], Field(min_length=1)]
    gold_distribution: tuple[Share, ...] | None = None
    category: str = ""

    @model_validator(mode="after")
    def _check(self) -> SteerableItem:
        bad = [index for index in self.gold if not 0 <= index < len(self.options)]
        if bad:
            raise ValueError(f"gold {bad[0]} is not an index of the {len(self.options)} options.")
        if self.gold_distribution is not None:
            check_distribution(self.gold_distribution, len(self.options))
        return self


class DistributionalItem(Checked):
    """A question whose ``options`` a population chose in the shares of ``gold_distribution``.

    ``attribute`` names the population where there is one. ``stratum`` groups items for reports; it may give the
    gold away (MoralChoice's ambiguity level does), so it is never shown to a model.
    """

    id: Text
    question: Text
    attribute: str = ""
    options: Annotated[tuple[Text, ...], Field(min_length=1, max_length=len(LABELS))]
    gold_distribution: tuple[Share, ...]
    stratum: str = ""

    @model_validator(mode="after")
    def _check(self) -> DistributionalItem:
        check_distribution(self.gold_distribution, len(self.options))
        return self


Item = OvertonItem | SteerableItem | DistributionalItem


def check_distribution(shares: Iterable[float], n_options: int) -> None:
    """Check that ``shares`` are ``n_options`` finite numbers that sum to 1 within `SUM_TOLERANCE`.

    Raises:
        ValueError: With what was found and what was expected.
    """
    values = tuple(shares)
    if len(values) != n_options:
        raise ValueError(f"gold_distribution has {len(values)} shares for {n_options} options.")
    if not all(math.isfinite(value) for value in values):
        raise ValueError("gold_distribution holds a value that is not finite.")
    total = math.fsum(values)
    if abs(total - 1.0) > SUM_TOLERANCE + 1e-9:  # three shares of .33 miss 1 by .01 and a hair of rounding
        raise ValueError(f"gold_distribution sums to {total:.4g}, expected 1 (within {SUM_TOLERANCE}).")
