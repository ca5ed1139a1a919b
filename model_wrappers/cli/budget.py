"""Options of a budget, for commands that ask models behind APIs.

A budget can be given in two ways, and only in one of them at once (`model_wrappers.base.account` refuses both): these
options hold for a whole command, with all its methods and base LLMs; ``budget_cost``, ``budget_tokens`` and ``prices``
among the model arguments hold for one run, and are for those who run lm_eval itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from community_lms.remote.budget import Budget, Limits, shared_budget
from plural_tasks.utils.errors import ModPluralError

REACHED = 3
"""Exit status of a command that its budget stopped."""

MaxCost = Annotated[str | None, typer.Option("--max-cost", help="Dollars to spend on models behind APIs, at most.")]
MaxTokens = Annotated[
    str | None, typer.Option("--max-tokens", help="Tokens of prompts and answers to spend on them, at most.")
]
PricesFile = Annotated[str | None, typer.Option("--prices", help="File with prices of models, before modplural's own.")]


def limits_of(max_cost: str | None, max_tokens: str | None) -> Limits:
    """Read limits as they are written: ``2.50`` or ``$2.50``, ``500000`` or ``500,000``.

    Raises:
        ModPluralError: If one is no positive number.
    """
    cost = None if max_cost is None else _positive("--max-cost", max_cost, "dollars, such as 2.50")
    tokens = None if max_tokens is None else _positive("--max-tokens", max_tokens, "a number, such as 500000")
    return Limits(cost, None if tokens is None else int(tokens))


def _positive(name: str, text: str, wanted: str) -> float:
    try:
        value = float(text.replace(",", "").replace("_", "").removeprefix("$"))
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf:
        raise ModPluralError(f"{name}: found {text!r}, expected {wanted}.")
    return value


@contextmanager
def budget(max_cost: str | None, max_tokens: str | None, prices: str | None) -> Iterator[None]:
    """Within, the command has one budget, if there is anything of a budget.

    Raises:
        ModPluralError: If limits or prices cannot be read.
    """
    if max_cost is max_tokens is prices is None:
        yield
        return
    from community_lms.remote.prices import load_prices

    with shared_budget(Budget(limits_of(max_cost, max_tokens), load_prices(prices))):
        yield
