"""What stands in run_info.json, and that nothing of the machine does."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from community_lms.training.config import TrainConfig
from community_lms.training.record import corpus_digest, portable_path, run_info


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("mistralai/Mistral-7B-Instruct-v0.1", "mistralai/Mistral-7B-Instruct-v0.1"),
        ("embedded", "embedded"),
        ("/home/me/models/mine", "mine"),
        ("./mine", "mine"),
        ("/home/me/.cache/huggingface/hub/models--org--a-name/snapshots/0123abc", "org/a-name"),
    ],
)
def test_paths_lose_what_is_of_this_machine(path: str, name: str) -> None:
    assert portable_path(path) == name


def test_a_local_folder_without_a_leading_dot_is_local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "build" / "mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)

    assert portable_path("build/mine") == "mine"


def made(tmp_path: Path, **changes: Any) -> TrainConfig:
    (tmp_path / "texts.jsonl").write_text('{"comment": "a"}\n')
    (tmp_path / "model").mkdir(exist_ok=True)
    corpora = [
        {"path": str(tmp_path / "texts.jsonl"), "source": "one", "licence": "CC0-1.0"},
        {"path": "org/texts", "source": "two", "licence": "MIT"},
    ]
    fields = {"community": "us", "description": "d", "backbone": str(tmp_path / "model"), "corpus": corpora}
    return TrainConfig.model_validate({**fields, **changes})


def test_the_record_says_what_was_done_without_machine_paths(tmp_path: Path) -> None:
    history = [
        {"step": 0, "tokens": 0, "held_out_loss": 3.0},
        {"step": 2, "tokens": 40, "loss": 2.5},
        {"step": 2, "tokens": 40, "held_out_loss": 2.0},
    ]
    state = SimpleNamespace(global_step=2, num_input_tokens_seen=40)
    facts = {"documents": 9, "held_out_documents": 1, "dropped": {"empty": 2}, "sha256": "ab"}
    info = run_info(
        made(tmp_path),
        facts,
        history,
        state,
        1.26,
        {"x": "cd"},
        started="2026-01-01T00:00:00+00:00",
        precision="float32",
    )

    assert info["loss"] == {"train": 2.5, "held_out_first": 3.0, "held_out_last": 2.0}
    assert (info["steps"], info["tokens"], info["seconds"]) == (2, 40, 1.3)
    assert info["started"] == "2026-01-01T00:00:00+00:00"
    assert info["backbone"]["path"] == "model"
    assert set(info["backbone"]) == {"path", "sha256"}
    corpus = info["corpus"]
    assert (corpus["source"], corpus["licence"], info["licence"]) == ("one; two", "CC0-1.0 and MIT", "CC0-1.0 and MIT")
    assert [part["path"] for part in corpus["parts"]] == ["texts.jsonl", "org/texts"]
    assert {name: corpus[name] for name in facts} == facts
    assert info["machine"].endswith(", float32")
    assert info["digests"] == {"x": "cd"}
    assert str(tmp_path) not in json.dumps(info)


def test_a_backbone_of_the_hub_is_recorded_with_its_commit(tmp_path: Path) -> None:
    state = SimpleNamespace(global_step=0, num_input_tokens_seen=0)
    config = made(tmp_path, backbone="org/model", licence="mine")
    info = run_info(config, {}, [], state, 0.0, {}, commit="0123")

    assert info["backbone"] == {"path": "org/model", "repo": "org/model", "revision": "0123"}
    assert info["loss"] == {"train": None, "held_out_first": None, "held_out_last": None}
    assert info["licence"] == "mine"


def test_the_corpus_digest_follows_content_and_settings_but_not_the_place(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = (corpus_digest(made(tmp_path / name)) for name in "ab")
    assert first == second

    config = made(tmp_path / "a")
    (tmp_path / "a" / "texts.jsonl").write_text('{"comment": "b"}\n')
    assert corpus_digest(config) != first
