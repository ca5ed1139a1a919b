"""Checks of models behind APIs: their answers are kept, and the budget is enough."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

from community_lms.remote.budget import Budget, Limits, shared_budget
from community_lms.remote.prices import load_prices
from model_wrappers.base.account import account_of
from model_wrappers.base.build import SCRIPTED, backend_class
from model_wrappers.doctor.base import Check, Finding, fault, note, ok, warning
from model_wrappers.doctor.visit import NotLookedError, Visit
from model_wrappers.runs.counting import about_tokens, prompts_of
from model_wrappers.runs.dry_run import scores_apart
from plural_tasks.utils.errors import ModPluralError

AREA = "budget"
KEEP = "Name another file with answers=FILE in --model_args (none keeps answers in memory)."
LIMIT = "Raise the limit, or go on with the same command when it is reached: nothing is paid for twice."
PRICE = "Write a file with the model's price and name it with --prices FILE; see modplural eval --help."


def answers(visit: Visit) -> Iterator[Finding]:
    """Report whether the answer store opens, is whole and takes answers."""
    _know_backend(visit.settings.base)
    with shared_budget(Budget(visit.limits)) if visit.limits else nullcontext():
        account = account_of(visit.settings, visit.pool)
    if account is None:
        return
    store = account.store
    if store.path is None:
        yield note("answers", "answers=none: answers are kept in memory and lost at the end", "Name a file.")
        return
    damage = [] if visit.quick else store.damage()
    if damage:
        yield fault("answers", f"{store.path} is damaged ({damage[0]})", KEEP)
        return
    store.check_writable()
    new = "will be made with the first answer" if not store.path.exists() else f"holds {len(store):,} answers"
    yield ok("answers", f"{store.path} {new}")


def prices(visit: Visit) -> Iterator[Finding]:
    """Report how many prices the user's file adds."""
    place = visit.prices or visit.settings.prices
    if place is not None:
        yield ok("prices", f"{place} has {len(load_prices(place).entries) - len(load_prices().entries)} models")


def _know_backend(name: str) -> None:
    try:
        if name != SCRIPTED:
            backend_class(name)
    except ModPluralError as error:
        raise NotLookedError("the base LLM's backend cannot be used") from error


def limits(visit: Visit) -> Iterator[Finding]:
    """Report the most that the base LLM will cost, against the limits."""
    settings = visit.settings
    limit = visit.limits or Limits(settings.budget_cost, settings.budget_tokens)
    _know_backend(settings.base)
    try:
        if account_of(settings, visit.pool) is None:
            return
        table = load_prices(visit.prices or settings.prices)
    except ModPluralError as error:
        raise NotLookedError("answers cannot be kept, nobody is to be paid, or prices cannot be read") from error
    model = str(visit.given.get("model") or visit.given.get("pretrained") or "")
    price = table.of(model)
    apart = scores_apart(visit.given)
    asked = [prompts_of(calls, lambda text: about_tokens(len(text)), apart=apart) for calls in visit.calls.values()]
    read, written = sum(one.read_tokens for one in asked), sum(one.written_tokens for one in asked)
    tokens = f"about {read:,} tokens read and at most {written:,} written by the base LLM"
    if limit.cost is not None and price is None:
        yield fault("limits", f"a limit of cost, and no price for the model {model!r}", PRICE)
    elif limit.cost is not None and price is not None and price.of(read, written) > limit.cost:
        found = f"{tokens}, at most ${price.of(read, written):.2f}, and the limit is ${limit.cost:g}"
        yield warning("limits", found, LIMIT)
    elif limit.tokens is not None and read + written > limit.tokens:
        yield warning("limits", f"{tokens}, and the limit is {limit.tokens:,}", LIMIT)
    else:
        cost = f", at most ${price.of(read, written):.2f}" if price is not None else ""
        yield (ok if limit else note)("limits", f"{tokens}{cost}{'' if limit else '; there is no limit'}")


CHECKS = (
    Check(AREA, "answers", KEEP, answers),
    Check(AREA, "prices", "Correct the file that --prices names; CONTRIBUTING and prices.yaml show its form.", prices),
    Check(AREA, "limits", LIMIT, limits),
)
