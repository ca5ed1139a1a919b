"""Closed tasks on chat APIs: a real server on the loopback, through the harness's own backend."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

import numpy as np
import pytest

from model_wrappers.collaboration.elicitation.top_logprobs import read_tokens
from plural_tasks.utils.errors import ModPluralError
from tests.model_wrappers.helpers import doc, requests
from tests.openai_server import OpenAIServer, last_turn, serving


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global ModPluralLM
    from model_wrappers.lm import ModPluralLM


pytest.importorskip("tenacity", reason="the harness's API backends need lm_eval[api]")

QUESTION = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Build it?\nA. Yes\nB. No\nC. Both"},
]


def chat(tmp_path, server: OpenAIServer, **arguments) -> ModPluralLM:
    pool = tmp_path / "pair.yaml"
    pool.write_text(
        "name: pair\nbackbone: embedded\ncommunities:\n"
        "  - {name: left, description: l, persona: x}\n  - {name: right, description: r, persona: y}\n"
    )
    settings = {
        "base": "local-chat-completions",
        "model": "judge",
        "base_url": f"{server.url}/chat/completions",
        "max_retries": 1,
        "pool": str(pool),
        "message_engine": "scripted",
        "messages": "none",
        "method": "vanilla",
        **arguments,
    }
    return ModPluralLM.create_from_arg_obj(settings, {"batch_size": 1, "device": "cpu"})


def distribution(lm: ModPluralLM, count: int = 1) -> list[float]:
    made = [doc("distributional", number) for number in range(count)]
    results = lm.loglikelihood(requests(made, "loglikelihood", lambda _: lm.apply_chat_template(QUESTION)))
    return [math.exp(value) for value, _ in results]


def note(lm: ModPluralLM) -> Mapping:
    return next(iter(lm.session.notes.values()))


def test_the_first_tokens_log_probabilities_with_bounds_for_what_is_not_shown(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("OWN_KEY", "s3cret")
    shown = {"A": 0.4, " A": 0.1, "B": 0.2, "I": 0.1, "**": 0.05, "Yes": 0.05}  # .1 is not shown
    with serving(top=lambda asked: shown) as server:
        lm = chat(tmp_path, server, header={"Authorization": "Bearer env:OWN_KEY"})
        found = distribution(lm)
    assert found == pytest.approx([0.5, 0.2, 0.0])
    said = note(lm)
    # Shown A .5, B .2, C 0; hidden .1 and the undecided "**" .05. Lowest share: of .7 + .15 = .85.
    assert said["option_mass"] == pytest.approx(0.7)
    assert said["distribution"] == pytest.approx([0.5 / 0.7, 0.2 / 0.7, 0.0])
    assert said["elicited"][0]["hidden"] == pytest.approx(0.15)
    expected = [[0.5 / 0.85, 0.65 / 0.85], [0.2 / 0.85, 0.35 / 0.85], [0.0, 0.15 / 0.85]]
    assert np.array(said["bounds"]) == pytest.approx(np.array(expected))
    assert lm.describe()["elicitation"]["route"] == "logprob"
    assert "log-probabilities of chat completions" in lm.describe()["elicitation"]["because"]
    body = server.asked[-1][1]
    assert body["messages"] == QUESTION
    assert body["temperature"] == 1.0  # at 0 some servers show the greedy token alone
    assert (body["model"], body["max_tokens"], body["logprobs"], body["top_logprobs"]) == ("judge", 1, True, 20)
    assert len(server.asked) == 2  # one to find out, one for all options together


def test_only_what_fits_is_shown_and_the_rest_is_bounded(tmp_path) -> None:
    tokens = {f"word{number}": 0.045 for number in range(20)} | {"A": 0.04, "B": 0.04}  # 21st and 22nd
    with serving(top=lambda asked: tokens) as server:
        lm = chat(tmp_path, server)
        assert distribution(lm) == [0.0, 0.0, 0.0]
    assert lm.session.fallbacks == {"no_mass": 1}
    assert note(lm)["elicited"][0]["hidden"] == pytest.approx(0.1)
    assert note(lm)["bounds"] == [[0.0, 1.0]] * 3


def test_a_mixture_of_prompts_has_mixed_bounds(tmp_path) -> None:
    def top(asked) -> dict[str, float]:
        return {"A": 0.8, "B": 0.2} if "left" in last_turn(asked) else {"A": 0.3, "C": 0.3}

    script = {"left": ["left speaks"], "right": ["the other"]}
    with serving(top=top) as server:
        lm = chat(tmp_path, server, method="modplural")
        lm.session.communities.asker.engines["scripted"] = _engine(script)
        found = distribution(lm)
    # left (.8, .2, 0), all shown; right (.5, 0, .5) of .6 shown: shares (.65, .1, .25), mean mass .8.
    assert found == pytest.approx([0.65 * 0.8, 0.1 * 0.8, 0.25 * 0.8])
    # right: lowest .3 / 1, 0, .3 / 1 and highest .7, .4, .7; means with left's own.
    assert np.ravel(note(lm)["bounds"]) == pytest.approx(np.array([0.55, 0.75, 0.1, 0.3, 0.15, 0.35]))


def _engine(script):
    from community_lms.engines.scripted import ScriptedEngine

    return ScriptedEngine(script=script)


@pytest.mark.parametrize("status", [None, 400, 422])
def test_auto_samples_where_the_server_shows_none(tmp_path, status) -> None:
    def fault(asked, _):
        return status if "top_logprobs" in asked else None

    replies = ["A", "B", "A", "I cannot answer that."]
    with serving(say=lambda asked: replies[asked["seed"] % 4], fault=fault) as server:
        lm = chat(tmp_path, server, elicitation_samples=12, num_concurrent=4)
        distribution(lm, count=2)
        drawn = [asked for _, asked in server.asked if "logprobs" not in asked]
    assert lm.describe()["elicitation"]["route"] == "sample"
    assert "shows no log-probabilities" in lm.describe()["elicitation"]["because"]
    assert len({asked["seed"] for asked in drawn}) == len(drawn) == 24
    assert all(asked["temperature"] == 1.0 for asked in drawn)
    said = note(lm)["elicited"][0]
    seeds = [asked["seed"] for asked in drawn]
    assert sum(one["elicited"][0].get("refusal", 0) for one in lm.session.notes.values()) == sum(
        seed % 4 == 3 for seed in seeds
    )
    assert said["n"] == 12
    assert server.most > 1


def test_several_requests_are_in_flight_and_come_back_in_order(tmp_path) -> None:
    def top(asked) -> dict[str, float]:
        return {"A": 0.9} if "7" in last_turn(asked) else {"B": 0.9}

    with serving(top=top, delay=0.02) as server:
        lm = chat(tmp_path, server, num_concurrent=8, elicitation="logprob")
        made = requests(
            [doc("distributional", number) for number in range(10)],
            "loglikelihood",
            lambda d: lm.apply_chat_template([{"role": "user", "content": d["question"]}]),
        )
        results = [math.exp(value) for value, _ in lm.loglikelihood(made)]
        assert 1 < server.most <= 8
        assert len(server.asked) == 10
    assert [results[3 * at : 3 * at + 2] for at in range(10)] == [
        pytest.approx([0.9, 0.0] if at == 7 else [0.0, 0.9]) for at in range(10)
    ]


def test_verbalised_through_the_same_backend(tmp_path) -> None:
    with serving(say=lambda asked: '{"A": 60, "B": 30, "C": 10}') as server:
        lm = chat(tmp_path, server, elicitation="verbalised")
        assert distribution(lm) == pytest.approx([0.6, 0.3, 0.1])
    assert server.asked[-1][1]["messages"][-1]["content"].endswith("C. Both: …%")
    assert server.asked[-1][1]["messages"][0] == QUESTION[0]


def test_a_server_without_log_probabilities_is_one_clear_error(tmp_path) -> None:
    with serving() as server, pytest.raises(ModPluralError, match=r"shows no log-prob.*elicitation=sample or"):
        distribution(chat(tmp_path, server, elicitation="logprob"))


@pytest.mark.parametrize("status", [401, 404, 500])
@pytest.mark.parametrize("elicitation", ["auto", "logprob", "sample"])
def test_a_server_that_refuses_is_one_clear_error(tmp_path, status, elicitation) -> None:
    with serving(fault=lambda *_: status) as server:
        lm = chat(tmp_path, server, elicitation=elicitation)
        with pytest.raises(ModPluralError, match=rf"\(LocalChatCompletion\) does not answer at http.*{status}"):
            distribution(lm)


def test_what_passes_is_asked_again_and_what_does_not_is_not(tmp_path) -> None:
    with serving(top=lambda _: {"A": 1.0}, fault=lambda _, time: 503 if time == 1 else None) as server:
        lm = chat(tmp_path, server, elicitation="logprob", max_retries=2)
        assert distribution(lm) == pytest.approx([1.0, 0.0, 0.0])
        assert len(server.asked) == 2
    with serving(fault=lambda *_: 401) as server:
        with pytest.raises(ModPluralError):
            distribution(chat(tmp_path, server, elicitation="logprob", max_retries=3))
        assert len(server.asked) == 1


def test_a_plain_prompt_is_one_clear_error(tmp_path) -> None:
    with serving(top=lambda _: {"A": 1.0}) as server:
        lm = chat(tmp_path, server, elicitation="logprob")
        with pytest.raises(ModPluralError, match="add --apply_chat_template"):
            lm.loglikelihood(requests([doc("distributional")], "loglikelihood"))
        assert server.asked == []


def test_options_that_no_document_declares_are_a_clear_error(tmp_path) -> None:
    with serving(top=lambda _: {"A": 1.0}) as server:
        lm = chat(tmp_path, server, mode="distributional")
        made = requests([doc("distributional")], "loglikelihood", lambda _: lm.apply_chat_template(QUESTION))
        for request in made:
            request.doc = {"choices": ["A", "B"]}
        with pytest.raises(ModPluralError, match="elicitation=logprob of a chat API needs options"):
            lm.loglikelihood(made)


def test_the_trace_and_the_results_hold_no_key(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "s3cret")
    trace = tmp_path / "t.jsonl"
    with serving(top=lambda _: {"A": 0.9}, key="s3cret") as server:
        lm = chat(tmp_path, server, trace=str(trace))
        distribution(lm)
    assert "s3cret" not in trace.read_text() + json.dumps(lm.get_model_info(), default=str)
    (record,) = [json.loads(line) for line in trace.read_text().splitlines()]
    assert record["elicitation"] == "logprob"
    assert record["bounds"][1] == pytest.approx([0.0, 0.1])


@pytest.mark.parametrize(
    ("tokens", "choices", "options", "hidden"),
    [
        ({"(A": 0.5, '"B"': 0.2, "C.": 0.1, "\n": 0.1, "a": 0.1}, "ABC", (0.5, 0.2, 0.1), 0.1),
        ({"AB": 0.5, "B": 0.5}, "ABC", (0.0, 0.5, 0.0), 0.0),
        ({" Very": 0.6, "Not": 0.3, "": 0.1}, ("Very much", "Very little", "Not at all"), (0.0, 0.0, 0.3), 0.7),
        ({"Y": 0.6, "No": 0.3}, ("Yes", "No"), (0.6, 0.3), 0.1),
        ({"A": 0.7, "B": 0.7}, "AB", (0.7, 0.7), 0.0),  # a server that rounds
        ({}, "AB", (0.0, 0.0), 1.0),
    ],
)
def test_tokens_that_begin_an_option(tokens, choices, options, hidden) -> None:
    shown = read_tokens([(token, math.log(share)) for token, share in tokens.items()], list(choices))
    assert shown.options == pytest.approx(options)
    assert shown.hidden == pytest.approx(hidden)
