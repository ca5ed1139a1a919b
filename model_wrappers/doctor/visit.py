"""A run's settings and what follows from them, each worked out once, for the checks to look at."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from functools import cached_property, wraps
from typing import Any, TypeVar

from community_lms.messages.store import MessageStore
from community_lms.pools.pool import load_pool, select
from community_lms.pools.spec import Pool
from community_lms.remote.budget import Limits
from model_wrappers.arguments import OWN, Arguments, read_arguments
from model_wrappers.base.build import SCRIPTED, backend_class
from model_wrappers.collaboration.methods import METHODS
from model_wrappers.collaboration.setup import open_store
from model_wrappers.runs.dry_run import calls_of, usual_elicitation, usual_selection
from model_wrappers.runs.harness import harness_config, plan_of, pool_settings
from model_wrappers.runs.plan import Plan
from model_wrappers.runs.tasks import check_tasks, load_tasks
from plural_tasks.utils.errors import ModPluralError, unknown_name

Made = TypeVar("Made")
NO_LIMITS = Limits()
Calls = list[tuple[str, tuple[Any, ...]]]
"""Kind and arguments of requests to the base LLM, in their order."""


class NotLookedError(Exception):
    """Raised where a check lacks what it needs, for a reason that another check reports."""


def once(missing: str) -> Callable[[Callable[[Visit], Made]], cached_property[Made]]:
    """Make a method of `Visit` a property that is worked out once.

    A failure is raised to the first who asks, which reports it; everybody else gets `NotLookedError`.

    Args:
        missing: What is missing then; completes "not looked at: ".
    """

    def decorate(make: Callable[[Visit], Made]) -> cached_property[Made]:
        @wraps(make)
        def first_time(visit: Visit) -> Made:
            if make.__name__ in visit.tried:
                raise NotLookedError(missing)
            visit.tried.add(make.__name__)
            return make(visit)

        return cached_property(first_time)

    return decorate


class Visit:
    """One examination of a run's setup.

    Attributes:
        arguments: Arguments of lm_eval.
        methods: Names given by ``--methods``.
        bases: Names given by ``--bases``.
        quick: Whether nothing is generated, and no weights of communities and judges are loaded.
        hub: Whether results or weights are meant to be pushed.
        limits: Limits of the command's budget.
        prices: The user's file with prices, if there is one.
        tried: Names of the properties that somebody asked for.
        unreachable: Names of the communities whose server was not reached.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        methods: Sequence[str] = (),
        bases: Sequence[str] = (),
        *,
        limits: Limits = NO_LIMITS,
        prices: str | None = None,
        **options: bool,
    ) -> None:
        """Make it; nothing is looked at. ``options`` are ``quick`` and ``hub``."""
        self.limits, self.prices = limits, prices
        self.arguments, self.methods, self.bases = list(arguments), list(methods), list(bases)
        self.quick, self.hub = options.get("quick", False), options.get("hub", False)
        self.tried: set[str] = set()
        self.unreachable: set[str] = set()

    @property
    def given(self) -> dict[str, Any]:
        """The model arguments."""
        return dict(self.config.model_args)

    @property
    def base_arguments(self) -> list[dict[str, Any]]:
        """Arguments of each base LLM, as `model_wrappers.base.build.build_base` takes them from the harness."""
        options = {name: getattr(self.config, name) for name in ("batch_size", "max_batch_size", "device")}
        rest = {name: value for name, value in self.given.items() if name not in OWN}
        named = [{"pretrained": base} for base in self.bases] or [{}]
        return [{name: v for name, v in {**options, **rest, **each}.items() if v is not None} for each in named]

    @property
    def asks_communities(self) -> bool:
        """Whether any method that will run asks communities."""
        return any(METHODS[name].asks != "nobody" for name in self.chosen)

    @once("the arguments cannot be read")
    def config(self) -> Any:
        """lm_eval's configuration, as it reads the arguments."""
        return _config(self.arguments)

    @once("the arguments cannot be read")
    def settings(self) -> Arguments:
        """Modplural's own model arguments."""
        return read_arguments({name: value for name, value in self.given.items() if name in OWN})

    @once("the methods are not known")
    def chosen(self) -> list[str]:
        """Names of the methods that will run."""
        return _methods(self.methods or [self.settings.method])

    @once("the pool cannot be used")
    def pool(self) -> Pool:
        """The pool, narrowed to the chosen communities."""
        return self.settings.served(select(load_pool(self.settings.pool), self.settings.communities))

    @once("the message store cannot be opened")
    def store(self) -> MessageStore:
        """The message store."""
        return open_store(self.settings.messages)

    @once("the tasks are not known")
    def tasks(self) -> dict[str, Any]:
        """Name -> task, or the exception that was raised when it was read."""
        return _tasks(self.config)

    @once("what the run will ask cannot be planned")
    def plan(self) -> Plan:
        """Messages that communities will be asked for, over the tasks that can be read."""
        return _plan(self)

    @once("what the base LLM will be asked is not known")
    def calls(self) -> dict[str, Calls]:
        """Method -> its requests to the base LLM."""
        return _calls(self)

    @property
    def readable(self) -> dict[str, Any]:
        """The tasks that could be read."""
        return {name: task for name, task in self.tasks.items() if not isinstance(task, Exception)}


def _config(arguments: Sequence[str]) -> Any:
    printed = io.StringIO()
    try:
        with redirect_stderr(printed):
            return harness_config(arguments)
    except SystemExit as error:
        lines = printed.getvalue().strip().splitlines() or ["no reason given"]
        raise ModPluralError(f"lm_eval cannot read the arguments ({lines[-1]}).") from error


def _methods(names: list[str]) -> list[str]:
    for name in names:
        if name not in METHODS:
            raise unknown_name("method", name, METHODS, where="--methods")
    return names


def _tasks(config: Any) -> dict[str, Any]:
    if not config.tasks:
        raise ModPluralError("name the tasks: --tasks plural_embedded, for example.")
    found: dict[str, Any] = {}
    for name in config.tasks:
        try:
            names = _members(name, config)
        except Exception as error:
            found[name] = error
            continue
        for each in names:
            try:
                found.update(load_tasks([each], None, config.include_path, config.metadata))
            except Exception as error:  # a reader of data raises whatever it likes
                found[each] = error
    return found


def _members(name: str, config: Any) -> list[str]:
    """The names below a group; any other name is its own, so that a task which cannot be read hides no other."""
    manager = check_tasks([name], None, config.include_path, config.metadata)
    entry = getattr(manager, "task_index", {}).get(name)
    listed = (getattr(entry, "cfg", None) or {}).get("task") if entry is not None else None
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        return [name]
    return [inner for each in listed for inner in (_members(each, config) if each != name else [each])]


def _plan(visit: Visit) -> Plan:
    names = [*visit.readable]
    if not names or not visit.pool:
        raise NotLookedError("no task can be read")
    config = copy.copy(visit.config)
    config.tasks = names
    try:
        store = visit.store
    except (ModPluralError, NotLookedError):
        store = MessageStore(None)
    return plan_of(config, store)


def _calls(visit: Visit) -> dict[str, Calls]:
    plan = visit.plan
    try:
        if visit.settings.base != SCRIPTED:
            backend_class(visit.settings.base)
    except ModPluralError as error:  # reported where the base LLM is looked at
        raise NotLookedError("the base LLM's backend cannot be used") from error
    own = {**pool_settings(visit.config), "selection": usual_selection(visit.given), **usual_elicitation(visit.given)}
    return {method: calls_of(method, own, plan, plan.communities.asker.store) for method in visit.chosen}
