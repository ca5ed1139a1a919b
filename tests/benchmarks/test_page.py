"""The page of a results file, and the suite from start to end on tiny models."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.speed import __main__ as suite
from benchmarks.speed.findings import FORMAT
from benchmarks.speed.registry import COMPARISONS, Models
from benchmarks.speed.tables import number


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global plots, write_page
    from benchmarks.speed import plots
    from benchmarks.speed.page import main as write_page


ROUND = {"seconds": 2.0, "amount": 10}
ENTRY: dict[str, Any] = {
    "title": "Messages",
    "unit": "tokens",
    "ways": {
        "published": {"rounds": [ROUND] * 2, "per_second": 5.0},
        "ours": {"rounds": [ROUND] * 2, "per_second": 5000.0},
    },
    "ratios": {"ours / published": 1000.0},
    "figures": {
        "rates": {"matrix": 2e12, "copy": 3e10},
        "limit_per_second": 20000.0,
        "share_of_limit": 0.25,
    },
    "claims": [{"what": "speed", "measured": 1000.0, "aim": 2000, "sense": "at least", "unit": "times", "met": False}],
    "notes": ["What it means."],
}


PROFILE = {**ENTRY, "title": "Profile", "figures": {"operators": [{"name": "MatMul", "seconds": 1.0, "share": 0.75}]}}


def results(tmp_path: Path, **changes: Any) -> Path:
    facts = {
        "format": FORMAT,
        "command": "python -m benchmarks.speed",
        "date": "2026-11-28T01:02:03+00:00",
        "commit": "abc",
        "quick": False,
        "models": vars(Models()),
        "machine": {"cpu": "A CPU", "cores": 2, "memory_gb": 8.0, "instructions": ["avx2"]},
        "versions": {"torch": "2.13.0"},
        "comparisons": {"messages": ENTRY, "scoring_profile": PROFILE},
        **changes,
    }
    path = tmp_path / "speed.json"
    path.write_text(json.dumps(facts))
    return path


def test_the_page_says_what_was_aimed_at_and_what_was_measured(tmp_path) -> None:
    path = results(tmp_path)
    write_page([str(path), "--folder", str(tmp_path)])
    page = (tmp_path / "speed.md").read_text()
    assert "| speed | at least 2,000 times | 1,000 times | **not met** |" in page
    assert "| ours | 5,000 | 2, 5 to 5 |" in page
    assert "ours / published: 1,000." in page
    assert "25 % of it is reached" in " ".join(page.split())
    assert "| `MatMul` | 75 % |" in page
    assert "- What it means." in page
    assert "Measured 2026-11-28 by" in page
    assert "no figure means anything" not in page
    assert (tmp_path / "plots" / "messages.svg").read_text().count("<svg") == 1
    assert all(len(line) <= 130 for line in page.splitlines() if not line.startswith(("|", "<!--", "Limit:")))


SCORING: dict[str, Any] = {
    **ENTRY,
    "title": "Scoring",
    "ratios": {"modplural / bare model": 0.8},
    "figures": {
        **ENTRY["figures"],
        "prompts": 4,
        "tokens": {"asked": 100, "computed": 90, "computed_with_padding": 110},
        "share_of_bare_model": 0.72,  # 0.8 * 90 / 100
    },
}


def test_the_two_shares_of_the_bare_model_are_told_apart(tmp_path) -> None:
    write_page([str(results(tmp_path, comparisons={"scoring": SCORING})), "--folder", str(tmp_path)])
    page = " ".join((tmp_path / "speed.md").read_text().split())
    assert "modplural / bare model: 0.8. Ratios are by prompts. By tokens that are computed" in page
    assert "modplural / bare model is 0.72: the share of the bare model at the top of the page." in page


def test_the_readme_says_what_was_measured() -> None:
    root = Path(__file__).resolve().parents[2]
    ratios = json.loads((root / "benchmarks/results/speed.json").read_text())["comparisons"]["messages"]["ratios"]
    assert f"{number(ratios['openvino / published'])} times as fast as the published way" in (
        root / "README.md"
    ).read_text(encoding="utf-8")


def test_bars_begin_at_zero_and_say_how_many_times_the_first_they_are() -> None:
    published = {"rounds": [{"seconds": 2.0, "amount": 10}] * 2, "per_second": 5.0}
    ours = {"rounds": [{"seconds": 1.0, "amount": 15}, {"seconds": 1.0, "amount": 25}], "per_second": 20.0}
    figure = plots._speeds({"unit": "tokens", "ways": {"published": published, "ours": ours}})
    (axes,) = figure.axes
    assert axes.get_xscale() == "linear"
    assert axes.get_xlim()[0] == 0
    assert [text.get_text() for text in axes.texts] == ["5", "20 (4 × published)"]  # by round 3 and 5


def test_a_phase_has_one_colour_and_both_evaluations_one_axis() -> None:
    phases = {"messages": {"all": 3.0}, "scoring": {"all": 1.0}}
    published = {"messages": 90.0, "distributions": 10.0}
    figure = plots._phases({"figures": {"phases": phases, "published_phases": published}})
    both, closer = figure.axes
    assert [bar.get_width() for bar in both.patches] == [90.0, 10.0, 3.0, 1.0]
    assert [bar.get_width() for bar in closer.patches] == [3.0, 1.0]
    theirs, scored, ours, scoring = (bar.get_facecolor() for bar in both.patches)
    assert theirs == ours
    assert scored == scoring
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "messages: 90 s / 3 s",
        "distributions: 10 s / –",
        "scoring: – / 1 s",
    ]


def test_the_same_figures_give_the_same_files(tmp_path) -> None:
    seen = []
    for name in "ab":
        write_page([str(results(tmp_path)), "--folder", str(tmp_path / name)])
        seen.append([path.read_bytes() for path in sorted((tmp_path / name).rglob("*.*"))])
    assert seen[0] == seen[1]


def test_a_quick_run_says_that_it_means_nothing(tmp_path) -> None:
    write_page([str(results(tmp_path, quick=True)), "--folder", str(tmp_path)])
    assert "no figure means anything" in (tmp_path / "speed.md").read_text()


def test_an_unknown_comparison_is_refused_with_the_known_ones(capsys) -> None:
    with pytest.raises(SystemExit):
        suite.main(["--only", "mesages"])
    assert "no comparison mesages; there are messages, scoring" in capsys.readouterr().err


def test_resuming_keeps_what_is_there_and_refuses_what_was_measured_otherwise(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(suite, "run_child", lambda *_, **__: {"claims": [], "seconds_in_all": 1.0})
    out = ["--out", str(tmp_path / "speed.json"), "--only", "messages", "--quick"]
    suite.main(out)
    suite.main([*out, "--resume"])
    assert "messages: measured before" in capsys.readouterr().out
    with pytest.raises(SystemExit, match=r"was measured otherwise \(quick\)"):
        suite.main([*out[:-1], "--resume"])


def test_one_that_fails_does_not_take_the_others_along(tmp_path, monkeypatch, capsys) -> None:
    def child(*_: Any, name: str, **__: Any) -> dict[str, Any]:
        if name == "messages":
            raise suite.ChildError("it ended with 1")
        return {"claims": [], "seconds_in_all": 1.0}

    monkeypatch.setattr(suite, "run_child", child)
    with pytest.raises(SystemExit, match="failed: messages; --resume tries them again"):
        suite.main(["--out", str(tmp_path / "speed.json"), "--only", "messages,scoring"])
    assert list(json.loads((tmp_path / "speed.json").read_text())["comparisons"]) == ["scoring"]
    assert "it ended with 1" in capsys.readouterr().err


@pytest.mark.slow
def test_the_whole_suite_on_tiny_models(tiny: Models, tmp_path: Path) -> None:
    out = tmp_path / "speed.json"
    models = [
        part for name, value in dataclasses.asdict(tiny).items() for part in (f"--{name.replace('_', '-')}", value)
    ]
    suite.main(["--quick", "--out", str(out), *models])
    found = json.loads(out.read_text())
    assert list(found["comparisons"]) == list(COMPARISONS)
    for name, entry in found["comparisons"].items():
        assert entry["seconds_in_all"] > 0, name
        for way in entry["ways"].values():
            assert all(one["seconds"] > 0 and one["amount"] > 0 for one in way["rounds"]), name
    whole = found["comparisons"]["whole"]["figures"]
    # Two communities on a document of each of three tasks, of which two put the same question.
    assert whole["asked"]["messages"] == 2 * 2
    assert whole["asked"]["messages_without_a_store"] == 2 * 3
    assert found["comparisons"]["second_base"]["figures"]["messages_asked"]["second base LLM"] == 0
    write_page([str(out), "--folder", str(tmp_path)])
    assert sorted(path.name for path in (tmp_path / "plots").iterdir()) == [
        *("growth.svg", "messages.svg", "scoring.svg", "whole.svg"),
    ]
