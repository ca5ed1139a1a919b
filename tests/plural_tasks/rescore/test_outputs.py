import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from plural_tasks.rescore.outputs import (
    Prediction,
    WrittenAnswer,
    output_source,
    read_outputs,
    with_attribute,
)
from plural_tasks.sources import SOURCES
from plural_tasks.utils.errors import ModPluralError
from tests.plural_tasks.rescore.authors_rows import OPTIONS, REASONS, UNKNOWN, moral, overton, stance, survey, write

ROOT = Path(__file__).resolve().parents[3]
TASKS = {
    "plural_distributional_globalopinionqa": survey(1, "Ghana", UNKNOWN, [0.4, 0.3, 0.2, 0.1], [1, 1, 1, 1]),
    "plural_steerable_opinionqa": survey(1, "SEX_Female", OPTIONS, [0.4, 0.3, 0.2, 0.1], [0, 0, 0, 0]),
    "plural_distributional_moralchoice": moral(1, [1, 0], [0.9, 0.1]),
    "plural_steerable_vk": stance(1, "B", "Oppose"),
    "plural_overton_vk": overton(1, REASONS, "Work. Quiet."),
}


def read(tmp_path: Path, task: str, *rows: Any) -> list[Any]:
    return read_outputs(write(tmp_path / "o.json", list(rows)), output_source(task))


@pytest.mark.parametrize("task", TASKS)
def test_every_format_is_read(tmp_path, task) -> None:
    row = TASKS[task]
    (output,) = read(tmp_path, task, row)

    if "pred_distribution" in row:
        assert isinstance(output, Prediction)
        assert output.gold == tuple(row["gold_distribution"])
        assert output.shares == tuple(map(float, row["pred_distribution"]))
        assert output.attribute == row["attribute"]
    else:
        assert isinstance(output, WrittenAnswer)
        assert output.text == row["output"]
    assert output.item.id == str(row["id"])


def test_rows_keep_their_order_and_pair_with_their_items(tmp_path) -> None:
    rows = [moral(number, [1, 0], [number / 10, 1 - number / 10]) for number in (3, 1, 2)]
    outputs = read(tmp_path, "plural_distributional_moralchoice", *rows)

    assert [output.item.id for output in outputs] == ["M_3", "M_1", "M_2"]
    assert [output.shares[0] for output in outputs] == [0.3, 0.1, 0.2]


def test_dont_know_options_are_those_of_the_source(tmp_path) -> None:
    (output,) = read(tmp_path, "plural_distributional_globalopinionqa", TASKS["plural_distributional_globalopinionqa"])

    assert output.item.dont_know == (3,)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, r"field 'pred_distribution': found None, expected a list of shares; has a model answered this row\?"),
        ([0.5], "found 1 shares, expected one for each of the 2 options"),
        ([0.5, -0.1], "share 2 is -0.1, expected a finite number of at least 0"),
        ([0.5, float("nan")], "share 2 is nan"),
        ([float("inf"), 0], "share 1 is inf"),
        ([True, 0], "share 1 is True"),
        (["0.5", 0], "share 1 is '0.5'"),
    ],
)
def test_a_bad_prediction_names_file_record_and_field(tmp_path, value, message) -> None:
    rows = [moral(1, [1, 0], [1, 0]), {**moral(2, [1, 0], [1, 0]), "pred_distribution": value}]
    with pytest.raises(ModPluralError, match=rf"o\.json, record 2 \(id 'M_2'\): .*{message}"):
        read(tmp_path, "plural_distributional_moralchoice", *rows)


@pytest.mark.parametrize("value", [None, 3, ["B"]])
def test_an_answer_that_is_no_text_is_refused(tmp_path, value) -> None:
    with pytest.raises(
        ModPluralError, match=r"record 1 \(id 1\): field 'output': found .*, expected the generated text"
    ):
        read(tmp_path, "plural_steerable_vk", {**stance(1, "A", ""), "output": value})


@pytest.mark.parametrize("field", ["pred_distribution", "attribute", "gold_distribution"])
def test_a_missing_field_is_named(tmp_path, field) -> None:
    row = survey(1, "Ghana", OPTIONS, [0.4, 0.3, 0.2, 0.1], [1, 0, 0, 0])
    del row[field]
    with pytest.raises(ModPluralError, match=rf"record 1 \(id 1\): field '{field}' is missing"):
        read(tmp_path, "plural_distributional_globalopinionqa", row)


def test_rows_of_another_task_are_refused(tmp_path) -> None:
    with pytest.raises(ModPluralError, match="record 1"):
        read(tmp_path, "plural_overton_vk", moral(1, [1, 0], [1, 0]))


def test_an_id_that_occurs_twice_is_refused(tmp_path) -> None:
    with pytest.raises(ModPluralError, match="'M_1' occurs twice"):
        read(tmp_path, "plural_distributional_moralchoice", moral(1, [1, 0], [1, 0]), moral(1, [1, 0], [1, 0]))


@pytest.mark.parametrize("content", ["{}", "[]", "no json", json.dumps([3])])
def test_what_is_no_list_of_rows_is_refused(tmp_path, content) -> None:
    path = tmp_path / "o.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ModPluralError, match=r"o\.json"):
        read_outputs(path, output_source("plural_steerable_vk"))


def test_a_task_is_known_with_and_without_its_prefix() -> None:
    assert output_source("steerable_vk") is output_source("plural_steerable_vk")
    with pytest.raises(ModPluralError, match=r"unknown task .*Did you mean 'plural_steerable_vk'"):
        output_source("plural_steerable_vks")


def test_the_names_are_those_of_the_task_index() -> None:
    configs = [
        yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)
        for folder in ("distributional", "steerable", "overton", "vital")
        for path in (ROOT / "task_configs" / folder).glob("plural_*.yaml")
    ]
    sources = {config["task"]: config["dataset_kwargs"]["plural_source"] for config in configs if "group" not in config}

    assert len(sources) == 10
    for task, source in sources.items():
        assert output_source(task) is SOURCES[source]


def test_tasks_of_other_formats_are_not_offered() -> None:
    with pytest.raises(ModPluralError, match="unknown task 'plural_embedded_overton'"):
        output_source("plural_embedded_overton")


def test_an_attribute_keeps_the_rows_that_contain_it(tmp_path) -> None:
    groups = ["SEX_Female", "SEX_Male", "RELIG_Atheist"]
    outputs = read(
        tmp_path,
        "plural_steerable_opinionqa",
        *(survey(number, group, ["Yes", "No"], [1, 0], [1, 0]) for number, group in enumerate(groups)),
    )

    assert [output.item.id for output in with_attribute(outputs, "SEX")] == ["0", "1"]
    assert [output.item.id for output in with_attribute(outputs, "ale")] == ["0", "1"]
    with pytest.raises(ModPluralError, match="--attribute: unknown attribute 'RACE'"):
        with_attribute(outputs, "RACE")


def test_answers_have_no_attribute(tmp_path) -> None:
    with pytest.raises(ModPluralError, match="--attribute"):
        with_attribute(read(tmp_path, "plural_steerable_vk", stance(1, "A", "A")), "Quiet")
