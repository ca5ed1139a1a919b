"""The page of the shows, and what they count."""

from __future__ import annotations

import json
import math
from pathlib import Path

from benchmarks.black_box import command
from benchmarks.black_box.__main__ import SHOWS
from benchmarks.black_box.fault_log import Record
from benchmarks.black_box.kills import Life
from benchmarks.black_box.page import PAGE, SECTIONS, page
from benchmarks.black_box.storm import _at_a_kill
from community_lms.pools.pool import load_pool

RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "black_box.json"


def test_every_show_has_a_section() -> None:
    assert list(SECTIONS) == list(SHOWS)


def test_the_page_is_made_of_the_results() -> None:
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert set(results["shows"]) == set(SHOWS)
    made = page(results)
    assert PAGE.read_text(encoding="utf-8") == made
    assert "nan" not in made.lower().replace("finance", "")
    storm = results["shows"]["storm"]["found"]
    for part in ("faults", "kills", "budget"):
        assert storm[part]["same_results"]
    assert storm["faults"]["again_after_delivery"] == storm["budget"]["again_after_delivery"] == 0
    assert storm["kills"]["again_after_delivery"] == storm["kills"]["of_them_when_killed"]
    doctor = results["shows"]["doctor"]["found"]
    assert doctor["healthy"]["code"] == 0
    assert all(one["code"] == 1 and one["faults"] for name, one in doctor.items() if name != "healthy")
    assert len(doctor) > 10


def test_what_was_in_flight_at_a_kill_is_no_loss() -> None:
    lives = (Life(0.0, 10.0, True, -9), Life(10.0, 20.0, True, -9), Life(20.0, 30.0, False, 0))

    def at_a_kill(began: float, ended: float) -> bool:
        return _at_a_kill(Record(1, "/", "d", 1, began, ended, None, 200, 200, True), lives)

    assert at_a_kill(9.0, 9.8)  # may not have been kept
    assert at_a_kill(9.0, 13.0)  # to a client that was dead
    assert not at_a_kill(9.0, 9.7)
    assert not at_a_kill(10.5, 11.0)
    assert not at_a_kill(29.0, 31.0)  # that life was not killed


def test_the_pool_of_the_shows_speaks_through_the_server(tmp_path) -> None:
    pool = load_pool(str(command.write_pool(tmp_path, "http://127.0.0.1:9", "m")))
    assert [member.kind for member in pool.communities] == ["endpoint", "endpoint", "persona"]
    args = command.model_args(tmp_path, "http://127.0.0.1:9", "m", model="other", pool=None)
    assert "model=other" in args
    assert "pool=" not in args


def test_figures_leave_out_what_is_no_number() -> None:
    results = {"results": {"t": {"alias": "t", "js,none": 0.5, "n": 3, "nan,none": math.nan}}}
    assert list(command.figures(results)["t"]) == ["js", "nan"]
