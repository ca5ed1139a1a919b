"""What of an adapter folder may be published, and what is wrong with one."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from community_lms.pools.spec import Community
from community_lms.publishing.adapter_folder import adapter_files, left_out, read_adapter, without_paths
from community_lms.weights.embedded import HUB_REPOSITORY
from plural_tasks.utils.errors import ModPluralError
from tests.community_lms.publishing.published import BASE, make_adapter


@pytest.fixture
def folder(tmp_path) -> Path:
    return make_adapter(tmp_path / "left")


def change(path: Path, **fields) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def test_only_what_belongs_to_an_adapter_goes(folder) -> None:
    files = adapter_files(read_adapter(folder))
    assert list(files) == [
        *("adapter_config.json", "adapter_model.safetensors", "evaluation.json", "loss.jsonl", "loss.svg"),
        "run_info.json",
    ]
    assert left_out(folder) == {
        "adapter_model.bin": "pickled, which can run code when it is loaded",
        "checkpoint-30/": "checkpoint",
        "notes.txt": "not part of an adapter",
        "optimizer.pt": "state of the training",
    }


def test_the_settings_name_the_backbone_as_the_hub_knows_it(folder) -> None:
    change(folder / "adapter_config.json", base_model_name_or_path="/home/ann/models/base")
    run = json.loads((folder / "run_info.json").read_text())
    del run["digests"]["adapter_config.json"]
    (folder / "run_info.json").write_text(json.dumps(run))
    settings = json.loads(adapter_files(read_adapter(folder))["adapter_config.json"])
    assert (settings["base_model_name_or_path"], settings["revision"]) == (BASE, "b" * 40)


def test_no_path_of_this_machine_goes_along(folder) -> None:
    files = adapter_files(read_adapter(folder))
    for name in ("adapter_config.json", "evaluation.json", "run_info.json"):
        assert b"/home" not in files[name]
    assert json.loads(files["run_info.json"])["config"]["corpus"] == [{"path": "mine.jsonl"}]
    assert json.loads(files["evaluation.json"])["pool"] == "pool.yaml"


def test_the_digests_are_those_of_the_files_that_go(folder) -> None:
    files = adapter_files(read_adapter(folder))
    for name, digest in json.loads(files["run_info.json"])["digests"].items():
        content = files[name] if isinstance(files[name], bytes) else files[name].read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("/home/ann/x.json", "x.json"),
        ("~/models/base/", "base"),
        (r"C:\Users\ann\x", "x"),
        ("ann/articles", "ann/articles"),
        ("left and/or right", "left and/or right"),
        ("/r/politics posts", "/r/politics posts"),
        ("/rest/of/it", "it"),
        ({"a": ["/tmp/x", 3, None]}, {"a": ["x", 3, None]}),
    ],
)
def test_paths_are_cut_to_their_last_part(value, expected) -> None:
    assert without_paths(value) == expected


def test_the_embedded_backbone_has_a_name_on_the_hub(folder) -> None:
    change(folder / "run_info.json", backbone={"path": "embedded", "sha256": "e" * 64})
    adapter = read_adapter(folder)
    assert (adapter.backbone.path, adapter.base_model) == ("embedded", HUB_REPOSITORY)
    assert json.loads(adapter_files(adapter)["adapter_config.json"])["base_model_name_or_path"] == HUB_REPOSITORY


def test_without_a_record_the_settings_say_what_there_is(folder) -> None:
    (folder / "run_info.json").unlink()
    adapter = read_adapter(folder)
    assert (adapter.name, adapter.description, adapter.backbone.path) == ("left", "", BASE)


def test_the_pool_goes_before_the_folder(folder) -> None:
    member = Community.model_validate(
        {"name": "left", "description": "leftists", "adapter": str(folder), "licence": "MIT", "backbone": BASE}
    )
    adapter = read_adapter(folder, member=member)
    assert (adapter.description, adapter.licence, adapter.corpus) == ("leftists", "MIT", "articles by readers")


class TestRefuses:
    def test_changed_weights(self, folder) -> None:
        (folder / "loss.jsonl").write_text("")
        with pytest.raises(ModPluralError, match=r"loss\.jsonl: was changed after training"):
            read_adapter(folder)

    def test_a_file_that_is_gone(self, folder) -> None:
        (folder / "loss.jsonl").unlink()
        with pytest.raises(ModPluralError, match=r"loss\.jsonl: run_info\.json has its digest, but there is no such"):
            read_adapter(folder)

    def test_pickled_weights(self, folder) -> None:
        (folder / "adapter_model.safetensors").unlink()
        expected = r"has no adapter_model\.safetensors; .* There is adapter_model\.bin: save it anew with safe_ser"
        with pytest.raises(ModPluralError, match=expected):
            read_adapter(folder)

    def test_what_only_has_the_name_of_safetensors(self, folder) -> None:
        (folder / "run_info.json").unlink()
        (folder / "adapter_model.safetensors").write_bytes(b"\x80\x04pickled, whatever its name")
        with pytest.raises(ModPluralError, match="is no whole safetensors file"):
            read_adapter(folder)

    def test_a_file_cut_short(self, folder) -> None:
        (folder / "run_info.json").unlink()
        path = folder / "adapter_model.safetensors"
        path.write_bytes(path.read_bytes()[:-8])
        with pytest.raises(ModPluralError, match="is no whole safetensors file"):
            read_adapter(folder)

    def test_weights_that_are_no_adapter(self, folder) -> None:
        import numpy as np
        from safetensors.numpy import save_file

        (folder / "run_info.json").unlink()
        save_file({"model.embed.weight": np.zeros(3)}, folder / "adapter_model.safetensors")
        with pytest.raises(ModPluralError, match=r"holds no LoRA weights, found model\.embed\.weight"):
            read_adapter(folder)

    def test_an_evaluation_of_others(self, folder) -> None:
        change(folder / "evaluation.json", communities=["right"])
        with pytest.raises(ModPluralError, match="is of right, expected 'left' among them"):
            read_adapter(folder)

    def test_a_backbone_that_nobody_else_has(self, folder) -> None:
        change(folder / "run_info.json", backbone={"path": "/home/ann/base", "sha256": "e"})
        with pytest.raises(ModPluralError, match="its backbone is '/home/ann/base', which nobody else can load"):
            read_adapter(folder)
        assert read_adapter(folder, backbone="ann/base").base_model == "ann/base"

    def test_a_pool_on_another_backbone(self, folder) -> None:
        member = Community.model_validate(
            {"name": "left", "description": "d", "adapter": str(folder), "backbone": "ann/other"}
        )
        with pytest.raises(ModPluralError, match=re.escape(f"puts it on ann/other, but it was trained on {BASE}")):
            read_adapter(folder, member=member)

    def test_a_folder_that_is_not_there(self, tmp_path) -> None:
        with pytest.raises(ModPluralError, match="no such folder"):
            read_adapter(tmp_path / "none")
