"""Messages over a real local Ray cluster: those of a run without, none lost, none asked twice beyond a block."""

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from community_lms.generation import over_ray
from community_lms.generation.ask import Asker
from community_lms.generation.over_ray import MessageWorker, ask_over_ray
from community_lms.generation.ray_cluster import Cluster
from community_lms.messages.message import Message, MessageRequest
from community_lms.messages.store import MessageStore, StoredMessage
from community_lms.pools.identity import identity
from community_lms.pools.spec import Community, Decoding
from plural_tasks.utils.errors import ModPluralError
from tests.community_lms.tiny_models import save_adapter, save_model

Ask = Callable[..., MessageRequest]
SIZE = 4
real = [pytest.mark.slow, pytest.mark.skipif(find_spec("ray") is None, reason="needs ray[data]")]


class Dying(MessageWorker):
    """Notes every message that it is about to ask for; one of them is killed at its second block."""

    def _generate(self, requests: Any) -> Any:
        folder = Path(os.environ["MODPLURAL_TEST_LOG"])
        with (folder / f"{os.getpid()}.log").open("a") as file:
            file.writelines(f"{request.key}\n" for request in requests)
        own = (folder / f"{os.getpid()}.log").read_text().count("\n")
        if own > SIZE and not (folder / "killed").exists():
            (folder / "killed").touch()
            time.sleep(2)  # in the midst of its work: the block before has been handed over
            os.kill(os.getpid(), signal.SIGKILL)
        return super()._generate(requests)


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> list[Community]:
    root = tmp_path_factory.mktemp("ray")
    backbone = save_model(root / "b", seed=1)
    adapter = save_adapter(root / "a", backbone, seed=2, init_lora_weights=False)
    fields: list[dict[str, Any]] = [{"adapter": adapter}, {"persona": "You are one of them."}]
    return [
        Community.model_validate({"name": f"c{number}", "description": "d", "backbone": backbone, **more})
        for number, more in enumerate(fields)
    ]


def wanted(members: list[Community], count: int) -> list[MessageRequest]:
    return [
        MessageRequest(
            member, "peft", identity(member), (("user", f"question {number}?"),), Decoding(max_new_tokens=6), 1
        )
        for member in members
        for number in range(count)
    ]


def asker(path: Path | None) -> Asker:
    return Asker(MessageStore(path), batch_size=SIZE, device="cpu", dtype="float32", show_progress=False)


@pytest.mark.parametrize("killed", [False, True])
class TestReal:
    pytestmark = real

    def test_the_store_holds_what_it_holds_without_ray(
        self, killed: bool, members: list[Community], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        requests = wanted(members, 20)
        alone = asker(None)
        alone.ask(requests)
        log = tmp_path / "log"
        log.mkdir()
        if not killed:
            (log / "killed").touch()
        monkeypatch.setenv("MODPLURAL_TEST_LOG", str(log))
        monkeypatch.setattr(over_ray, "MessageWorker", Dying)

        over = asker(tmp_path / "m.sqlite")
        first = requests[0]
        over.store.put([StoredMessage.of(first, alone.store.get([first.key])[first.key])])
        ask_over_ray(over, requests, Cluster(workers=2))
        keys = [request.key for request in requests]
        assert over.store.get(keys) == alone.store.get(keys)
        assert (over.counts.requested, over.counts.found, over.counts.generated) == (40, 1, 39)
        assert over.counts.tokens == alone.counts.tokens - (alone.store.get([first.key])[first.key].tokens or 0)

        logs = list(log.glob("*.log"))
        asked = Counter(key for file in logs for key in file.read_text().splitlines())
        assert len(logs) == 2 + killed
        assert set(asked) == set(keys[1:])
        twice = sum(count > 1 for count in asked.values())
        assert 0 < twice <= SIZE if killed else twice == 0

        ask_over_ray(over, requests, Cluster(workers=2))  # nothing is missing: no cluster is started
        assert over.counts.generated == 39


class TestMistakes:
    pytestmark = real

    def test_what_a_worker_says_of_a_mistake_is_one_line(self, members: list[Community], tmp_path: Path) -> None:
        broken = members[0].model_copy(update={"adapter": members[0].adapter.model_copy(update={"path": "/no/such"})})  # type: ignore[union-attr]
        over = asker(tmp_path / "m.sqlite")
        requests = [
            MessageRequest(broken, "peft", {"x": 1}, (("user", "why?"),), Decoding(max_new_tokens=4), 1),
            *wanted(members[1:], 4),
        ]
        with pytest.raises(ModPluralError) as caught:
            ask_over_ray(over, requests, Cluster(workers=1))
        assert str(caught.value).startswith("community 'c0': adapter /no/such cannot be attached to its backbone (")
        assert "\n" not in str(caught.value)

    def test_no_cluster_at_the_address(self, members: list[Community]) -> None:
        with pytest.raises(ModPluralError, match=r"^--ray 127\.0\.0\.1:1: no cluster answers there \("):
            ask_over_ray(asker(None), wanted(members, 1), Cluster("127.0.0.1:1"))


def test_without_ray_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, store: MessageStore, request_for: Ask
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ModPluralError, match=r"^--ray needs Ray: pip install 'modplural\[ray\]'\.$"):
        ask_over_ray(Asker(store, show_progress=False), [request_for("why?")], Cluster())


def test_nothing_missing_needs_no_cluster(
    monkeypatch: pytest.MonkeyPatch, store: MessageStore, request_for: Ask
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    request = request_for("why?")
    store.put([StoredMessage.of(request, Message("left", "because", tokens=1))])
    made = Asker(store, show_progress=False)
    ask_over_ray(made, [request], Cluster())
    assert (made.counts.requested, made.counts.found, made.counts.generated) == (1, 1, 0)
