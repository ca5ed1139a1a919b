"""Budget, answer store and endurance from the command line, on a real server on the loopback."""

from __future__ import annotations

import contextlib
import json
import random
import re
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from community_lms.remote import retry
from community_lms.remote.answer_store import AnswerStore
from community_lms.remote.budget import Budget, Limits, shared_budget
from model_wrappers.cli.app import app
from model_wrappers.cli.budget import REACHED
from plural_tasks.utils.errors import ModPluralError
from tests.model_wrappers.helpers import doc, requests, run_harness
from tests.openai_server import OpenAIServer, drawn, serving


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global ModPluralLM
    from model_wrappers.lm import ModPluralLM


pytest.importorskip("tenacity", reason="the harness's API backends need lm_eval[api]")

LETTERS = "ABCDEF"


def say(asked: dict[str, Any]) -> str:
    """A letter, or words; prompt and seed decide which."""
    words = drawn(asked)
    return LETTERS[len(words) % 2] if asked["max_tokens"] <= 32 else words


@pytest.fixture
def server(monkeypatch) -> Iterator[OpenAIServer]:
    monkeypatch.setattr(retry, "SHORTEST", 0.001)
    with serving(say=say) as made:
        yield made


def arguments(folder: Path, server: OpenAIServer, *more: str, **settings: str) -> list[str]:
    given = {
        "base": "local-chat-completions",
        "model": "m",
        "base_url": f"{server.url}/chat/completions",
        "num_concurrent": "4",
        "message_engine": "scripted",
        "messages": "none",
        "elicitation": "sample",
        "elicitation_samples": "4",
        "answers": str(folder / "answers.sqlite"),
        "trace": str(folder / "trace.jsonl"),
        **settings,
    }
    return [
        *("--model_args", ",".join(f"{name}={value}" for name, value in given.items())),
        *("--tasks", "plural_embedded_steerable,plural_embedded_distributional,plural_embedded_overton"),
        *("--limit", "2", "--apply_chat_template", "--output_path", str(folder / "out"), "--log_samples"),
        *("--metadata", json.dumps({"plural_judge": "lexical"}), *more),
    ]


