"""The start-up hook, on its own: what it does to an interpreter and to the harness."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HOOKS = Path(__file__).resolve().parent.parent / "hooks"

# Notes which folders the harness would index, instead of reading its ~14,000 files.
WATCH_INDEX = """
from lm_eval.tasks import _index
indexed = []
_index.TaskIndex._iter_yaml_files = staticmethod(lambda root: indexed.append(str(root)) or [])
BUILTIN = Path(_index.__file__).parent
"""


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    """A stand-in for the package of task files, importable in `run`."""
    folder = tmp_path / "first" / "task_configs"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    return folder


def python(code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter that starts no hook by itself (-S)."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "MODPLURAL"))}
    return subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        text=True,
        env=inherited | environ,
        check=False,
    )


def run(code: str, *first: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run code where the hook module is imported, and this interpreter's packages can be."""
    path = json.dumps([str(HOOKS), *map(str, first), *sys.path])
    head = f"import sys; sys.path[:] = {path}\nfrom pathlib import Path\nimport _modplural_autoload\n"
    return python(head + code, **environ)


def answer(code: str, *first: Path, **environ: str) -> Any:
    """Run code that must succeed silently; return what it left in `result`."""
    done = run(f"{code}\nimport json; print(json.dumps(result))", *first, **environ)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_install_twice_adds_one_finder() -> None:
    code = """
before = len(sys.meta_path)
_modplural_autoload.install(); _modplural_autoload.install(); _modplural_autoload.register_now()
result = len(sys.meta_path) - before
"""
    assert answer(code) == 1


def test_install_imports_nothing() -> None:
    code = """
before = set(sys.modules)
_modplural_autoload.install(); _modplural_autoload.register_now()
result = sorted(set(sys.modules) - before)
"""
    assert answer(code) == []


def test_importing_the_hook_imports_nothing() -> None:
    code = f"""
import sys; sys.path[:0] = [{str(HOOKS)!r}]
before = set(sys.modules)
import _modplural_autoload
print(sorted(set(sys.modules) - before))
"""
    assert python(code).stdout == "['_modplural_autoload']\n"


def test_the_pth_line_calls_install() -> None:
    line = (HOOKS / "modplural.pth").read_text()
    assert line.count("\n") == 1
    assert line.startswith("import "), "site runs no other lines"
    assert answer(f"{line}\nresult = _modplural_autoload._FINDER in sys.meta_path") is True


def test_the_start_file_names_install() -> None:
    assert (HOOKS / "modplural.start").read_text() == "_modplural_autoload:install\n"


@pytest.mark.parametrize(("value", "watching"), [("1", False), ("yes", False), ("0", True), ("", True)])
def test_the_variable_switches_the_hook_off(value: str, watching: bool) -> None:
    code = "_modplural_autoload.install(); result = _modplural_autoload._FINDER in sys.meta_path"
    assert answer(code, MODPLURAL_NO_HOOK=value) is watching


def test_the_model_is_registered_lazily_after_the_harness_own() -> None:
    code = """
_modplural_autoload.install()
from lm_eval.api.registry import model_registry
early = "modplural" in model_registry
import lm_eval.models
result = [early, model_registry._objs["modplural"], "hf" in model_registry, "model_wrappers" in sys.modules]
"""
    assert answer(code) == [False, "model_wrappers.lm:ModPluralLM", True, False]


def test_a_model_that_is_registered_already_is_left_alone() -> None:
    code = """
_modplural_autoload.install()
from lm_eval.api.registry import model_registry
model_registry.register("modplural", target="found.by:TheHarness")
import lm_eval.models
result = model_registry._objs["modplural"]
"""
    assert answer(code) == "found.by:TheHarness"


def test_our_tasks_come_after_the_built_in_ones_and_before_the_users(tasks: Path) -> None:
    code = f"""
_modplural_autoload.install()
{WATCH_INDEX}
_index.TaskIndex.build([BUILTIN, Path("mine")])
result = [indexed, str(BUILTIN)]
"""
    indexed, builtin = answer(code, tasks.parent)
    assert indexed == [builtin, str(tasks), "mine"]


def test_our_tasks_are_not_added_where_they_are_listed_or_the_built_in_ones_are_left_out(tasks: Path) -> None:
    code = f"""
_modplural_autoload.install()
{WATCH_INDEX}
_index.TaskIndex.build([BUILTIN, Path({str(tasks)!r})])
listed = len(indexed)
_index.TaskIndex().build(paths=[Path("mine")])
result = [listed, indexed[listed:]]
"""
    assert answer(code, tasks.parent) == [2, ["mine"]]


def test_register_now_works_after_the_harness_was_imported(tasks: Path) -> None:
    code = f"""
import lm_eval.models
from lm_eval.api.registry import model_registry
{WATCH_INDEX}
_modplural_autoload.register_now()
build = _index.TaskIndex.build
_modplural_autoload.register_now()
build([BUILTIN])
result = ["modplural" in model_registry, len(indexed), build is _index.TaskIndex.build]
"""
    assert answer(code, tasks.parent, MODPLURAL_NO_HOOK="1") == [True, 2, True]


def test_a_reloaded_module_keeps_its_loader_and_is_announced_again(tasks: Path) -> None:
    code = f"""
import importlib
_modplural_autoload.install()
{WATCH_INDEX}
_index = importlib.reload(_index)
indexed.clear()
_index.TaskIndex._iter_yaml_files = staticmethod(lambda root: indexed.append(str(root)) or [])
_index.TaskIndex.build([BUILTIN])
result = [len(indexed), "exec_module" in vars(_index.__spec__.loader)]
"""
    assert answer(code, tasks.parent) == [2, False]


def test_missing_tasks_cost_one_line_and_nothing_else() -> None:
    code = """
_modplural_autoload.TASK_PACKAGE = "no_such_tasks"
_modplural_autoload.install()
import lm_eval.models, lm_eval.tasks
from lm_eval.api.registry import model_registry
print("modplural" in model_registry)
"""
    done = run(code)
    assert (done.returncode, done.stdout) == (0, "True\n")
    [line] = done.stderr.splitlines()
    assert line.startswith("modplural: announce tasks failed")
    assert "no_such_tasks" in line


def test_a_finder_in_front_that_asks_all_others_is_no_endless_loop() -> None:
    code = """
class AsksOthers:
    def find_spec(self, name, path=None, target=None):
        others = [finder for finder in sys.meta_path if finder is not self]
        return next(filter(None, (finder.find_spec(name, path, target) for finder in others)), None)

_modplural_autoload.install()
sys.meta_path.insert(0, AsksOthers())
import lm_eval.models
from lm_eval.api.registry import model_registry
result = "modplural" in model_registry
"""
    assert answer(code) is True


def test_a_finder_that_fails_behind_ours_does_not_become_our_failure() -> None:
    code = """
class Failing:
    def find_spec(self, name, path=None, target=None):
        if name == "lm_eval.models":
            sys.meta_path.remove(self)
            raise RuntimeError("two\\nlines")

sys.meta_path.insert(0, Failing())
_modplural_autoload.install()
import lm_eval.models
print("hf" in lm_eval.models.MODEL_MAPPING)
"""
    done = run(code)
    assert (done.returncode, done.stdout) == (0, "True\n")
    assert done.stderr == (
        "modplural: watching lm_eval.models failed, lm_eval goes on without it (RuntimeError: two lines)\n"
    )
