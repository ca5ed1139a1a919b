"""Imports stay light, go one way and never in a circle."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

from tests.import_graph import Import, circles, imports, modules, way

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("plural_tasks", "community_lms", "model_wrappers", "task_configs")
HEAVY = ("torch", "transformers", "datasets", "peft", "lm_eval", "scipy", "sklearn", "pandas", "huggingface_hub")
HEAVY_FOR_TESTS = {
    *("torch", "transformers", "datasets", "peft", "lm_eval", "ray", "openvino", "accelerate", "openai", "matplotlib"),
    *("scipy", "sklearn", "pandas"),
}
PARTS = [
    f"plural_tasks.{name}"
    for name in (
        *("sources", "scoring", "judges", "judges.judging", "metrics.paper", "metrics.corrected", "rescore"),
        *("rescore.outputs", "evaluate_modules", "report.comparing.compare", "report.submission.submit", "pairwise"),
        *("human_study", "publishing", "publishing.cards", "utils.hub"),
    )
]
LIGHT = [
    *PACKAGES,
    "community_lms.messages.store",
    "community_lms.publishing.pool",
    "community_lms.pools.hub",
    "community_lms.training.config",
    "model_wrappers.cli.app",
    *PARTS,
]
ALLOWED = {
    "plural_tasks": {"plural_tasks"},
    "community_lms": {"plural_tasks", "community_lms"},
    "model_wrappers": {"plural_tasks", "community_lms", "model_wrappers"},
    "task_configs": {"plural_tasks", "task_configs"},
}
# Modules whose names begin with the left import none whose names begin with the right.
NEVER = {
    "model_wrappers.base": ["model_wrappers.collaboration"],
    "model_wrappers.collaboration": [
        f"model_wrappers.{room}" for room in ("runs", "cli", "doctor", "patching", "judging")
    ],
    **{package: ["model_wrappers.cli"] for package in (*PACKAGES, "examples")},
}
MAY_IMPORT_THE_CLI = ("model_wrappers.cli", "model_wrappers.__main__")


@cache
def _tree(root: Path, packages: tuple[str, ...]) -> tuple[dict[str, Path], tuple[Import, ...]]:
    files = modules(root, packages)
    return files, tuple(imports(files))


def _ours(root: Path = ROOT) -> list[Import]:
    """The imports of modules of the project by modules of the project, but for those in tests and tools."""
    files, found = _tree(root, (*PACKAGES, "examples"))
    return [each for each in found if each.imported in files and each.imported != each.importer]


def _room(module: str) -> str:
    """The first two parts of a dotted name: a folder or a file directly below a package."""
    return ".".join(module.split(".")[:2])


def _circles(arrows: Iterable[tuple[str, str]]) -> list[str]:
    graph: dict[str, set[str]] = {}
    for start, end in arrows:
        graph.setdefault(start, set()).add(end)
        graph.setdefault(end, set())
    return [" -> ".join(path) for path in circles(graph)]


def _is_collected(module: str) -> bool:
    return module.startswith("tests.") and module.rpartition(".")[2].startswith(("test_", "conftest"))


def _below(module: str, prefix: str) -> bool:
    return module == prefix or module.startswith(f"{prefix}.")


def test_importing_loads_nothing_heavy() -> None:
    code = (
        "import importlib, json, sys\n"
        "brought = {}\n"
        f"for module in {LIGHT!r}:\n"
        "    importlib.import_module(module)\n"
        f"    new = [name for name in {HEAVY!r} if name in sys.modules and name not in sum(brought.values(), [])]\n"
        "    brought |= {module: new} if new else {}\n"
        "print(json.dumps(brought))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_go_one_way(package) -> None:
    _, found = _tree(ROOT, (*PACKAGES, "examples"))
    for each in found:
        if _below(each.importer, package):
            assert {each.imported.split(".")[0]} & set(PACKAGES) <= ALLOWED[package], each


def test_no_module_imports_itself_by_way_of_others() -> None:
    found = _circles((each.importer, each.imported) for each in _ours())
    assert not found, "\n".join(found)


def test_no_room_imports_itself_by_way_of_others() -> None:
    arrows = {(_room(each.importer), _room(each.imported)) for each in _ours()}
    found = _circles((start, end) for start, end in arrows if start != end)
    assert not found, "\n".join(found)


def test_rooms_that_stay_apart() -> None:
    broken = [
        f"{each.importer}:{each.line} imports {each.imported}"
        for each in _ours()
        for room, others in NEVER.items()
        for other in others
        if _below(each.importer, room) and _below(each.imported, other)
        if not (other == "model_wrappers.cli" and any(_below(each.importer, may) for may in MAY_IMPORT_THE_CLI))
    ]
    assert broken == []


@pytest.mark.parametrize(
    "statement",
    [
        "from plural_tasks.low import one",
        "from plural_tasks import low",
        "import plural_tasks.low.one",
        "from ..low.one import VALUE",
        "def later():\n    from plural_tasks.low.one import VALUE",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from plural_tasks.low.one import VALUE",
    ],
)
def test_a_circle_is_found_and_its_path_shown(tmp_path, statement) -> None:
    package = tmp_path / "plural_tasks"
    for name, text in {
        "__init__": "",
        "low/__init__": "from plural_tasks.low.one import VALUE",
        "low/one": "import json\nfrom plural_tasks.middle import two",
        "middle/__init__": "",
        "middle/two": "import plural_tasks.high.three",
        "high/__init__": "",
        "high/three": statement,
    }.items():
        path = package / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    [path] = _circles((each.importer, each.imported) for each in _ours(tmp_path))

    start, *_ = nodes = path.split(" -> ")
    assert nodes[-1] == start
    assert {"plural_tasks.low.one", "plural_tasks.middle.two", "plural_tasks.high.three"} <= set(nodes)
    assert len(nodes) == (5 if statement == "from plural_tasks import low" else 4)


def test_a_tree_without_circles_has_none() -> None:
    assert _circles([("a", "b"), ("b", "c"), ("a", "c")]) == []
    assert _circles([("a", "b"), ("b", "c"), ("c", "a"), ("c", "b"), ("d", "a")]) == ["b -> c -> b"]


def test_the_face_of_a_package_only_imports() -> None:
    """``model_wrappers`` may look its model up on first use: the harness is heavy."""
    faces = [path for package in PACKAGES for path in (ROOT / package).rglob("__init__.py")]
    found = []
    for path in faces:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            names = (
                [target.id for target in node.targets if isinstance(target, ast.Name)]
                if isinstance(node, ast.Assign)
                else []
            )
            if not (text or isinstance(node, ast.Import | ast.ImportFrom) or set(names) & {"__all__", "__version__"}):
                found.append(f"{path.relative_to(ROOT).as_posix()}:{node.lineno}")
    assert [place for place in found if not place.startswith("model_wrappers/__init__.py:")] == []


def test_collecting_tests_imports_nothing_heavy() -> None:
    """Read from the source: what test modules import at once, and what that imports at once in turn."""
    files, found = _tree(ROOT, (*PACKAGES, "examples", "tests", "tools", "benchmarks"))
    graph: dict[str, set[str]] = {name: {name.rpartition(".")[0]} - {""} for name in files}
    for each in found:
        heavy = set() if each.imported in files else HEAVY_FOR_TESTS & set(each.imported.split("."))
        if each.at_once:
            graph[each.importer] |= heavy or {each.imported}

    paths = [path for name in files if _is_collected(name) and (path := way(graph, name, HEAVY_FOR_TESTS))]
    assert not paths, "\n".join(" -> ".join(path) for path in paths)


def test_only_the_backend_engine_of_the_communities_knows_the_harness() -> None:
    knowing = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "community_lms").rglob("*.py")
        if "import lm_eval" in path.read_text(encoding="utf-8") or "from lm_eval" in path.read_text(encoding="utf-8")
    ]
    assert knowing == ["community_lms/engines/backend.py"]
