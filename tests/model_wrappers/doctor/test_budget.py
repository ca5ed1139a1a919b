"""The doctor on models behind APIs: distributions, kept answers, limits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from community_lms.remote.answer_store import AnswerStore
from community_lms.remote.budget import Limits
from model_wrappers.cli.app import app
from tests.model_wrappers.doctor.setups import arguments, look
from tests.openai_server import OpenAIServer, serving

pytest.importorskip("tenacity", reason="the harness's API backends need lm_eval[api]")


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with serving() as made:
        yield made


def chat(folder, server: OpenAIServer, **settings: str) -> list[str]:
    url = f"{server.url}/chat/completions"
    given = {"base": "local-chat-completions", "model": "base", "base_url": url, "method": "vanilla", **settings}
    return arguments(folder, "--apply_chat_template", **given)


@pytest.mark.parametrize(
    ("elicitation", "shown", "level", "said"),
    [
        ("auto", True, "ok", "elicitation=logprob, because the server shows log-probabilities of chat completions"),
        ("auto", False, "ok", "elicitation=sample, because the server shows no log-probabilities"),
        ("sample", True, "ok", "elicitation=sample, because it was asked for"),
        ("verbalised", False, "ok", "elicitation=verbalised, because it was asked for"),
        ("logprob", True, "ok", "elicitation=logprob, because the server shows"),
        ("logprob", False, "fault", "elicitation=logprob for plural_embedded_steerable, and the server shows none"),
    ],
)
def test_the_way_to_distributions(tmp_path, server, elicitation, shown, level, said) -> None:
    server.top = (lambda asked: {"A": 0.5, "B": 0.5}) if shown else None
    found = look("base LLM", chat(tmp_path, server, elicitation=elicitation))["distributions"]
    assert (found.level, said in found.found) == (level, True)


def test_no_distributions_are_wanted(tmp_path, server) -> None:
    given = chat(tmp_path, server)
    given[given.index("--tasks") + 1] = "plural_embedded_overton"
    assert look("base LLM", given)["distributions"].level == "note"


def test_a_selection_by_scores_that_a_chat_does_not_give(tmp_path, server) -> None:
    given = chat(tmp_path, server, method="modplural", selection="score")
    assert look("base LLM", given)["selection"].level == "fault"
    assert "selection" not in look("base LLM", chat(tmp_path, server, method="modplural"))


def test_kept_answers(tmp_path, server) -> None:
    place = tmp_path / "answers.sqlite"
    found = look("budget", chat(tmp_path, server, answers=str(place)))
    assert (found["answers"].level, found["answers"].found) == ("ok", f"{place} will be made with the first answer")
    assert not place.exists()
    AnswerStore(place).put([])
    assert "holds 0 answers" in look("budget", chat(tmp_path, server, answers=str(place)))["answers"].found
    place.write_bytes(place.read_bytes()[:5000] + b"x" * 9000)
    assert look("budget", chat(tmp_path, server, answers=str(place)))["answers"].level == "fault"
    assert look("budget", chat(tmp_path, server, answers="none"))["answers"].level == "note"
    (tmp_path / "text").write_text("no database")
    wrong = look("budget", chat(tmp_path, server, answers=str(tmp_path / "text")))["answers"]
    assert (wrong.level, "cannot be used as an answer store" in wrong.found) == ("fault", True)
    assert server.asked == []


def test_limits(tmp_path, server) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("prices: [{model: base, read: 1000000, written: 0}]\n")
    given = chat(tmp_path, server, answers="none")
    free = look("budget", given)["limits"]
    assert (free.level, free.found.endswith("there is no limit")) == ("note", True)
    assert look("budget", given, limits=Limits(cost=5.0))["limits"].level == "fault"
    dear = look("budget", given, limits=Limits(cost=0.5), prices=str(prices))["limits"]
    assert (dear.level, "and the limit is $0.5" in dear.found) == ("warning", True)
    assert look("budget", given, limits=Limits(cost=100_000), prices=str(prices))["limits"].level == "ok"
    assert look("budget", given, limits=Limits(tokens=5))["limits"].level == "warning"
    assert look("budget", given, limits=Limits(tokens=500_000))["limits"].level == "ok"
    assert look("budget", chat(tmp_path, server, answers="none", budget_tokens="5"))["limits"].level == "warning"


def test_a_budget_without_anybody_to_pay(tmp_path) -> None:
    found = look("budget", arguments(tmp_path, budget_tokens="5"))
    assert found["answers"].level == "fault"
    assert "a budget is for models behind APIs" in found["answers"].found
    assert look("budget", arguments(tmp_path)) == {}


def test_the_command_takes_the_limits_of_eval(tmp_path, server) -> None:
    given = ["doctor", "--quick", "--max-tokens", "5", *chat(tmp_path, server, answers="none")]
    shown = CliRunner().invoke(app, given, catch_exceptions=False)
    assert "WARN  budget, limits: about" in shown.stdout
    assert "and the limit is 5" in shown.stdout
