"""The three kinds of item, one for each mode of pluralistic alignment (Sorensen et al., 2024, arXiv 2402.05070).

Gold fields (what an answer is compared with) and visible fields (what a model may see) are kept apart by
`VISIBLE_FIELDS`: prompts are rendered from these alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Literal, get_args

from pydantic import Field, StringConstraints, model_validator
from typing_extensions import Self

from plural_tasks.utils.checked import Checked

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]

VISIBLE_FIELDS = ("id", "mode", "question", "attribute", "options", "order", "asked")
"""The white list: the only document fields that a prompt may be made of.

``order`` says how ``options`` are shuffled, ``asked`` are the options as communities see them; both are there only
where a task shows options in several orders.
"""

SUM_TOLERANCE = 0.01
"""Published shares are rounded to two digits; a larger gap from 1 is a mistake in the data."""

LABELS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")


Mode = Literal["overton", "steerable", "distributional"]
MODES: tuple[Mode, ...] = get_args(Mode)


Split = Literal["train", "test"]


class Value(Checked):
    """A value, right or duty that bears on a situation, with the reason why."""

    name: Text
    explanation: Text
    kind: Literal["", "value", "right", "duty"] = ""


class _Base(Checked):
    """What items of all modes have.

    Attributes:
        id: Unique within its source.
        question: What is asked, in full; no options, no attribute.
        cluster: Name shared by all items that ask the same question (of other groups, say): standard errors are
            clustered by it. "" stands for the question's own text.
        split: ``test``, or ``train`` for items that communities may be trained on. All items of a cluster are in one.
        study: Name of the survey or collection behind the item; "" where there is only one.
        fault: Why the gold is known to be wrong; "" where it is not. ``corrected`` scoring leaves such items out.
    """

    id: Text
    question: Text
    cluster: str = ""
    split: Split = "test"
    study: str = ""
    fault: str = ""


class OvertonItem(_Base):
    """A situation to comment on; a good answer covers all ``values``."""

    values: Annotated[tuple[Value, ...], Field(min_length=1)]


class _Closed(_Base):
    """What items with answer options have.

    Attributes:
        options: Texts of the answers, in the study's order.
        ordinal: The options, those of ``dont_know`` left out, stand in an order of degree.
        dont_know: Indices of options that state no opinion ("Don't know", "No answer", "Refused").
        sample_size: Number of respondents behind the shares.
        standard_errors: Standard error of each share, 0..1.
    """

    options: Annotated[tuple[Text, ...], Field(min_length=1, max_length=len(LABELS))]
    ordinal: bool = False
    dont_know: tuple[int, ...] = ()
    sample_size: Annotated[int, Field(ge=1)] | None = None
    standard_errors: tuple[Share, ...] | None = None

    @model_validator(mode="after")
    def _check_options(self) -> Self:
        check_indices("dont_know", self.dont_know, len(self.options))
        if self.standard_errors is not None and len(self.standard_errors) != len(self.options):
            raise ValueError(f"standard_errors has {len(self.standard_errors)} values for {len(self.options)} options.")
        return self


class SteerableItem(_Closed):
    """A question to be answered as ``attribute`` would; ``gold`` are the indices of the right options.

    ``gold`` has one index, or several where the population's answer is tied. ``gold_distribution``, where known,
    holds the shares of the attribute's group over the options. ``category`` groups attributes for reports.
    """

    attribute: Text
    gold: Annotated[tuple[int, ...], Field(min_length=1)]
    gold_distribution: tuple[Share, ...] | None = None
    category: str = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_indices("gold", self.gold, len(self.options))
        if self.gold_distribution is not None:
            check_distribution(self.gold_distribution, len(self.options))
        return self


class DistributionalItem(_Closed):
    """A question whose ``options`` a population chose in the shares of ``gold_distribution``.

    ``attribute`` names the population where there is one. ``stratum`` groups items for reports; it may give the
    gold away (MoralChoice's ambiguity level does), so it is never shown to a model.
    """

    attribute: str = ""
    gold_distribution: tuple[Share, ...]
    stratum: str = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_distribution(self.gold_distribution, len(self.options))
        return self


Item = OvertonItem | SteerableItem | DistributionalItem


def check_indices(field: str, indices: Iterable[int], n_options: int) -> None:
    """Check that ``indices`` are positions among ``n_options`` options, none twice.

    Raises:
        ValueError: Naming the field and the index.
    """
    seen: set[int] = set()
    for index in indices:
        if not 0 <= index < n_options:
            raise ValueError(f"{field} {index} is not an index of the {n_options} options.")
        if index in seen:
            raise ValueError(f"{field} names the option {index} twice.")
        seen.add(index)


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
