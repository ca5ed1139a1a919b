"""What every engine of the registry keeps, with whatever it speaks through: tiny weights, a server, a stand-in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from community_lms.engines import ENGINES, SHARED, MessageEngine, batch_of, make_engine
from community_lms.generation.ask import batches
from community_lms.messages.message import MessageRequest
from community_lms.pools.identity import identity
from community_lms.pools.spec import Community, Decoding
from plural_tasks.utils.errors import ModPluralError
from tests.community_lms.engines.vllm_stand_in import StandIn
from tests.community_lms.tiny_models import save_adapter, save_model
from tests.openai_server import drawn, serving

pytestmark = pytest.mark.usefixtures("own_cache")

Ask = Callable[..., MessageRequest]
NAMES = ("left", "right")
REMOTE = ("backend", "server")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("weights")
    made = {"base": save_model(root / "base", seed=1)}
    for seed, name in enumerate(NAMES):
        made[name] = save_adapter(root / name, made["base"], seed=seed, init_lora_weights=False)
    return made


@pytest.fixture(params=ENGINES)
def name(request: pytest.FixtureRequest) -> str:
    if request.param == "backend":
        pytest.importorskip("tenacity", reason="the harness's API backends need lm_eval[api]")
    return str(request.param)


@pytest.fixture
def members(name: str, weights: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Community]]:
    """Two communities that the engine can speak for, and one whose model is not there."""
    StandIn().install(monkeypatch)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with serving(adapters=NAMES, say=drawn, strict=True) as server:
        yield [_member(name, who, weights, server.url) for who in (*NAMES, "nobody")]


def _member(engine: str, name: str, weights: dict[str, str], url: str) -> Community:
    fields: dict[str, Any] = {"adapter": weights.get(name, "/no/such"), "backbone": weights["base"]}
    if engine in REMOTE:
        args = {"model": name, "base_url": url}
        if engine == "backend":
            args |= {"base_url": f"{url}/chat/completions", "tokenizer_backend": "None", "max_retries": 1}
        backend = "local-chat-completions" if engine == "backend" else engine
        fields = {"endpoint": {"backend": backend, "args": args}}
    return Community.model_validate({"name": name, "description": name, **fields})


@pytest.fixture
def engine(name: str, members: list[Community]) -> Iterator[MessageEngine]:
    made = make_engine(name, device="cpu", dtype="float32")
    yield made
    made.close()


def asks(ask: Ask, name: str, member: Community, *questions: str) -> list[MessageRequest]:
    decoding = Decoding(max_new_tokens=8)
    return [
        ask(text, member, engine=name, identity=identity(member), turns=(("user", text),), decoding=decoding)
        for text in questions
    ]


def test_one_message_for_each_request_in_order(
    name: str, engine: MessageEngine, members: list[Community], request_for: Ask
) -> None:
    requests = asks(request_for, name, members[0], "why?", "who decides on the well?", "x")
    said = engine.speak(requests)
    assert [message.community for message in said] == ["left"] * 3
    assert engine.speak(requests[::-1]) == said[::-1]
    for message in said:
        assert message.text == message.text.strip()
        assert message.tokens is None or 1 <= message.tokens <= 8 or name == "scripted"


def test_a_message_depends_on_its_own_request_alone(
    name: str, engine: MessageEngine, members: list[Community], request_for: Ask
) -> None:
    requests = asks(request_for, name, members[0], *(f"question {number}?" for number in range(6)))
    together = engine.speak(requests)
    engine.close()
    fresh = make_engine(name, device="cpu", dtype="float32")
    assert [fresh.speak([request])[0] for request in requests[::-1]] == together[::-1]
    fresh.close()
    assert len({message.text for message in together}) > 1


def test_communities_take_turns_or_speak_in_one_batch(
    name: str, engine: MessageEngine, members: list[Community], request_for: Ask
) -> None:
    left, right = (asks(request_for, name, member, "why?", "who?") for member in members[:2])
    alone = [*engine.speak(left), *engine.speak(right)]
    mixed = [left[0], right[0], left[1], right[1]]
    expected = [alone[0], alone[2], alone[1], alone[3]]
    laid_out = list(batches(mixed, lambda _: 16))
    assert len(laid_out) == (1 if name in SHARED else 2)
    said = {
        request.key: message for batch in laid_out for request, message in zip(batch, engine.speak(batch), strict=True)
    }
    assert [said[request.key] for request in mixed] == expected
    assert [message.text for message in alone[:2]] != [message.text for message in alone[2:]]


def test_a_community_that_cannot_speak_is_one_error_that_names_it_and_harms_nobody(
    name: str, engine: MessageEngine, members: list[Community], request_for: Ask
) -> None:
    if name == "scripted":
        pytest.skip("it speaks for everyone")
    requests = asks(request_for, name, members[0], "why?")
    before = engine.speak(requests)
    with pytest.raises(ModPluralError, match="community 'nobody'") as caught:
        engine.speak(asks(request_for, name, members[2], "why?"))
    assert "\n" not in str(caught.value)
    assert engine.speak(requests) == before


def test_it_may_be_closed_and_speak_again(
    name: str, engine: MessageEngine, members: list[Community], request_for: Ask
) -> None:
    requests = asks(request_for, name, members[0], "why?")
    before = engine.speak(requests)
    engine.close()
    engine.close()
    assert engine.speak(requests) == before


def test_what_a_batch_shares(weights: dict[str, str], tmp_path: Path) -> None:
    left, right = (_member("peft", who, weights, "") for who in NAMES)
    other = Community.model_validate({"name": "other", "description": "d", "checkpoint": "o/other"})
    assert SHARED == {"server": "nothing", "vllm": "weights"}
    for engine in ENGINES:
        same, apart = (batch_of(engine, left) == batch_of(engine, one) for one in (right, other))
        assert (same, apart) == {"server": (True, True), "vllm": (True, False)}.get(engine, (False, False))
