import hashlib
import json
import sys
from pathlib import Path

import pytest

from plural_tasks.dataset import load
from plural_tasks.schema import OvertonItem, Value
from plural_tasks.utils.errors import ModPluralError

RECORD = {"situation": "planting a tree", "vrd": ["Care"], "explanation": ["Trees outlive us."], "id": 1}
ITEMS = [
    OvertonItem(id=name, question="planting a tree", values=(Value(name="Care", explanation="Trees outlive us."),))
    for name in ("a", "b")
]


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
            "cluster": hashlib.sha256(b"planting a tree").hexdigest()[:12],
            "split": "test",
            "study": "",
            "fault": "",
            "values": ["Care"],
            "kinds": [""],
            "explanations": ["Trees outlive us."],
            "orders": [[]],
        }
    ]


def test_each_document_has_its_orders() -> None:
    docs = load("embedded_distributional", plural_permutations=2)["test"]
    n = len(docs[0]["options"])
    assert docs[0]["orders"] == [list(range(n)), list(range(n))[::-1]]
    assert load("embedded_distributional")["test"][0]["orders"] == [list(range(n))]


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "all"])
def test_a_number_of_orders_that_is_none_is_refused(value) -> None:
    with pytest.raises(ModPluralError, match=r"plural_permutations: found .*, expected a whole number of at least 1"):
        load("embedded_distributional", plural_permutations=value)


def test_train_items_are_a_split_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    items = [item.model_copy(update={"split": split}) for item, split in zip(ITEMS, ("train", "test"), strict=True)]
    monkeypatch.setattr("plural_tasks.dataset.read_items", lambda source, path: items)
    splits = load("embedded_overton")
    assert {split: docs["id"] for split, docs in splits.items()} == {"train": ["a"], "test": ["b"]}
    monkeypatch.setattr("plural_tasks.dataset.read_items", lambda source, path: items[:1])
    with pytest.raises(ModPluralError, match="no item of the split 'test'"):
        load("embedded_overton")


def test_an_unknown_source_names_the_nearest() -> None:
    with pytest.raises(ModPluralError, match=r"^dataset_kwargs\.plural_source: unknown source 'overton_kv'\. Did you"):
        load("overton_kv")


def test_a_misspelt_option_of_ours_is_refused() -> None:
    with pytest.raises(ModPluralError, match=r"--metadata: unknown option 'plural_dat'\. Did you mean 'plural_data'"):
        load("embedded_overton", plural_dat="x")
