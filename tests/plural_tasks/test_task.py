"""The task class under the harness."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global simple_evaluate, TaskManager, Fixed
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager

    from tests.plural_tasks.fixed_lm import Fixed


FOLDER = Path(__file__).resolve().parents[2] / "task_configs"


def evaluate(model: Fixed, task: str, limit: int = 4, **metadata: Any) -> dict[str, Any]:
    manager = TaskManager(include_path=str(FOLDER), include_defaults=False, metadata=metadata)
    return simple_evaluate(model=model, tasks=[task], task_manager=manager, limit=limit, bootstrap_iters=10)


def test_a_taste_for_the_first_option_is_averaged_out() -> None:
    name = "plural_embedded_distributional"
    plain, mixed = Fixed(), Fixed()
    one = evaluate(plain, name)
    many = evaluate(mixed, name, plural_permutations=8)  # twice the number of options: each in every place alike
    assert set(plain.prompts) < set(mixed.prompts)  # the study's order is among them
    assert len(set(mixed.prompts)) == sum(len(sample["doc"]["orders"]) for sample in many["samples"][name])
    assert math.isnan(one["results"][name]["order_spread,none"])  # one order says nothing of it
    for sample in many["samples"][name]:
        n = len(sample["doc"]["options"])
        assert sample["js_distance"] == pytest.approx(sample["baseline_uniform"], abs=1e-7)
        assert sample["order_spread"] == pytest.approx(3 / (n + 2) - 1 / n)  # 3 : 1 : 1 … against uniform
    assert one["results"][name]["paper_js_distance,none"] == many["results"][name]["paper_js_distance,none"]


def test_the_standard_error_beside_the_main_figure_is_the_clustered_one() -> None:
    run = evaluate(Fixed(), "plural_surveys_steerable", limit=60)
    (samples,) = run["samples"].values()
    clusters: dict[str, list[float]] = {}
    for sample in samples:
        clusters.setdefault(sample["doc"]["cluster"], []).append(sample["accuracy"])
    n, g = len(samples), len(clusters)
    assert 1 < g < n
    mean = sum(map(sum, clusters.values())) / n
    squares = sum(sum(value - mean for value in values) ** 2 for values in clusters.values())
    figures = run["results"]["plural_surveys_steerable"]
    assert figures["accuracy,none"] == pytest.approx(mean)
    assert figures["accuracy_stderr,none"] == pytest.approx((g / (g - 1) * squares) ** 0.5 / n)


def test_table_and_json_show_the_clustered_error_and_a_short_breakdown() -> None:
    from lm_eval.utils import handle_non_serializable, make_table

    run = evaluate(Fixed(), "plural_surveys_steerable", limit=60)
    table = make_table(run)
    (row,) = [line for line in table.splitlines() if "|accuracy " in line]
    assert "±" in row
    assert "N/A" not in row
    (row,) = [line for line in table.splitlines() if "|by_group" in line]
    assert " groups, 0." in row, row
    kept = json.loads(json.dumps(run["results"], default=handle_non_serializable))
    assert kept["plural_surveys_steerable"]["by_group,none"][0].keys() == {"group", "n", "mean", "se"}


def test_overton_answers_are_judged_together_and_the_judge_is_named() -> None:
    run = evaluate(Fixed(), "plural_embedded_overton", plural_judge="lexical")
    (samples,) = run["samples"].values()
    figures = run["results"]["plural_embedded_overton"]
    assert figures["judge,none"].startswith("lexical")
    assert figures["n_sentences,none"] == 2.0
    assert figures["n_scored,none"] == 4
    assert samples[0]["filtered_resps"] == ["Duty matters. So does care."]
    assert 0.0 < figures["baseline_question,none"] < 1.0


def test_predict_only_asks_no_judge() -> None:
    manager = TaskManager(include_path=str(FOLDER), include_defaults=False, metadata={"plural_judge": "scripted"})
    run = simple_evaluate(
        model=Fixed(), tasks=["plural_embedded_overton"], task_manager=manager, limit=2, predict_only=True
    )
    assert [sample["bypass"] for sample in run["samples"]["plural_embedded_overton"]] == [None, None]


def test_generation_in_several_orders(tmp_path: Path) -> None:
    rows = [
        {
            "id": number,
            "situation": "lying",
            "vrd": "Honesty",
            "label": label,
            "label_text": "",
            "input": "",
            "output": "",
        }
        for number, label in enumerate("ABC")
    ]
    path = tmp_path / "steerable_test_valuekaleidoscope_small.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    model = Fixed("A")
    run = evaluate(model, "plural_steerable_vk", plural_data=str(path), plural_permutations=6)
    figures = run["results"]["plural_steerable_vk"]
    assert len(model.prompts) == 18
    # each option is shown first in two of six orders
    assert figures["accuracy,none"] == pytest.approx(1 / 3)
    assert figures["baseline_first,none"] == pytest.approx(1 / 3)
    assert figures["balanced_accuracy,none"] == pytest.approx(1 / 3)
    assert figures["paper_accuracy,none"] == pytest.approx(1 / 3)  # one of three golds is A
    assert run["results"]["plural_steerable_vk"]["order_spread,none"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("shots", [0, 2])
def test_one_order_asks_what_the_plain_task_asks(shots: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from lm_eval.api.task import ConfigurableTask

    from plural_tasks.task import PluralTask

    def prompts(plain: bool) -> list[Any]:
        if plain:
            for name in ("fewshot_context", "construct_requests"):
                monkeypatch.setattr(PluralTask, name, getattr(ConfigurableTask, name))
        manager = TaskManager(include_path=str(FOLDER), include_defaults=False)
        (task,) = manager.load(["plural_surveys_steerable"])["tasks"].values()
        task.set_config("num_fewshot", shots)
        task.set_fewshot_seed(7)
        task.build_all_requests(rank=0, world_size=1, limit=20)
        return [(one.args, one.idx, one.doc_id) for one in task.instances]

    assert prompts(plain=False) == prompts(plain=True)


def few_shot(task: str, shots: int, **metadata: Any) -> Any:
    manager = TaskManager(include_path=str(FOLDER), include_defaults=False, metadata=metadata)
    (made,) = manager.load([task])["tasks"].values()
    made.set_config("num_fewshot", shots)
    made.set_fewshot_seed(7)
    made.build_all_requests(rank=0, world_size=1, limit=12)
    return made


def test_examples_ask_no_test_question_and_are_the_same_for_every_order() -> None:
    task = few_shot("plural_surveys_steerable", 3, plural_permutations=4)
    asked = {doc["question"] for doc in task.test_docs()}
    examples: dict[int, set[str]] = {}
    for instance in task.instances:
        shown, _, _ = instance.args[0].rpartition("Question: ")
        examples.setdefault(instance.doc_id, set()).add(shown)
    assert len(examples) == 12
    assert all(len(found) == 1 for found in examples.values())
    texts = [text for found in examples.values() for text in found]
    assert len(set(texts)) > 1
    assert all(text.count("Question: ") == 3 for text in texts)
    assert not any(question in text for text in texts for question in asked)


def test_examples_are_refused_where_only_test_documents_could_give_them() -> None:
    from plural_tasks.utils.errors import ModPluralError

    with pytest.raises(ModPluralError, match=r"'plural_embedded_steerable': --num_fewshot 2 needs examples"):
        few_shot("plural_embedded_steerable", 2)


def test_communities_see_one_of_the_orders_whatever_is_shown() -> None:
    from plural_tasks.task import in_orders

    seen = set()
    for number in range(20):
        doc = {"id": f"q{number}", "options": ["first", "second"], "orders": [[0, 1], [1, 0]]}
        shown = in_orders(doc)
        assert [one["options"] for one in shown] == [["first", "second"], ["second", "first"]]
        assert shown[0]["asked"] == shown[1]["asked"]
        seen.add(tuple(shown[0]["asked"]))
    assert seen == {("first", "second"), ("second", "first")}  # the study's own order is not always the one


@pytest.mark.parametrize(
    ("revision", "short"),
    [("", ""), ("1", "1"), ("0123456789abcdef", "0123456789ab"), ("sha256:0123456789abcdef", "sha256:0123456789ab")],
)
def test_revisions_are_shortened(revision: str, short: str) -> None:
    from plural_tasks.task import short_revision

    assert short_revision(revision) == short
