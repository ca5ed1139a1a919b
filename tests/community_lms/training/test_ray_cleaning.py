"""Corpora whose texts are cleaned by a real local Ray cluster."""

import json
import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from community_lms.generation.ray_cluster import Cluster
from community_lms.training.builders import BUILDERS, CorpusRequest, build, ray_cleaning
from community_lms.training.cleaning import Cleaning
from plural_tasks.utils.errors import ModPluralError

real = [pytest.mark.slow, pytest.mark.skipif(find_spec("ray") is None, reason="needs ray[data]")]
CLEAN = ray_cleaning.clean_block


def source(folder: Path, count: int = 40) -> Path:
    path = folder / "in.jsonl"
    texts = [f"we said &amp; meant it {number % 30}  see https://x.org/{number % 30}" for number in range(count)]
    path.write_text("".join(json.dumps({"community": f"c{n % 2}", "comment": t}) + "\n" for n, t in enumerate(texts)))
    return path


def built(path: Path, out: Path, cluster: Cluster | None = None, **settings: Any) -> tuple[str, Any]:
    tally = build(BUILDERS["files"], CorpusRequest(path=str(path), licence="CC0"), out, cluster=cluster, **settings)
    return out.read_text(), tally


def dying(block: list[Any], cleaning: Cleaning) -> list[Any]:
    """Dies once, at the first block."""
    mark = Path(os.environ["MODPLURAL_TEST_LOG"])
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return CLEAN(block, cleaning)


def failing(block: list[Any], cleaning: Cleaning) -> list[Any]:
    raise ValueError("no such text")


class TestReal:
    pytestmark = real

    @pytest.mark.parametrize("clean", [CLEAN, dying])
    def test_the_file_is_the_one_without_ray(self, clean: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MODPLURAL_TEST_LOG", str(tmp_path / "died"))
        monkeypatch.setattr(ray_cleaning, "BLOCK", 3)
        monkeypatch.setattr(ray_cleaning, "clean_block", clean)
        path = source(tmp_path)
        alone, tally = built(path, tmp_path / "alone.jsonl")
        over, counted = built(path, tmp_path / "over.jsonl", Cluster(workers=2))
        assert over == alone
        assert vars(counted) == vars(tally)
        assert (tally.kept, tally.dropped["duplicate"]) == (30, 10)
        assert "we said & meant it 7 see [link]" in over
        assert (tmp_path / "died").exists() is (clean is dying)

    def test_a_limit_stops_early_and_a_block_that_fails_leaves_no_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = source(tmp_path)
        monkeypatch.setattr(ray_cleaning, "BLOCK", 3)
        _, tally = built(path, tmp_path / "few.jsonl", Cluster(workers=1), limit=4)
        assert tally.kept == 4
        assert tally.read <= 9  # two blocks ahead of the worker, and the one in hand
        monkeypatch.setattr(ray_cleaning, "clean_block", failing)
        with pytest.raises(ModPluralError, match=r"^--ray: a block of records could not be cleaned \(.*no such text"):
            built(path, tmp_path / "none.jsonl", Cluster(workers=1))
        assert not (tmp_path / "none.jsonl").exists()


def test_without_ray_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ModPluralError, match=r"^--ray needs Ray: pip install"):
        built(source(tmp_path), tmp_path / "out.jsonl", Cluster())
