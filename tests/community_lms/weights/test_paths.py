"""Which paths are of this machine, and which are names on the Hub."""

from __future__ import annotations

from pathlib import Path

import pytest

from community_lms.weights.embedded import EMBEDDED_MODELS
from community_lms.weights.paths import is_local


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("path", [".", "./mine", "../mine", "~/mine", "/data/mine", "/data/texts.jsonl"])
@pytest.mark.parametrize("files", [False, True])
def test_what_is_written_as_a_path_is_local_though_nothing_is_there(path: str, files: bool) -> None:
    assert is_local(path, files=files)


def test_a_name_is_of_the_hub_until_a_folder_here_has_it() -> None:
    assert not is_local("org/mine")
    Path("org/mine").mkdir(parents=True)
    assert is_local("org/mine")


def test_a_file_is_a_corpus_and_no_weights() -> None:
    Path("texts.jsonl").write_text("")
    assert is_local("texts.jsonl", files=True)
    assert not is_local("texts.jsonl")


@pytest.mark.parametrize("name", EMBEDDED_MODELS)
def test_an_embedded_model_stays_one_whatever_lies_here(name: str) -> None:
    Path(name).mkdir()
    assert not is_local(name)
    assert not is_local(name, files=True)
