"""Whole runs of the harness: a model of transformers, and a server; side by side in a comparison; in the trace."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from model_wrappers.base.build import build_base
from model_wrappers.cli.app import app
from plural_tasks.metrics import js_distance, normalise
from plural_tasks.metrics.montecarlo import smoothed
from tests.community_lms.tiny_models import save_model
from tests.model_wrappers.helpers import doc, requests, run_harness
from tests.openai_server import last_turn, serving


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global ModPluralLM, estimate
    from model_wrappers.lm import ModPluralLM
    from model_wrappers.runs.estimate import estimate


TASK = "plural_embedded_distributional"
FIGURES = {"js_distance,none", "option_mass,none", "tv_distance,none", "fallback_rate,none"}

runner = CliRunner()


def run(folder: Path, *settings: str, more: tuple[str, ...] = ()) -> dict[str, Any]:
    given = ",".join(["message_engine=scripted", "messages=none", "method=vanilla", *settings])
    output = ("--output_path", str(folder / "r.json"), "--log_samples")
    run_harness(["--model_args", given, "--tasks", TASK, "--limit", "2", *more, *output])
    (path,) = folder.glob("r_*.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_model(tmp_path_factory.mktemp("elicit") / "b", seed=1)


def test_a_model_of_transformers_is_sampled_with_seeds(weights: str) -> None:
    base = build_base("hf", {"pretrained": weights, "device": "cpu", "batch_size": 4}, {})

    def replies(seed: int, *numbers: int) -> list[list[str]]:
        settings = {"method": "vanilla", "elicitation": "sample", "elicitation_samples": 3, "messages": "none"}
        lm = ModPluralLM(base=base, seed=seed, **settings)
        lm.loglikelihood(requests([doc("distributional", number) for number in numbers], "loglikelihood"))
        return [one["replies"] for note in lm.session.notes.values() for one in note["elicited"]]

    first = replies(1, 0, 1)
    assert replies(1, 0, 1) == first
    assert replies(1, 1) == first[1:]
    assert replies(2, 0, 1) != first
    assert all(len(set(one)) == 3 for one in first)  # a random model says something else every time


@pytest.mark.slow
def test_routes_of_one_server_stand_side_by_side(tmp_path: Path) -> None:
    def say(asked: dict[str, Any]) -> str:
        return "A: 70%\nB: 20%\nC: 10%\nD: 0%" if "…%" in last_turn(asked) else "ABCD"[asked["seed"] % 4]

    with serving(say=say, top=lambda _: {"A": 0.7, "B": 0.2}) as server:
        base = ("base=local-chat-completions", "model=m", f"base_url={server.url}/chat/completions")
        runs = {
            route: run(
                tmp_path / route,
                *base,
                f"elicitation={route}",
                f"trace={tmp_path / route}.jsonl",
                more=("--apply_chat_template",),
            )
            for route in ("auto", "sample", "verbalised")
        }
    taken = {name: found["config"]["modplural"]["elicitation"]["route"] for name, found in runs.items()}
    assert taken == {"auto": "logprob", "sample": "sample", "verbalised": "verbalised"}
    assert all(set(found["results"][TASK]) >= FIGURES for found in runs.values())
    assert runs["auto"]["results"][TASK]["option_mass,none"] == pytest.approx(0.9)
    shown = runner.invoke(app, ["compare", *(str(tmp_path / name) for name in runs)], env={"COLUMNS": "200"})
    assert shown.exit_code == 0, shown.output
    for route in taken.values():
        assert f"vanilla, elicitation {route}" in " ".join(shown.output.split())
    traced = {
        name: runner.invoke(app, ["trace", "show", str(tmp_path / f"{name}.jsonl")], env={"COLUMNS": "200"}).output
        for name in runs
    }
    assert "elicited by logprob" in traced["auto"]
    assert "with what is not shown: A 0.7" in traced["auto"]
    assert "elicited by sample, Monte-Carlo error 0." in traced["sample"]
    assert "20 answers: A " in traced["sample"]
    assert "A: 70%" in traced["verbalised"]


@pytest.mark.slow
def test_a_comparison_says_how_far_two_routes_agree(tmp_path: Path) -> None:
    # Answers to the three documents; the third has two options.
    said = {"AAAAAAAABBBBBBCCCCDD": 20, "AAAAAAAAAAAAAAAAAAAA": 20, "AAABBB": 6}
    replies = [reply for answers in said for reply in [*answers, *["I cannot answer that."] * (20 - len(answers))]]
    common = {"base": "scripted", "method": "vanilla", "message_engine": "scripted", "messages": "none"}
    for route, more in (("logprob", {}), ("sample", {"replies": replies})):
        given = json.dumps({**common, "elicitation": route, **more})
        output = ("--output_path", str(tmp_path / route / "r.json"), "--log_samples")
        run_harness(["--model_args", given, "--tasks", TASK, "--limit", "3", *output])
    (written,) = (tmp_path / "sample").glob("r_*.json")
    drawn = {"0": [8, 6, 4, 2], "1": [20, 0, 0, 0], "2": [3, 3]}
    counts = {number: [[{"weight": 1.0, "counts": counted}]] for number, counted in drawn.items()}
    assert json.loads(written.read_text())["config"]["modplural"]["drawn"] == {TASK: counts}
    places = [f"{route}={tmp_path / route}" for route in ("logprob", "sample")]
    shown = runner.invoke(app, ["compare", *places, "--format", "json"])
    assert shown.exit_code == 0, shown.output
    (found,) = json.loads(shown.stdout)["tasks"][0]["agreements"]
    estimated = [smoothed([8, 6, 4, 2], 0.5), smoothed([20, 0, 0, 0], 0.5), smoothed([3, 3], 0.5)]
    (samples,) = (tmp_path / "logprob").glob("samples_*.jsonl")
    scored = [json.loads(line)["filtered_resps"] for line in samples.read_text().splitlines()]
    exact = [normalise([float(value) for value, _ in row])[0] for row in scored]
    distances = [js_distance(p, q) for p, q in zip(estimated, exact, strict=True)]
    assert found["value"] == pytest.approx(sum(distances) / 3)
    assert (found["run"], found["other"], found["n"], found["sampled"]) == ("logprob", "sample", 3, "sample")
    assert found["answers"] == pytest.approx(sum(said.values()) / 3)
    assert 0.0 < found["error"] < found["reference"] < found["reference_high"] < found["value"]
    assert found["verdict"] == "apart"
    table = runner.invoke(app, ["compare", *places], env={"COLUMNS": "200"}).output
    assert "embedded_distributional: how far the elicitation routes agree" in table
    assert f"{found['reference']:.3f} (≤ {found['reference_high']:.3f})" in table


@pytest.mark.slow
def test_an_estimate_counts_the_answers_to_draw(weights: str, tmp_path: Path) -> None:
    def counted(*settings: str) -> tuple[int, int]:
        given = ",".join([f"messages={tmp_path / 'm.sqlite'}", "message_engine=scripted", *settings])
        arguments = ["--model_args", given, "--tasks", TASK, "--limit", "2", "--device", "cpu"]
        found = estimate(arguments, ("vanilla",), (), measure=False).prompts["vanilla"]
        return found.scored, found.generated

    sampled = (f"pretrained={weights}", "elicitation=sample", "elicitation_samples=7", "elicitation_error=0.9")
    assert counted(*sampled) == (0, 14)
    assert counted("base=local-chat-completions", "model=m") == (2, 0)
    assert counted("base=anthropic-chat-completions", "model=m") == (0, 40)
