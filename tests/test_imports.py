"""Imports stay light and go one way."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("plural_tasks", "community_lms", "model_wrappers", "task_configs")
HEAVY = ("torch", "transformers", "datasets", "peft", "lm_eval", "scipy", "sklearn", "pandas", "huggingface_hub")
PARTS = [
    f"plural_tasks.{name}"
    for name in (
        *("sources", "scoring", "judges", "judges.judging", "metrics.paper", "metrics.corrected", "rescore"),
        *("rescore.outputs", "evaluate_modules", "report.comparing.compare", "report.submission.submit", "pairwise"),
        *("human_study", "publishing", "publishing.cards", "utils.hub"),
    )
]
ALLOWED = {
    "plural_tasks": {"plural_tasks"},
    "community_lms": {"plural_tasks", "community_lms"},
    "model_wrappers": {"plural_tasks", "community_lms", "model_wrappers"},
    "task_configs": {"plural_tasks", "task_configs"},
}


@pytest.mark.parametrize(
    "module",
    [
        *PACKAGES,
        "community_lms.messages.store",
        "community_lms.publishing.pool",
        "community_lms.pools.hub",
        "community_lms.training.config",
        "model_wrappers.cli.app",
        *PARTS,
    ],
)
def test_importing_loads_nothing_heavy(module) -> None:
    code = f"import {module}, sys; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_go_one_way(package) -> None:
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            ours = {name.split(".")[0] for name in names} & set(PACKAGES)
            assert ours <= ALLOWED[package], f"{path}: {ours}"


def test_only_the_backend_engine_of_the_communities_knows_the_harness() -> None:
    knowing = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "community_lms").rglob("*.py")
        if "import lm_eval" in path.read_text(encoding="utf-8") or "from lm_eval" in path.read_text(encoding="utf-8")
    ]
    assert knowing == ["community_lms/engines/backend.py"]
