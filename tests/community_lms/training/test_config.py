"""A training configuration: short forms, places beside the file, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from community_lms.training.config import TrainConfig
from plural_tasks.utils.errors import ModPluralError
from tests.community_lms.training.runs import load, write

LEAST = {"community": "us", "description": "d", "backbone": "embedded", "corpus": "texts.jsonl"}


def test_short_forms_and_defaults(tmp_path: Path) -> None:
    found = load(write(tmp_path / "c.yaml", LEAST))

    assert (found.backbone.path, found.corpus[0].path) == ("embedded", "texts.jsonl")
    assert found.output == str(tmp_path / "us")
    assert (found.lora.rank, found.lora.target_modules, found.precision, found.packing) == (16, None, "auto", False)


def test_places_are_looked_up_beside_the_file(tmp_path: Path) -> None:
    for name in ("model", "first"):
        (tmp_path / name).mkdir()
    (tmp_path / "texts.jsonl").touch()
    fields = {**LEAST, "backbone": "model", "init_from": "first", "corpus": ["texts.jsonl", "org/texts"]}
    found = load(write(tmp_path / "c.yaml", {**fields, "output": "runs/us"}))

    assert found.backbone.path == str(tmp_path / "model")
    assert found.init_from is not None
    assert found.init_from.path == str(tmp_path / "first")
    assert [corpus.path for corpus in found.corpus] == [str(tmp_path / "texts.jsonl"), "org/texts"]
    assert found.output == str(tmp_path / "runs/us")


def test_a_folder_of_the_embedded_models_name_does_not_hide_it(tmp_path: Path) -> None:
    (tmp_path / "embedded").mkdir()

    assert load(write(tmp_path / "c.yaml", LEAST)).backbone.path == "embedded"


def test_overrides_replace_fields_and_fields_of_mappings(tmp_path: Path) -> None:
    path = write(tmp_path / "c.yaml", {**LEAST, "lora": {"rank": 4, "alpha": 8}})
    found = load(path, lora={"rank": 2}, epochs=5, learning_rate="2e-4", output="here")

    assert (found.lora.rank, found.lora.alpha, found.epochs, found.learning_rate) == (2, 8.0, 5.0, 2e-4)
    assert found.output == "here"  # given on the command line: not beside the file


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rat": 1e-3}, r"c\.yaml: unknown field 'learning_rat'. Did you mean 'learning_rate'\?"),
        ({"lora": {"rnk": 4}}, r"unknown field 'lora.rnk'. Did you mean 'rank'\?"),
        ({"corpus": []}, r"corpus is empty; name at least one"),
        ({"corpus": {"path": "x", "columns": {"coment": "body"}}}, r"unknown column 'coment'. Did you mean 'comment'"),
        ({"holdout": 1.0}, r"field 'holdout': .*less than 1"),
        ({"batch_size": 0}, r"field 'batch_size'"),
        ({"precision": "int8"}, r"field 'precision'"),
        ({"community": "a/b"}, r"field 'community'"),
        ({"lora": {"layers": [-1]}}, r"field 'lora.layers.0'"),
    ],
)
def test_bad_values_are_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ModPluralError, match=message):
        load(write(tmp_path / "c.yaml", {**LEAST, **changes}))


def test_a_file_that_is_no_mapping_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.yaml").write_text("- a\n")
    with pytest.raises(ModPluralError, match=r"list\.yaml: found list, expected a mapping"):
        load(tmp_path / "list.yaml")
    with pytest.raises(ModPluralError, match=r"no\.yaml: cannot be read"):
        load(tmp_path / "no.yaml")


def test_a_configuration_survives_json() -> None:
    made = TrainConfig.model_validate({**LEAST, "lora": {"layers": [1, 0]}})

    assert TrainConfig.model_validate_json(made.model_dump_json()) == made
