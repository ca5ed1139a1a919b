"""Tasks are found by the names of tasks, groups and tags."""

from typing import Any

import pytest

from model_wrappers.runs.tasks import check_tasks, load_tasks
from plural_tasks.utils.errors import ModPluralError


def test_unknown_task_names_the_nearest() -> None:
    with pytest.raises(ModPluralError, match=r"unknown task 'plural_embeded'.*'plural_embedded'"):
        load_tasks(["plural_embeded"])


def test_an_error_names_the_option_that_named_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    from lm_eval.tasks import TaskManager as whole  # the harness's own tasks take long to index

    def ours(include_defaults: bool = False, **options: Any) -> Any:
        return whole(include_defaults=False, **options)

    monkeypatch.setattr("lm_eval.tasks.TaskManager", ours)
    with pytest.raises(ModPluralError, match=r"^run\.json \(--include_path\): unknown task 'plural_embeded'"):
        check_tasks(["plural_embeded"], where="run.json (--include_path)")


def test_a_group_is_loaded_as_its_tasks() -> None:
    assert set(load_tasks(["plural_embedded"])) == {
        "plural_embedded_overton",
        "plural_embedded_steerable",
        "plural_embedded_distributional",
    }
