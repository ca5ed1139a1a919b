"""The proof: adapters pushed to a Hub and loaded back through a pool say, token for token, what the folders say."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from community_lms.messages.message import Message, MessageRequest
from community_lms.pools.pool import load_pool
from community_lms.pools.spec import Decoding, Pool
from community_lms.publishing.pool import plan_pool, push_pool
from tests.community_lms.tiny_models import save_adapter, save_model
from tests.hub_server import HubServer


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global torch, PeftEngine
    import torch

    from community_lms.engines.peft import PeftEngine


Ask = Callable[..., MessageRequest]
BASE = "team/base"
QUESTIONS = ("who owns the well?", "may I?")
GREEDY = Decoding(temperature=0.0, max_new_tokens=12)
SAMPLED = Decoding(max_new_tokens=12)


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Iterator[HubServer]:
    with HubServer(organisations=["team"]) as server:
        server.use(monkeypatch, tmp_path)
        yield server


@pytest.fixture
def backbone(tmp_path, hub) -> str:
    """A Llama of two tiny random layers, in a folder and on the Hub."""
    folder = save_model(tmp_path / "base", seed=1)
    files = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    hub.create(BASE, "model", files=files)
    return folder


@pytest.fixture
def pool_file(tmp_path, backbone) -> Path:
    for number, name in enumerate(("left", "right")):
        save_adapter(tmp_path / name, backbone, seed=10 + number, init_lora_weights=False)
    members = [{"name": name, "description": name, "adapter": f"./{name}"} for name in ("left", "right")]
    persona = {"name": "neighbour", "description": "d", "persona": "You live next door."}
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({"name": "mine", "backbone": BASE, "communities": [*members, persona]}))
    return path


def said(pool: Pool, ask: Ask, decoding: Decoding, backbone: str | None = None) -> dict[str, list[Message]]:
    """What every member says, in an engine of its own; ``backbone`` stands for the pool's."""
    engine = PeftEngine(device="cpu", dtype="float32")
    found = {}
    for member in pool.communities:
        if backbone is not None:
            member = member.model_copy(update={"backbone": member.backbone.model_copy(update={"path": backbone})})
        # Keys hold the identity, which is a digest here and a commit there: the same one, so that the same is drawn.
        requests = [ask(text, member, turns=(("user", text),), decoding=decoding, engine="peft") for text in QUESTIONS]
        found[member.name] = engine.speak(requests)
    engine.close()
    return found


def test_what_was_pushed_says_the_same(hub, pool_file, backbone, request_for) -> None:
    push_pool(plan_pool(load_pool(str(pool_file)), "team/mine"))
    local, loaded = load_pool(str(pool_file)), load_pool("team/mine")
    assert all(len(member.adapter.revision) == 40 for member in loaded.communities[:2])
    for decoding in (GREEDY, SAMPLED):
        expected = said(local, request_for, decoding, backbone)
        assert said(loaded, request_for, decoding) == expected
        texts = [tuple(message.text for message in messages) for messages in expected.values()]
        assert len(set(texts)) == 3  # the adapters do something, each its own
    fetched = {request.split("?")[0] for request in hub.requests if "/resolve/" in request}
    for member in loaded.communities[:2]:
        place = f"/{member.adapter.path}/resolve/{member.adapter.revision}/adapter_model.safetensors"
        assert f"GET {place}" in fetched


def test_a_pinned_pool_says_the_same_when_its_adapters_have_moved_on(hub, pool_file, backbone, request_for) -> None:
    first = push_pool(plan_pool(load_pool(str(pool_file)), "team/mine"))["team/mine"].revision
    before = said(load_pool("team/mine"), request_for, GREEDY)
    shutil.rmtree(pool_file.parent / "left")
    save_adapter(pool_file.parent / "left", backbone, seed=99, init_lora_weights=False)
    push_pool(plan_pool(load_pool(str(pool_file)), "team/mine"))
    assert said(load_pool(f"team/mine@{first}"), request_for, GREEDY) == before
    after = said(load_pool("team/mine"), request_for, GREEDY)
    assert after["left"] != before["left"]
    assert after["right"] == before["right"]
