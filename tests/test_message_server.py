"""A server that speaks for a pool's communities, through the model, the commands and their mistakes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from community_lms.messages.store import MessageStore
from model_wrappers.arguments import read_arguments
from model_wrappers.cli.app import app
from model_wrappers.runs.plan import make_plan
from plural_tasks.utils.errors import ModPluralError
from tests.model_wrappers.helpers import doc, requests
from tests.openai_server import OpenAIServer, drawn, serving


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global ModPluralLM, estimate
    pytest.importorskip("openai", reason="the engine server needs modplural[server]")
    from model_wrappers.lm import ModPluralLM
    from model_wrappers.runs.estimate import estimate


POOL = """
name: served
backbone: o/base
communities:
  - {name: left, description: the left bank, adapter: o/left}
  - {name: right, description: the right bank, checkpoint: o/right}
  - {name: elders, description: the old, persona: You are old.}
  - name: far
    description: far away
    endpoint: {backend: server, args: {base_url: "URL", model: distant, concurrency: 2}}
"""
TASK = "plural_embedded_overton"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAIServer]:
    monkeypatch.setenv("OPENAI_API_KEY", "s3cret-key")
    with serving(["base", "distant"], ["left", "right"], say=drawn, key="s3cret-key", strict=True) as made:
        yield made


@pytest.fixture
def pool(tmp_path: Path, server: OpenAIServer) -> str:
    path = tmp_path / "served.yaml"
    path.write_text(POOL.replace("URL", server.url))
    return str(path)


def invoke(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "300"})
    assert done.exit_code == code, done.output + repr(done.exception)
    return done.output


def asked_for(server: OpenAIServer) -> list[str]:
    return sorted(body["model"] for _, body in server.asked)


@pytest.mark.parametrize("engine", ["server", "auto"])
def test_the_model_asks_all_members_of_a_pool_in_one_batch(
    engine: str, server: OpenAIServer, pool: str, tmp_path: Path
) -> None:
    store = tmp_path / "m.sqlite"
    lm = ModPluralLM(
        base="scripted",
        pool=pool,
        messages=str(store),
        message_engine=engine,
        message_server=server.url,
        message_server_args="model:base+concurrency:3",
        message_max_new_tokens=17,
    )
    lm.generate_until(requests([doc("overton", number) for number in range(4)], "generate_until"))
    assert asked_for(server) == [*["base"] * 4, *["distant"] * 4, *["left"] * 4, *["right"] * 4]
    assert {body["max_tokens"] for _, body in server.asked} == {17}
    assert len({body["seed"] for _, body in server.asked}) == 16
    assert vars(lm.session.communities.asker.counts) == {"requested": 16, "found": 0, "generated": 16, "tokens": 16 * 8}
    assert server.most <= 3 + 2  # two addresses' settings, each with its own limit
    rows = list(MessageStore(store).rows())
    assert {row.engine for row in rows} == {"server"}
    told = store.read_bytes() + json.dumps(lm.get_model_info(), default=str).encode()
    assert b"s3cret-key" not in told
    for row in rows:
        assert (server.url in row.identity) == (row.community == "far")

    again = ModPluralLM(
        base="scripted",
        pool=pool,
        messages=str(store),
        message_server="http://elsewhere:1/v1",  # weights keep their keys where their server moves
        message_server_args={"model": "base"},
        message_max_new_tokens=17,
    )
    again.generate_until(requests([doc("overton", number) for number in range(4)], "generate_until"))
    assert again.session.communities.asker.counts.found == 16
    assert len(server.asked) == 16


def test_commands_ask_it_too(server: OpenAIServer, pool: str, tmp_path: Path) -> None:
    store = str(tmp_path / "m.sqlite")
    args = ("--model_args", "message_server_args=model:base")
    common = ("--tasks", TASK, "--limit", "3", "--pool", pool, "--messages", store, "--server", server.url, *args)
    assert "12 messages: 0 were stored, 12 generated (96 tokens)" in invoke("messages", "generate", *common)
    assert "12 messages: 12 were stored, 0 generated" in invoke("messages", "generate", "--engine", "server", *common)
    assert len(server.asked) == 12
    assert "12 messages, 0 with a wrong key" in invoke("messages", "verify", "--messages", store)
    out = str(tmp_path / "published")
    shown = invoke("messages", "export", out, "--format", "published", *common)
    assert shown.count("3 messages, 0 not in the store") == 4

    shown = invoke("pool", "check", pool, "--server", server.url, "--server-args", "model:base")
    assert "4 of 4 communities spoke; warnings: 0." in shown
    shown = invoke("pool", "check", pool, "--server", server.url, code=1)
    assert "community 'elders' is a persona, and" in shown
    assert "3 of 4 communities spoke" in shown


def test_an_estimate_counts_and_measures_with_it(server: OpenAIServer, pool: str, tmp_path: Path) -> None:
    settings = f"pool={pool},messages={tmp_path / 'm.sqlite'},message_server={server.url}"
    arguments = ["--tasks", TASK, "--limit", "2", "--model_args", f"base=scripted,{settings}"]
    arguments[-1] += ",message_server_args=model:base"
    found = estimate(arguments, ["modplural"], [], measure=False)
    assert [one.missing for one in found.messages.values()] == [2, 2, 2, 2]
    assert server.asked == []
    assert not any("backbone" in name or name == "adapters" for name in found.memory)
    found = estimate(arguments, ["modplural"], [], measure=True)
    assert found.speed.message_seconds is not None
    assert len(server.asked) == 8


def test_the_key_of_a_message_names_weights_and_the_name_that_was_given(pool: str) -> None:
    def keys(**changes: object) -> dict[str, str]:
        given = {"pool": pool, "message_server": "http://h/v1", **changes}
        plan = make_plan([TASK], MessageStore(None), limit=1, **given)
        return {request.community.name: request.key for request in plan.requests()}

    plain = keys()
    assert keys(message_server="http://other/v1", message_server_args="concurrency:1+timeout:5") == plain
    named = keys(message_server_args="model:base")
    assert {name for name in plain if named[name] != plain[name]} == {"elders"}
    shaped = keys(message_server_args={"extra_body": {"top_k": 20}})
    assert {name for name in plain if shaped[name] != plain[name]} == {"left", "right", "elders"}


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (
            {"message_engine": "peft", "message_server": "http://h/v1"},
            r"^message_server goes with message_engine=server \(or auto\), found message_engine=peft\.$",
        ),
        ({"message_server_args": "model:x"}, r"^message_server_args goes with message_server=http://HOST:PORT/v1\.$"),
        (
            {"message_server": "h:80"},
            r"^message_server: field 'base_url': expected an address such as http://localhost",
        ),
        (
            {"message_server": "http://h/v1", "message_server_args": "concurency:3"},
            r"^message_server_args: unknown field 'concurency'\. Did you mean 'concurrency'\?",
        ),
        (
            {"message_server": "http://h/v1", "message_server_args": "concurrency"},
            r"^message_server_args: found 'concurrency', expected name:value, several joined by \+\.$",
        ),
        (
            {"message_server": "http://h/v1", "message_server_args": {"base_url": "http://i/v1"}},
            r"^message_server_args: the address goes into message_server\.$",
        ),
        (
            {"message_server": "http://h/v1", "message_server_args": '{"concurrency": 3'},
            r"^message_server_args: malformed JSON \(",
        ),
        ({"message_engine": "server"}, r"^community 'left': message_engine=server needs to know where; give message_s"),
        ({"mesage_server": "http://h/v1"}, r"unknown (argument|field) 'mesage_server'\. Did you mean 'message_server'"),
    ],
)
def test_a_mistake_is_one_clear_line_before_anything_is_loaded(
    settings: dict[str, object], problem: str, pool: str
) -> None:
    with pytest.raises(ModPluralError, match=problem):
        ModPluralLM(base="hf", pretrained="/no/such/model", pool=pool, messages="none", **settings)


def test_an_endpoint_of_another_backend_is_not_asked_by_it(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    member = "{name: far, description: d, endpoint: {backend: openai-chat-completions, args: {model: m}}}"
    path.write_text(f"name: p\ncommunities:\n  - {member}\n")
    settings = {"pool": str(path), "messages": "none", "message_server": "http://h/v1"}
    with pytest.raises(
        ModPluralError, match=r"^community 'far' is an endpoint of the backend 'openai-chat-completions'"
    ):
        ModPluralLM(base="scripted", message_engine="server", **settings)
    ModPluralLM(base="scripted", **settings)


def test_values_of_the_command_line_are_read() -> None:
    from community_lms.pools.pool import load_pool

    given = {"message_server": "http://h/v1/", "message_server_args": "timeout:2.5+max_retries:0+model:llama3:8b"}
    served = read_arguments(given).served(load_pool("personas")).communities[0].server
    assert served is not None
    assert (served.base_url, served.timeout, served.max_retries) == ("http://h/v1", 2.5, 0)
    assert served.model == "llama3:8b"
    given["message_server_args"] = '{"extra_body": {"top_k": 20}}'
    served = read_arguments(given).served(load_pool("personas")).communities[0].server
    assert served is not None
    assert served.extra_body == {"top_k": 20}
