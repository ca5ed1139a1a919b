"""The harness skips a broken task file without a word, so the index is compared with what must be there."""

from __future__ import annotations

from pathlib import Path

import pytest
from lm_eval.tasks import TaskManager

from plural_tasks.sources import SOURCES

FOLDER = Path(__file__).resolve().parent.parent / "task_configs"
TASKS = {
    "plural_overton_vk": ("overton_vk", "generate_until"),
    "plural_steerable_vk": ("steerable_vk", "generate_until"),
    "plural_steerable_opinionqa": ("steerable_opinionqa", "multiple_choice"),
    "plural_distributional_moralchoice": ("distributional_moralchoice", "multiple_choice"),
    "plural_distributional_globalopinionqa": ("distributional_globalopinionqa", "multiple_choice"),
    "plural_embedded_overton": ("embedded_overton", "generate_until"),
    "plural_embedded_steerable": ("embedded_steerable", "multiple_choice"),
    "plural_embedded_distributional": ("embedded_distributional", "multiple_choice"),
}
GROUPS = {
    "plural": [name for name in TASKS if "embedded" not in name],
    "plural_embedded": [name for name in TASKS if "embedded" in name],
}
TAGS = {"plural_overton", "plural_steerable", "plural_distributional"}


@pytest.fixture(scope="module")
def manager() -> TaskManager:
    return TaskManager(include_path=str(FOLDER), include_defaults=False)


def test_index_is_complete_and_holds_nothing_else(manager) -> None:
    assert set(manager.all_tasks) == {*TASKS, *GROUPS, *TAGS}


def test_every_source_has_its_task() -> None:
    assert {source for source, _ in TASKS.values()} == set(SOURCES)


@pytest.mark.parametrize("group", GROUPS)
def test_groups(manager, group) -> None:
    members = manager.match_tasks([group])
    assert members == [group]
    from lm_eval.tasks._yaml_loader import load_yaml

    (path,) = FOLDER.rglob(f"{group}.yaml")
    assert load_yaml(path, resolve_func=False)["task"] == GROUPS[group]


@pytest.mark.parametrize("name", TASKS)
def test_task_body(name) -> None:
    from lm_eval.tasks._yaml_loader import load_yaml

    (path,) = FOLDER.rglob(f"{name}.yaml")
    config = load_yaml(path)  # resolves every !function, which the index does not
    source, kind = TASKS[name]
    assert config["dataset_kwargs"] == {"plural_source": source}
    assert config["output_type"] == kind
    assert config["tag"] == ([] if "embedded" in name else f"plural_{SOURCES[source].mode}")
    assert config["metadata"]["version"] == 1.0
    assert callable(config["process_results"])
    assert callable(config["custom_dataset"])


@pytest.mark.parametrize("name", GROUPS["plural_embedded"])
def test_embedded_tasks_build_requests_and_score_every_listed_metric(manager, name) -> None:
    task = manager.load([name])["tasks"][name]
    task.build_all_requests(rank=0, world_size=1)
    documents = list(task.test_docs())
    assert len({instance.doc_id for instance in task.instances}) == len(documents)
    first = documents[0]
    generated = TASKS[name][1] == "generate_until"
    results = ["A view."] if generated else [(-1.0, False)] * len(first["options"])
    assert set(task.process_results(first, results)) == {metric["metric"] for metric in task.config.metric_list}


def test_prompts_of_embedded_tasks_hold_no_gold(manager) -> None:
    for name in GROUPS["plural_embedded"]:
        task = manager.load([name])["tasks"][name]
        for document in task.test_docs():
            prompt = task.doc_to_text(document)
            assert document["question"] in prompt
            for explanation in document.get("explanations", []):
                assert explanation not in prompt
