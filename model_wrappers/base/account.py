"""Open the account of a run: the store of answers from models behind APIs, and the budget for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from community_lms.pools.spec import Pool
from community_lms.remote.abilities import abilities_of
from community_lms.remote.account import Account, open_account
from community_lms.remote.budget import Budget, Limits, command_budget
from community_lms.remote.ledger import Ledger
from community_lms.remote.prices import load_prices
from community_lms.remote.retry import RetryPolicy
from model_wrappers.arguments import Arguments
from model_wrappers.base.build import SCRIPTED, backend_class
from model_wrappers.base.llm import BaseLLM
from plural_tasks.utils.errors import ModPluralError

PAYING = frozenset({"answers", "base_patience", "budget_cost", "budget_tokens", "prices"})
"""Names of the settings that concern models behind APIs alone."""


def attach(base: BaseLLM, account: Account | None, settings: Arguments, given: Mapping[str, Any]) -> None:
    """Connect a base LLM behind an API to the account, or leave it to the harness, as the settings say.

    Args:
        base: The base LLM.
        account: Account of the run; None where every model runs in this process.
        settings: Settings of the run.
        given: Arguments of the backend; ``max_retries`` among them limits the attempts.
    """
    if settings.base_engine == "harness":
        base.leave_to_harness()
    elif account is not None:
        attempts = int(given["max_retries"]) if given.get("max_retries") is not None else None
        base.connect(account, RetryPolicy(settings.base_patience, attempts))


def account_of(settings: Arguments, pool: Pool | None, base: BaseLLM | None = None) -> Account | None:
    """Open the account of a run; None where every model runs in this process.

    Args:
        settings: Settings of the run.
        pool: The pool whose communities are asked; None for no communities.
        base: The base LLM, if it is built already.

    Raises:
        ModPluralError: If a budget is given and no model costs money, the answer store or the prices cannot be read,
            or limits are given both for the command and for the model.
    """
    budget, limits = command_budget(), _limits(settings)
    if not _behind_api(settings, pool, base):
        asked = f" with the pool {pool.name!r}" if pool is not None else ""
        if limits or (budget is not None and budget.limits):
            raise ModPluralError(
                f"a budget is for models behind APIs, and base={settings.base}{asked} asks none; leave --max-cost and "
                "--max-tokens (budget_cost, budget_tokens) out."
            )
        return None
    return open_account(settings.answers, Ledger(_budget(settings)))


def account_of_communities(settings: Arguments, pool: Pool) -> Account | None:
    """Open the account of a run that asks communities alone; None where none of them is served.

    Raises:
        ModPluralError: As `account_of` raises.
    """
    if not _is_served(pool):
        return None
    return open_account(settings.answers, Ledger(_budget(settings)))


def _limits(settings: Arguments) -> Limits:
    return Limits(settings.budget_cost, settings.budget_tokens)


def _budget(settings: Arguments) -> Budget:
    """The command's budget, if it has one; else the run's own."""
    budget = command_budget()
    if budget is None:
        return Budget(_limits(settings), load_prices(settings.prices))
    if _limits(settings) or settings.prices is not None:
        raise ModPluralError(
            "give limits and prices once: --max-cost, --max-tokens and --prices, or budget_cost, budget_tokens and "
            "prices among the model arguments."
        )
    return budget


def _is_served(pool: Pool) -> bool:
    return any(member.endpoint is not None or member.server is not None for member in pool.communities)


def _behind_api(settings: Arguments, pool: Pool | None, base: BaseLLM | None) -> bool:
    if pool is not None and _is_served(pool):
        return True
    if base is not None or settings.base == SCRIPTED:
        return base is not None and base.abilities.is_api
    return abilities_of(backend_class(settings.base)).is_api
