"""The tasks that a leaderboard knows: their modes, and how many items the shipped ones have."""

from __future__ import annotations

from functools import lru_cache

from plural_tasks.sources import SOURCES, read_items
from plural_tasks.sources.locate import locate
from plural_tasks.utils.errors import ModPluralError, unknown_name

TASKS = {
    "plural_overton_vk": "overton_vk",
    "plural_steerable_vk": "steerable_vk",
    "plural_steerable_opinionqa": "steerable_opinionqa",
    "plural_distributional_moralchoice": "distributional_moralchoice",
    "plural_distributional_globalopinionqa": "distributional_globalopinionqa",
    "plural_overton_valueprism": "overton_valueprism",
    "plural_overton_overtonbench": "overton_overtonbench",
    "plural_steerable_valueprism": "steerable_valueprism",
    "plural_steerable_opinionqa_full": "steerable_opinionqa_full",
    "plural_distributional_moralchoice_full": "distributional_moralchoice_full",
    "plural_distributional_globalopinionqa_full": "distributional_globalopinionqa_full",
    "plural_vital_overton": "overton_vital",
    "plural_vital_steerable_vk": "steerable_vital_vk",
    "plural_vital_steerable_opinionqa": "steerable_vital_opinionqa",
    "plural_vital_distributional_moralchoice": "distributional_vital_moralchoice",
    "plural_vital_distributional_globalopinionqa": "distributional_vital_globalopinionqa",
    "plural_surveys_steerable": "surveys_steerable",
    "plural_surveys_distributional": "surveys_distributional",
    "plural_embedded_overton": "embedded_overton",
    "plural_embedded_steerable": "embedded_steerable",
    "plural_embedded_distributional": "embedded_distributional",
}
"""Task -> its source, as the task YAML files state it."""


@lru_cache
def items_of(task: str) -> int | None:
    """How many test items a task has; None where the data are not shipped, and so may differ."""
    source = SOURCES[TASKS[task]]
    if not source.embedded:
        return None
    return sum(item.split == "test" for item in read_items(source, locate(source, None)))


def check_task(task: str, mode: str, n_task: int, *, where: str) -> None:
    """Check that a task exists, has this mode and, where its data are shipped, so many test items.

    Tasks that are not modplural's state no mode and are not known here.

    Raises:
        ModPluralError: On the first thing that is otherwise; ``where`` is put in front.
    """
    if not mode and task not in TASKS and not task.startswith("plural_"):
        return
    if task not in TASKS:
        raise unknown_name("task", task, TASKS, where=where)
    expected = SOURCES[TASKS[task]].mode
    if mode != expected:
        raise ModPluralError(f"{where}: task {task!r} is of mode {expected!r}, found {mode!r}.")
    size = items_of(task)
    if size is not None and n_task != size:
        raise ModPluralError(f"{where}: task {task!r} has {size} test items, but n_task is {n_task}.")
