"""The harness skips a broken task file without a word, so the index is compared with what must be there."""

from __future__ import annotations

from pathlib import Path

import pytest

from plural_tasks.sources import SOURCES


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global TaskManager, OvertonTask, PluralTask
    from lm_eval.tasks import TaskManager

    from plural_tasks.task import OvertonTask, PluralTask


FOLDER = Path(__file__).resolve().parent.parent / "task_configs"
MAIN = {"overton": "coverage", "steerable": "accuracy", "distributional": "js_distance"}
GENERATED, SCORED = "generate_until", "multiple_choice"
PLURAL = {
    "plural_overton_vk": ("overton_vk", GENERATED),
    "plural_steerable_vk": ("steerable_vk", GENERATED),
    "plural_steerable_opinionqa": ("steerable_opinionqa", SCORED),
    "plural_distributional_moralchoice": ("distributional_moralchoice", SCORED),
    "plural_distributional_globalopinionqa": ("distributional_globalopinionqa", SCORED),
}
SURVEYS = {
    "plural_surveys_steerable": ("surveys_steerable", SCORED),
    "plural_surveys_distributional": ("surveys_distributional", SCORED),
}
VITAL = {
    "plural_vital_overton": ("overton_vital", GENERATED),
    "plural_vital_steerable_vk": ("steerable_vital_vk", GENERATED),
    "plural_vital_steerable_opinionqa": ("steerable_vital_opinionqa", SCORED),
    "plural_vital_distributional_moralchoice": ("distributional_vital_moralchoice", SCORED),
    "plural_vital_distributional_globalopinionqa": ("distributional_vital_globalopinionqa", SCORED),
}
EMBEDDED = {
    "plural_embedded_overton": ("embedded_overton", GENERATED),
    "plural_embedded_steerable": ("embedded_steerable", SCORED),
    "plural_embedded_distributional": ("embedded_distributional", SCORED),
}
UPSTREAM = {
    "plural_overton_valueprism": ("overton_valueprism", GENERATED),
    "plural_overton_overtonbench": ("overton_overtonbench", GENERATED),
    "plural_steerable_valueprism": ("steerable_valueprism", GENERATED),
    "plural_steerable_opinionqa_full": ("steerable_opinionqa_full", SCORED),
    "plural_distributional_moralchoice_full": ("distributional_moralchoice_full", SCORED),
    "plural_distributional_globalopinionqa_full": ("distributional_globalopinionqa_full", SCORED),
}
GROUPS = {
    "plural": list(PLURAL),
    "plural_surveys": list(SURVEYS),
    "plural_vital": list(VITAL),
    "plural_embedded": list(EMBEDDED),
}
TASKS = {**PLURAL, **SURVEYS, **VITAL, **UPSTREAM, **EMBEDDED}
SHIPPED = [*SURVEYS, *EMBEDDED]
TAGS = {"plural_overton", "plural_steerable", "plural_distributional"}
METADATA = {
    **{name: {"plural_permutations": 2} for name in TASKS if "moralchoice" in name},
    **{name: {"plural_judge": "nli"} for name in TASKS if "overton" in name},
    "plural_embedded_overton": {"plural_judge": "embedding"},
}


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
    assert config["tag"] == (f"plural_{SOURCES[source].mode}" if name in PLURAL else [])
    assert config["metadata"] == {"version": 2.0, **METADATA.get(name, {})}
    assert issubclass(config["class"], PluralTask)
    assert issubclass(config["class"], OvertonTask) or callable(config["process_results"])
    assert callable(config["custom_dataset"])
    main = MAIN[SOURCES[source].mode]
    names = [metric["metric"] for metric in config["metric_list"]]
    assert names[:2] == [main, f"{main}_stderr"]  # in this order ours takes the place of the harness's own
    assert {"fallback_rate", "n_scored"} <= set(names)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_tasks_build_requests_and_score_every_listed_metric(manager, name) -> None:
    task = manager.load([name])["tasks"][name]
    task.config.metadata["plural_judge"] = "lexical"
    task.build_all_requests(rank=0, world_size=1, limit=20)
    documents = list(task.test_docs())[:20]
    assert len({instance.doc_id for instance in task.instances}) == len(documents)
    for instance in task.instances:
        instance.resps.append("A view." if TASKS[name][1] == GENERATED else (-1.0, False))
    task.apply_filters()
    for place, document in enumerate(documents):
        results = [one.filtered_resps["none"] for one in task.instances if one.doc_id == place]
        figures = task.process_results(document, results)
        assert list(figures) == [metric["metric"] for metric in task.config.metric_list]


def test_prompts_of_embedded_tasks_hold_no_gold(manager) -> None:
    for name in SHIPPED:
        task = manager.load([name])["tasks"][name]
        for document in task.test_docs():
            prompt = task.doc_to_text(document)
            assert str(document.get("sample_size")) not in prompt.split()
            assert document["question"] in prompt
            for explanation in document.get("explanations", []):
                assert explanation not in prompt
