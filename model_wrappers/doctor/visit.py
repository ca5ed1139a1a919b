"""What the checks look at: a run's settings, and what is made of them, each made once."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr
from typing import Any, Generic, TypeVar

from community_lms.messages.store import MessageStore
from community_lms.pools.pool import load_pool, select
from community_lms.pools.spec import Pool
from community_lms.remote.budget import Limits
from model_wrappers.arguments import OWN, Arguments, read_arguments
from model_wrappers.base.llm import SCRIPTED, backend_class
from model_wrappers.collaboration.methods import METHODS
from model_wrappers.runs.dry_run import calls_of, usual_elicitation, usual_selection
from model_wrappers.runs.harness import harness_config, plan_of, pool_settings
from model_wrappers.runs.plan import Plan
from model_wrappers.runs.tasks import check_tasks, load_tasks
from plural_tasks.utils.errors import ModPluralError, unknown_name

Made = TypeVar("Made")
NO_LIMITS = Limits()
Calls = list[tuple[str, tuple[Any, ...]]]
"""Kind and arguments of every request to the base LLM."""


class NotLookedError(Exception):
    """What a check needs is not there, for a reason that another check reports."""


class Part(Generic[Made]):
    """Something that is made once; a failure is raised to the first who asks, and `NotLookedError` to all others."""

    def __init__(self, what: str, make: Callable[[Visit], Made]) -> None:
        """Make it; ``what`` completes "not looked at: "."""
        self._what, self._make = what, make

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, visit: Visit, owner: type) -> Made:
        kept = visit.__dict__.setdefault("_kept", {})
        if self._name not in kept:
            kept[self._name] = NotLookedError(self._what)
            kept[self._name] = self._make(visit)
        found = kept[self._name]
        if isinstance(found, NotLookedError):
            raise found
        return found  # type: ignore[no-any-return]


class Visit:
    """One look at a setup.

    Attributes:
        arguments: The harness's.
        methods: Of ``--methods``.
        bases: Of ``--bases``.
        quick: Nothing is generated, and no weights of communities and judges are loaded.
        hub: Results or weights are meant to be pushed.
        limits: Of the command's budget.
        prices: The user's file with prices, if there is one.
        config: The harness's reading of the arguments.
        settings: modplural's own.
        chosen: Methods that will run.
        pool: Its communities.
        store: The message store.
        tasks: Name -> task, or what came up when it was read.
        plan: What communities will be asked; of the tasks that can be read.
        calls: Method -> what it will ask of the base LLM.
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

    @property
    def given(self) -> dict[str, Any]:
        """The model arguments."""
        return dict(self.config.model_args)

    @property
    def base_arguments(self) -> list[dict[str, Any]]:
        """Of each base LLM, what `build_base` takes, as the harness gives it."""
        options = {name: getattr(self.config, name) for name in ("batch_size", "max_batch_size", "device")}
        rest = {name: value for name, value in self.given.items() if name not in OWN}
        named = [{"pretrained": base} for base in self.bases] or [{}]
        return [{name: v for name, v in {**options, **rest, **each}.items() if v is not None} for each in named]

    @property
    def asks_communities(self) -> bool:
        """Whether any method that will run asks communities."""
        return any(METHODS[name].asks != "nobody" for name in self.chosen)

    config = Part("the arguments cannot be read", lambda visit: _config(visit.arguments))
    settings = Part("the arguments cannot be read", lambda visit: _settings(visit.given))
    chosen = Part("the methods are not known", lambda visit: _methods(visit.methods or [visit.settings.method]))
    pool = Part("the pool cannot be used", lambda visit: _pool(visit.settings))
    store = Part("the message store cannot be opened", lambda visit: _store(visit.settings))
    tasks = Part("the tasks are not known", lambda visit: _tasks(visit.config))
    plan = Part("what the run will ask cannot be planned", lambda visit: _plan(visit))
    calls = Part("what the base LLM will be asked is not known", lambda visit: _calls(visit))

    @property
    def readable(self) -> dict[str, Any]:
        """The tasks that could be read."""
        return {name: task for name, task in self.tasks.items() if not isinstance(task, Exception)}


def _config(arguments: Sequence[str]) -> Any:
    said = io.StringIO()
    try:
        with redirect_stderr(said):
            return harness_config(arguments)
    except SystemExit as error:
        lines = said.getvalue().strip().splitlines() or ["no reason given"]
        raise ModPluralError(f"lm_eval cannot read the arguments ({lines[-1]}).") from error


def _settings(given: Mapping[str, Any]) -> Arguments:
    return read_arguments({name: value for name, value in given.items() if name in OWN})


def _methods(names: list[str]) -> list[str]:
    for name in names:
        if name not in METHODS:
            raise unknown_name("method", name, METHODS, where="--methods")
    return names


def _pool(settings: Arguments) -> Pool:
    return settings.served(select(load_pool(settings.pool), settings.communities))


def _store(settings: Arguments) -> MessageStore:
    from model_wrappers.lm import open_store

    return open_store(settings.messages)


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
    except ModPluralError as error:  # told where the base LLM is looked at
        raise NotLookedError("the base LLM's backend cannot be used") from error
    own = {**pool_settings(visit.config), "selection": usual_selection(visit.given), **usual_elicitation(visit.given)}
    return {method: calls_of(method, own, plan, plan.session.asker.store) for method in visit.chosen}
