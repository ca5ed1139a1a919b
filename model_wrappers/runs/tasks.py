"""Tasks of a run, found and loaded by the harness: modplural's own, those of a user's folder, and the harness's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from plural_tasks.utils.errors import ModPluralError, unknown_name

TASK_FOLDER = Path(__file__).resolve().parents[2] / "task_configs"


def load_tasks(
    names: Sequence[str],
    data: str | None = None,
    include_path: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Load tasks; the harness's own are indexed only when they are asked for. The arguments are those of `check_tasks`.

    Raises:
        ModPluralError: If a name is unknown.
    """
    manager = check_tasks(names, data, include_path, metadata)
    try:
        return dict(manager.load(list(names))["tasks"])
    except ValueError as error:
        if isinstance(error, ModPluralError):
            raise
        raise ModPluralError(f"--tasks: {' '.join(str(error).split())}") from error


def check_tasks(
    names: Sequence[str],
    data: str | None = None,
    include_path: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    *,
    where: str = "--tasks",
) -> Any:
    """Return the harness's task manager once it is known to have the tasks.

    Args:
        names: Names of tasks, groups or tags.
        data: Folder, file or address of the task files, see `plural_tasks.sources.locate`.
        include_path: Folder with further task YAML.
        metadata: Values of ``--metadata``.
        where: Option that named the tasks, put in front of an error.

    Raises:
        ModPluralError: If a name is unknown, or there is none.
    """
    if not names:
        raise ModPluralError("name the tasks: --tasks plural_embedded, for example.")
    from lm_eval.tasks import TaskManager

    metadata = {**(metadata or {}), **({"plural_data": data} if data is not None else {})}
    folders: list[str | Path] = [str(TASK_FOLDER), *([include_path] if include_path else [])]
    manager = TaskManager(include_path=folders, include_defaults=False, metadata=metadata)
    near = manager.all_tasks
    if any(not manager.match_tasks([name]) for name in names):
        manager = TaskManager(include_path=folders, metadata=metadata)
    for name in names:
        if not manager.match_tasks([name]):
            raise unknown_name("task", name, near, where=where)
    return manager
