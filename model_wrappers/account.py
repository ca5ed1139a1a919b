"""The account of a run: where answers of models behind APIs are kept, and what may be spent on them."""

from __future__ import annotations

from typing import Any

from community_lms.remote.account import Account, open_account
from community_lms.remote.asking import is_api
from community_lms.remote.ledger import Ledger
from community_lms.remote.prices import load_prices
from community_lms.remote.purse import Limits, Purse, command_purse
from community_lms.spec import Pool
from model_wrappers.arguments import Arguments
from model_wrappers.base_lm import SCRIPTED, backend_class
from plural_tasks.errors import ModPluralError


def account_of(settings: Arguments, pool: Pool, base: Any = None) -> Account | None:
    """Open the account of a run; None where every model runs in this process.

    Args:
        settings: Of the run.
        pool: Who is asked.
        base: The base LLM, where the caller has built it.

    Raises:
        ModPluralError: If a budget is given and there is nobody to pay, the answer store or the prices cannot be read,
            or limits are given both for the command and for the model.
    """
    purse, limits = command_purse(), Limits(settings.budget_cost, settings.budget_tokens)
    if not _behind_api(settings, pool, base):
        if limits or (purse is not None and purse.limits):
            raise ModPluralError(
                f"a budget is for models behind APIs, and base={settings.base} with the pool {pool.name!r} asks none; "
                "leave --max-cost and --max-tokens (budget_cost, budget_tokens) out."
            )
        return None
    if purse is not None and purse.limits and limits:
        raise ModPluralError("give limits once: --max-cost and --max-tokens, or budget_cost and budget_tokens.")
    if purse is None or limits or settings.prices is not None:
        limits = limits or (purse.limits if purse is not None else limits)
        purse = Purse(limits, load_prices(settings.prices))
    return open_account(settings.answers, Ledger(purse))


def _behind_api(settings: Arguments, pool: Pool, base: Any) -> bool:
    if any(member.endpoint is not None or member.server is not None for member in pool.communities):
        return True
    if base is not None or settings.base == SCRIPTED:
        return base is not None and is_api(type(base))
    return is_api(backend_class(settings.base))
