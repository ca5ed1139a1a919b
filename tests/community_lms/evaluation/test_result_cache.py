import json
from pathlib import Path

import pytest

from community_lms.evaluation import result_cache as module
from community_lms.evaluation.result_cache import ResultCache


def test_a_result_is_made_once_for_equal_inputs_and_anew_for_others(tmp_path: Path) -> None:
    made: list[int] = []

    def make() -> list[float]:
        made.append(1)
        return [len(made), float("nan")]

    assert ResultCache(tmp_path).get("part", {"a": 1}, make) == [1, None]
    again = ResultCache(tmp_path)
    assert again.get("part", {"a": 1}, make) == [1, None]
    assert again.reused == ["part"]
    assert again.get("part", {"a": 2}, make) == [2, None]
    assert again.get("other", {"a": 1}, make) == [3, None]


def test_a_failed_one_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        ResultCache(tmp_path).get("part", {}, lambda: {}["x"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["{", "[]", '{"inputs": {}, "result": 7}'])
def test_a_broken_file_is_made_anew(tmp_path: Path, text: str) -> None:
    ResultCache(tmp_path).get("part", {"a": 1}, lambda: 1)
    (path,) = tmp_path.iterdir()
    path.write_text(text)

    assert ResultCache(tmp_path).get("part", {"a": 1}, lambda: 2) == 2
    assert json.loads(path.read_text())["result"] == 2


def test_another_version_of_the_figures_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ResultCache(tmp_path).get("part", {}, lambda: 1)
    monkeypatch.setattr(module, "VERSION", 2)

    assert ResultCache(tmp_path).get("part", {}, lambda: 2) == 2
