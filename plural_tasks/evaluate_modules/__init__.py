"""The pure metrics as modules of the library ``evaluate``, for use outside of the harness.

Each module is a folder with a script of the same name, which is what ``evaluate.load`` takes; nothing is fetched:

    from plural_tasks import evaluate_modules

    metric = evaluate_modules.load("js_distance")  # or: evaluate.load(evaluate_modules.path("js_distance"))
    metric.compute(predictions=[[0.7, 0.3]], references=[[0.5, 0.5]])
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plural_tasks.utils.errors import unknown_name

_FOLDER = Path(__file__).resolve().parent

MODULES = tuple(sorted(script.stem for script in _FOLDER.glob("*/*.py") if script.stem == script.parent.name))
"""Names of the modules."""


def path(name: str) -> str:
    """Return the folder of a module, as ``evaluate.load`` takes it.

    Raises:
        ModPluralError: If no module is called so.
    """
    if name not in MODULES:
        raise unknown_name("evaluate module", name, MODULES)
    return str(_FOLDER / name)


def load(name: str, **options: Any) -> Any:
    """Load a module: ``evaluate.load`` on its `path`.

    Args:
        name: One of `MODULES`.
        **options: Passed to ``evaluate.load`` (``experiment_id``, ``keep_in_memory``, …).

    Returns:
        An ``evaluate.EvaluationModule``.

    Raises:
        ModPluralError: If no module is called so.
    """
    folder = path(name)
    import evaluate

    return evaluate.load(folder, **options)
