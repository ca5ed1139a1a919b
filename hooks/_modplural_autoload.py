"""Announce modplural to lm-evaluation-harness at the moment the harness is imported.

Released versions of the harness discover no plugins, so a start-up file (`modplural.pth`; `modplural.start`
from Python 3.15 on) calls `install` in every interpreter. It puts one finder on `sys.meta_path`, which waits
for modules of the harness, and adds the model `modplural` and the folder of task files after their import. It also
keeps keys among a model's arguments out of the harness's log.

The environment variable MODPLURAL_NO_HOOK=1 keeps `install` from doing anything.

Every interpreter of the environment runs this file: it must stay cheap, import nothing but `sys` at the top,
and never raise. What goes wrong becomes one line on stderr.
"""

import sys

# Type checkers read it as true; importing the one of `typing` would cost more than the rest of this file.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec
    from logging import LogRecord
    from pathlib import Path
    from types import ModuleType
    from typing import Any

    Step = Callable[[ModuleType], None]

# The harness accepts the class in place of this string only if it is exactly "<module>:<name>" of that class.
MODEL = "model_wrappers.lm:ModPluralLM"
ALIAS = "modplural"
TASK_PACKAGE = "task_configs"


def install() -> None:
    """Watch for the harness, unless MODPLURAL_NO_HOOK is set. May be called any number of times.

    `site` runs every line of a `.pth` file twice in a virtual environment.
    """
    try:
        import os

        if os.environ.get("MODPLURAL_NO_HOOK", "0") in ("", "0"):
            _watch()
    except Exception as error:
        _complain("the start-up hook", error)


def register_now() -> None:
    """Make modplural known even where the harness was imported already. May be called any number of times.

    For the command `modplural eval`, which asks for modplural by name, so MODPLURAL_NO_HOOK does not apply.
    """
    _watch()
    for name, step in _STEPS.items():
        if name in sys.modules:
            _attempt(step, sys.modules[name])


def _watch() -> None:
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)


def _announce_model(_models: "ModuleType") -> None:
    """Register the model lazily, once `lm_eval.models` has registered the harness' own.

    Not earlier: the harness imports `lm_eval.models` only while its registry is empty.
    """
    from lm_eval.api.registry import model_registry

    if ALIAS not in model_registry:
        model_registry.register(ALIAS, target=MODEL)


def _quieten_log(evaluator: "ModuleType") -> None:
    """Filter what the harness logs of a model's arguments."""
    import logging

    logging.getLogger(evaluator.__name__).addFilter(_keep_keys_out)


def _keep_keys_out(record: "LogRecord") -> bool:
    """Hide keys among a model's arguments, which the harness logs before the model can refuse them."""
    try:
        from plural_tasks.utils.credentials import keep_keys_out

        return keep_keys_out(record)
    except Exception as error:
        _complain("hiding keys in the log", error)
        return True


def _announce_tasks(index: "ModuleType") -> None:
    """Let `TaskIndex.build` of `lm_eval.tasks._index` read our folder right after the built-in one."""
    import functools
    from pathlib import Path

    build = vars(index.TaskIndex)["build"]
    if not isinstance(build, staticmethod):
        raise TypeError("TaskIndex.build is no longer a static method")
    original = build.__func__
    if hasattr(original, "_modplural"):
        return
    ours, builtin = _task_folder(), Path(str(index.__file__)).parent

    @functools.wraps(original)
    def build_with_ours(paths: "Iterable[Path]", *args: "Any", **kwargs: "Any") -> "Any":
        paths = list(paths)
        try:
            paths = _with_ours(paths, ours, builtin)
        except Exception as error:
            _complain("adding the tasks", error)
        return original(paths, *args, **kwargs)

    build_with_ours._modplural = True  # type: ignore[attr-defined]
    index.TaskIndex.build = staticmethod(build_with_ours)


def _task_folder() -> "Path":
    from importlib.util import find_spec
    from pathlib import Path

    spec = find_spec(TASK_PACKAGE)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    if not folders:
        raise ModuleNotFoundError(f"package {TASK_PACKAGE!r} not found; reinstall modplural")
    return Path(folders[0])


def _with_ours(paths: "list[Path]", ours: "Path", builtin: "Path") -> "list[Path]":
    """Insert our folder after the built-in one, before the user's own, which override both.

    Nothing is added where the built-in tasks were not asked for, or where our folder is listed already.
    """
    resolved = [path.resolve() for path in paths]
    if ours.resolve() in resolved or builtin.resolve() not in resolved:
        return paths
    after = resolved.index(builtin.resolve()) + 1
    return [*paths[:after], ours, *paths[after:]]


_STEPS: "dict[str, Step]" = {
    "lm_eval.evaluator": _quieten_log,
    "lm_eval.models": _announce_model,
    "lm_eval.tasks._index": _announce_tasks,
}


class _Finder:
    """Finds no module itself; adds a step to the import of the modules in `_STEPS`."""

    def find_spec(
        self, name: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        """Return the spec that the other finders give for a watched module, else None."""
        if name not in _STEPS:
            return None
        try:
            spec = self._find_behind(name, path, target)
            if spec is not None and spec.loader is not None:
                _run_after(spec.loader, _STEPS[name])
        except Exception as error:
            _complain(f"watching {name}", error)
            return None
        return spec

    def _find_behind(self, name: str, path: "Sequence[str] | None", target: "ModuleType | None") -> "ModuleSpec | None":
        """Ask the finders behind this one; those before it were asked already and may ask it in turn."""
        behind = sys.meta_path[sys.meta_path.index(self) + 1 :]
        specs = (finder.find_spec(name, path, target) for finder in behind if hasattr(finder, "find_spec"))
        return next((spec for spec in specs if spec is not None), None)


_FINDER = _Finder()


def _run_after(loader: "Loader", step: "Step") -> None:
    """Run the step once after the loader has executed its module.

    Only this loader object is patched, and only until it is used: the module keeps its real loader, and
    `importlib.reload` works as ever.
    """
    execute = loader.exec_module

    def exec_module(module: "ModuleType") -> None:
        del loader.exec_module
        execute(module)
        _attempt(step, module)

    loader.exec_module = exec_module  # type: ignore[method-assign]


def _attempt(step: "Step", module: "ModuleType") -> None:
    try:
        step(module)
    except Exception as error:
        _complain(step.__name__.strip("_").replace("_", " "), error)


def _complain(what: str, error: Exception) -> None:
    message = " ".join(f"{type(error).__name__}: {error}".split())
    print(f"modplural: {what} failed, lm_eval goes on without it ({message})", file=sys.stderr)