def run(folder: Path, server: OpenAIServer, *more: str, **settings: str) -> int:
    """Run the command; return its exit status."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        run_harness(arguments(folder, server, *more, **settings))
    except SystemExit as left:
        return int(left.code or 0)
    return 0


def results(folder: Path) -> dict[str, Any]:
    return json.loads(max(folder.rglob("results_*.json")).read_text())  # type: ignore[no-any-return]


def samples(folder: Path) -> list[Any]:
    """What was answered to every document."""
    return [
        (path.name.split("_2")[0], line["doc_id"], line["filtered_resps"])
        for path in sorted(folder.rglob("samples_*.jsonl"))
        for line in map(json.loads, path.read_text().splitlines())
    ]


@pytest.mark.slow
def test_a_budget_stops_a_run_which_goes_on(tmp_path, server, capsys) -> None:
    assert run(tmp_path / "whole", server) == 0
    everything = Counter(json.dumps(body) for _, body in server.asked)
    assert set(everything.values()) == {1}
    spent = results(tmp_path / "whole")["config"]["modplural"]["api"]["spent"]["now"]
    server.asked.clear()
    limit = spent["read"] + spent["written"]
    statuses = []
    for _ in range(9):
        capsys.readouterr()
        statuses.append(run(tmp_path / "parts", server, "--max-tokens", str(limit // 2)))
        if statuses[-1] == 0:
            break
        told = capsys.readouterr().err.strip().splitlines()[-1]
        assert told.startswith(f"modplural: the budget of {limit // 2:,} tokens is reached: ")
        assert "the same command goes on" in told
        assert not list((tmp_path / "parts").rglob("results_*.json"))
    assert statuses[-1] == 0
    assert set(statuses[:-1]) == {REACHED}
    assert Counter(json.dumps(body) for _, body in server.asked) == everything  # each once
    assert results(tmp_path / "parts")["results"] == results(tmp_path / "whole")["results"]
    assert samples(tmp_path / "parts") == samples(tmp_path / "whole")
    api = results(tmp_path / "parts")["config"]["modplural"]["api"]
    both = [api["spent"][name]["answers"] for name in ("now", "stored")]
    assert sum(both) == spent["answers"] == len(everything)
    assert min(both) > 0


@pytest.mark.slow
def test_faults_change_no_figure_and_are_counted(tmp_path, server) -> None:
    assert run(tmp_path / "calm", server) == 0
    server.asked.clear()
    rng, lock, delivered = random.Random(3), threading.Lock(), Counter()  # type: ignore[var-annotated]

    def fault(asked: Any, _: int) -> Any:
        with lock:
            bad = rng.choice((429, 500, "drop", "truncate", "cut", "empty")) if rng.random() < 0.3 else None
            delivered.update([json.dumps(asked)] if bad is None else [])
        return bad

    server.fault = fault
    assert run(tmp_path / "storm", server) == 0
    assert set(delivered.values()) == {1}
    assert results(tmp_path / "storm")["results"] == results(tmp_path / "calm")["results"]
    assert samples(tmp_path / "storm") == samples(tmp_path / "calm")
    api = results(tmp_path / "storm")["config"]["modplural"]["api"]
    assert sum(api["retries"].values()) == len(server.asked) - len(delivered) > 5
    assert api["requests"] == len(delivered)


def test_what_it_cost_by_phase_community_document_and_model(tmp_path, server) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("prices: [{model: m, read: 1000, written: 2000}]\n")
    assert run(tmp_path, server, "--max-cost", "$1,000", "--prices", str(prices)) == 0
    spent = results(tmp_path)["config"]["modplural"]["api"]["spent"]["now"]
    assert spent["cost"] == pytest.approx((spent["read"] + 2 * spent["written"]) / 1000)
    assert set(spent["by_phase"]) == {"answers", "sampled answers", "select"}
    assert len(spent["by_community"]) == 11  # each community's prompt of the distributional mode
    lines = [json.loads(line) for line in (tmp_path / "trace.jsonl").read_text().splitlines()]
    assert sum(line["spent"]["cost"] for line in lines) == pytest.approx(spent["cost"])
    shown = CliRunner().invoke(app, ["spent", "--answers", str(tmp_path / "answers.sqlite"), "--by", "task,doc"])
    assert shown.exit_code == 0
    assert "plural_embedded_overton" in shown.output
    assert f"{spent['answers']:,}" in shown.output.splitlines()[-2]
    assert f"{spent['cost']:.4f}" in shown.output.splitlines()[-2]


@pytest.mark.slow
def test_several_methods_share_a_budget_and_answers(tmp_path, server) -> None:
    more = ("--methods", "vanilla,prompting")
    assert run(tmp_path, server, *more, "--max-tokens", "1500") == REACHED
    asked = len(server.asked)
    assert run(tmp_path, server, *more, "--max-tokens", "100000") == 0
    assert len(server.asked) > asked
    assert max(Counter(json.dumps(body) for _, body in server.asked).values()) == 1
    finished = [path.parent.name for path in (tmp_path / "out").rglob("finished.json")]
    assert sorted(finished) == ["prompting", "vanilla"]
    before = len(server.asked)
    assert run(tmp_path, server, *more, "--max-tokens", "7") == 0  # nothing left to ask
    assert len(server.asked) == before


def test_limits_among_the_model_arguments(tmp_path, server, capsys) -> None:
    assert run(tmp_path, server, budget_tokens="3000") == REACHED
    assert "the budget of 3,000 tokens is reached" in capsys.readouterr().err
    assert len(AnswerStore(tmp_path / "answers.sqlite")) > 0


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--max-cost", "much"), "--max-cost: found 'much', expected dollars, such as 2.50."),
        (("--max-cost", "0"), "--max-cost: found '0', expected dollars"),
        (("--max-tokens", "-3"), "--max-tokens: found '-3', expected a number"),
        (("--max-tokens", "nan"), "--max-tokens: found 'nan', expected a number"),
        (("--max-cost", "5", "--prices", "nowhere.yaml"), "nowhere.yaml"),
        (("--max-tokens", "5", "--model", "dummy"), "go with modplural; leave --model out"),
    ],
)
def test_options_that_are_wrong_are_one_line(tmp_path, server, capsys, more, said) -> None:
    assert run(tmp_path, server, *more) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("modplural: error: ")
    assert said in line
    assert server.asked == []


@pytest.mark.parametrize(
    ("limits", "settings", "said"),
    [
        (Limits(cost=5), {}, "no price is known for the model 'm'"),
        (Limits(tokens=5), {"budget_tokens": 5}, "give limits and prices once"),
        (Limits(tokens=5), {"base": "scripted"}, "a budget is for models behind APIs, and base=scripted"),
        (None, {"base": "scripted", "budget_cost": 5}, "a budget is for models behind APIs"),
        (None, {"budget_tokens": 0}, "budget_tokens"),
        (None, {"base_patience": -1}, "base_patience"),
        (None, {"answers": "/proc/answers.sqlite"}, "/proc/answers.sqlite: cannot be"),
        (None, {"prices": "nowhere.yaml"}, "nowhere.yaml"),
    ],
)
def test_settings_that_are_wrong_are_one_error(server, limits, settings, said) -> None:
    api = {"base": "local-chat-completions", "model": "m", "base_url": f"{server.url}/chat/completions"}
    given = {**(api if "base" not in settings else {}), "message_engine": "scripted", "messages": "none", **settings}
    with contextlib.ExitStack() as stack:
        if limits is not None:
            stack.enter_context(shared_budget(Budget(limits)))
        with pytest.raises(ModPluralError, match=re.escape(said)):
            _answer(ModPluralLM.create_from_arg_obj(given))
    assert server.asked == []


def _answer(lm: ModPluralLM) -> None:
    turns = [{"role": "user", "content": "Build it?\nA. Yes\nB. No\nC. Both"}]
    lm.loglikelihood(requests([doc("distributional")], "loglikelihood", lambda _: lm.apply_chat_template(turns)))


def test_spent_without_a_store(tmp_path) -> None:
    found = CliRunner().invoke(app, ["spent", "--answers", str(tmp_path / "no.sqlite")])
    assert "no such answer store" in str(found.exception)
    AnswerStore(tmp_path / "a.sqlite").put([])
    found = CliRunner().invoke(app, ["spent", "--answers", str(tmp_path / "a.sqlite"), "--by", "fase"])
    assert "unknown group 'fase'. Did you mean 'phase'?" in str(found.exception)
