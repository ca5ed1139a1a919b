import json
import sys
from pathlib import Path

import pytest

from plural_tasks.dataset import load
from plural_tasks.errors import ModPluralError

RECORD = {"situation": "planting a tree", "vrd": ["Care"], "explanation": ["Trees outlive us."], "id": 1}


@pytest.fixture(autouse=True)
def _keep_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)


@pytest.mark.parametrize("mode", ["overton", "steerable", "distributional"])
def test_an_embedded_source_is_one_test_split_of_its_mode(mode: str) -> None:
    splits = load(f"embedded_{mode}")

    assert list(splits) == ["test"]
    assert set(splits["test"]["mode"]) == {mode}
    assert splits["test"].column_names[:6] == ["id", "mode", "question", "attribute", "options", "labels"]


def test_the_users_data_are_read_and_other_arguments_ignored(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps([RECORD]))

    splits = load("overton_vk", plural_data=str(path), pretrained="some/model", pool="culture")
    assert splits["test"].to_list() == [
        {
            "id": "1",
            "mode": "overton",
            "question": "planting a tree",
            "attribute": "",
            "options": [],
            "labels": [],
            "values": ["Care"],
            "explanations": ["Trees outlive us."],
        }
    ]


def test_an_unknown_source_names_the_nearest() -> None:
    with pytest.raises(ModPluralError, match=r"^dataset_kwargs\.plural_source: unknown source 'overton_kv'\. Did you"):
        load("overton_kv")


def test_a_misspelt_option_of_ours_is_refused() -> None:
    with pytest.raises(ModPluralError, match=r"--metadata: unknown option 'plural_dat'\. Did you mean 'plural_data'"):
        load("embedded_overton", plural_dat="x")
