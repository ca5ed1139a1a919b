"""Base LLM and communities behind a real HTTP server that speaks the OpenAI protocol."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from plural_tasks.utils.errors import ModPluralError
from tests.model_wrappers.helpers import doc, requests
from tests.openai_server import OpenAIServer, serving


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global ModPluralLM
    from model_wrappers.lm import ModPluralLM


pytest.importorskip("tenacity", reason="the harness's API backends need lm_eval[api]")


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    """Refuses the model ``broken``."""
    with serving(fault=lambda asked, _: 400 if asked["model"] == "broken" else None) as made:
        yield made


def pool(tmp_path, url: str, *models: str) -> str:
    lines = ["name: served", "communities:"]
    for model in models:
        arguments = (
            f"{{model: {model}, base_url: '{url}', tokenizer_backend: None, auth_token: s3cret, max_retries: 1}}"
        )
        endpoint = f"{{backend: local-chat-completions, args: {arguments}}}"
        lines.append(f"  - {{name: {model}, description: {model}, endpoint: {endpoint}}}")
    path = tmp_path / "served.yaml"
    path.write_text("\n".join(lines))
    return str(path)


def test_a_chat_api_as_base_and_as_communities(tmp_path, server, monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "s3cret")
    url = f"{server.url}/chat/completions"
    store, trace = tmp_path / "s.sqlite", tmp_path / "t.jsonl"
    lm = ModPluralLM.create_from_arg_obj(
        {
            "base": "local-chat-completions",
            "model": "judge",
            "base_url": url,
            "tokenizer_backend": "None",
            "pool": pool(tmp_path, url, "left", "right"),
            "messages": str(store),
            "trace": str(trace),
        },
        {"batch_size": 1, "device": "cuda:0"},
    )
    history = [{"role": "user", "content": "Should the bridge be built?"}]
    asked = requests([doc("overton")], "generate_until", context=lambda _: lm.apply_chat_template(history))
    (answer,) = lm.generate_until(asked)
    assert answer == "judge heard: ould the bridge be built?"
    models = [asked["model"] for _, asked in server.asked]
    assert models == ["left", "right", "judge"]
    synthesis = server.asked[-1][1]["messages"][-1]["content"]
    assert "left heard:" in synthesis
    assert "right heard:" in synthesis
    sampled = server.asked[0][1]
    assert (sampled["temperature"], sampled["top_p"], sampled["max_tokens"]) == (1.0, 0.9, 200)
    assert sampled["seed"] != server.asked[1][1]["seed"]
    written = store.read_bytes() + trace.read_bytes() + json.dumps(lm.get_model_info(), default=str).encode()
    assert b"s3cret" not in written


def test_an_api_that_refuses_is_one_clear_error_and_stores_nothing(tmp_path, server) -> None:
    url = f"{server.url}/chat/completions"
    lm = ModPluralLM(base="scripted", pool=pool(tmp_path, url, "broken"), messages=str(tmp_path / "s.sqlite"))
    with pytest.raises(ModPluralError, match=r"community 'broken': the model 'broken' .* does not answer at"):
        lm.generate_until(requests([doc("overton")], "generate_until"))
    assert len(lm.session.communities.asker.store) == 0
