"""The engine `server` against a real HTTP server on the loopback."""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from community_lms.engines import engine_name
from community_lms.engines.base import PartialBatchError
from community_lms.engines.server import ServerEngine
from community_lms.engines.warning import EngineWarning
from community_lms.generation.ask import AskCounts, Asker
from community_lms.generation.over_ray import MessageWorker
from community_lms.messages.message import Message, MessageRequest
from community_lms.messages.store import MessageStore
from community_lms.pools.identity import identity
from community_lms.pools.served import Served
from community_lms.pools.spec import Community, Decoding, canonical
from community_lms.remote.account import Account
from community_lms.remote.answer_store import AnswerStore
from community_lms.remote.budget import Budget, BudgetReachedError, Limits
from community_lms.remote.ledger import Ledger
from plural_tasks.utils.errors import ModPluralError
from tests.interrupt import interrupted
from tests.openai_server import OpenAIServer, drawn, serving

Ask = Callable[..., MessageRequest]
Start = Callable[..., OpenAIServer]
SECRET = "sk-very-s3cret"


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts servers that end with the test."""
    with ExitStack() as stack:
        yield lambda *arguments, **options: stack.enter_context(serving(*arguments, **options))


@pytest.fixture
def engine() -> Iterator[ServerEngine]:
    made = ServerEngine()
    yield made
    made.close()


def adapter(name: str, url: str, **settings: Any) -> Community:
    served = {"base_url": url, **settings}
    return Community.model_validate(
        {"name": name, "description": name, "adapter": f"o/{name}", "backbone": "o/base", "server": served}
    )


def persona(name: str, url: str, **settings: Any) -> Community:
    served = {"base_url": url, **settings}
    return Community.model_validate(
        {"name": name, "description": name, "persona": f"You are {name}.", "backbone": "o/base", "server": served}
    )


def endpoint(name: str, url: str, **settings: Any) -> Community:
    args = {"base_url": url, "model": f"{name}-model", **settings}
    return Community.model_validate(
        {"name": name, "description": name, "endpoint": {"backend": "server", "args": args}}
    )


def asks(ask: Ask, member: Community, *questions: str, **changes: Any) -> list[MessageRequest]:
    first = (("system", member.persona),) if member.persona else ()
    return [
        ask(text, member, engine="server", identity=identity(member), turns=(*first, ("user", text)), **changes)
        for text in questions
    ]


def many(ask: Ask, url: str, count: int, *names: str, **settings: Any) -> list[MessageRequest]:
    """Questions to several communities, taking turns."""
    members = [adapter(name, url, **settings) for name in names or ("left", "right")]
    return [asks(ask, members[number % len(members)], f"question {number}?")[0] for number in range(count)]


class TestWhatIsSent:
    def test_one_batch_mixes_communities_and_every_request_has_its_own_seed(
        self, start: Start, engine: ServerEngine, request_for: Ask
    ) -> None:
        server = start(adapters=["left", "right"])
        decoding = Decoding(temperature=0.7, top_p=0.8, max_new_tokens=33)
        left, right = adapter("left", server.url), adapter("right", server.url)
        requests = [
            *asks(request_for, left, "first?", "third?", decoding=decoding),
            *asks(request_for, right, "second?", decoding=decoding),
        ]
        said = engine.speak(requests)
        # the server counts characters of the last turn as tokens read, and words as tokens written
        assert said == [
            Message("left", "left heard: first?", 6, 3),
            Message("left", "left heard: third?", 6, 3),
            Message("right", "right heard: second?", 7, 3),
        ]
        sent = {body["messages"][-1]["content"]: body for _, body in server.asked}
        for request in requests:
            text = request.turns[-1][1]
            assert sent[text] == {
                "model": request.community.name,
                "messages": [{"role": "user", "content": text}],
                "temperature": 0.7,
                "top_p": 0.8,
                "max_tokens": 33,
                "seed": int(request.key[:8], 16) % 2**31,
            }
        assert len({body["seed"] for body in sent.values()}) == 3
        assert server.listings == 1

    def test_endpoints_name_their_model_and_may_be_of_other_servers(
        self, start: Start, engine: ServerEngine, request_for: Ask
    ) -> None:
        one, other = start(models=["left-model"]), start(models=["right-model"])
        requests = [
            request
            for server, name in ((one, "left"), (other, "right"))
            for request in asks(request_for, endpoint(name, server.url + "/chat/completions"), "why?", "who?")
        ]
        assert [message.text for message in engine.speak(requests)] == [
            "left-model heard: why?",
            "left-model heard: who?",
            "right-model heard: why?",
            "right-model heard: who?",
        ]
        assert (len(one.asked), len(other.asked)) == (2, 2)

    def test_personas_speak_through_the_one_model_that_is_no_adapter(
        self, start: Start, engine: ServerEngine, request_for: Ask
    ) -> None:
        server = start(models=["big"], adapters=["left", "elders"])
        (said,) = engine.speak(asks(request_for, persona("elders", server.url), "why?"))
        assert said == Message("elders", "big heard: why?", 4, 3)
        assert server.asked[0][1]["messages"] == [
            {"role": "system", "content": "You are elders."},
            {"role": "user", "content": "why?"},
        ]

    def test_a_persona_needs_a_name_where_there_are_two_models(
        self, start: Start, engine: ServerEngine, request_for: Ask
    ) -> None:
        server = start(models=["big", "small"])
        with pytest.raises(ModPluralError) as caught:
            engine.speak(asks(request_for, persona("elders", server.url), "why?"))
        assert str(caught.value) == (
            f"community 'elders' is a persona, and {server.url} does not say with which model it speaks (it lists big, "
            "small); name one with message_server_args=model:NAME."
        )
        assert server.asked == []
        (said,) = engine.speak(asks(request_for, persona("elders", server.url, model="small"), "why?"))
        assert said.text == "small heard: why?"

    def test_settings_of_the_server(self, start: Start, engine: ServerEngine, request_for: Ask) -> None:
        server = start(adapters=["left"])
        plain = persona("left", server.url, api="completions", model="left", extra_body={"top_k": 5})
        (said,) = engine.speak(asks(request_for, plain, "why?"))
        path, body = server.asked[0]
        assert (path, body["prompt"], body["top_k"]) == ("/v1/completions", "You are left.\n\nwhy?\n\n", 5)
        assert "messages" not in body
        assert (said.prompt_tokens, said.tokens) == (len(body["prompt"]), len(said.text.split()))

        engine.speak(asks(request_for, persona("left", server.url, system=False, model="left"), "why?"))
        assert server.asked[1][1]["messages"] == [{"role": "user", "content": "You are left.\n\nwhy?"}]

    def test_an_answer_without_text_or_counts_is_empty(
        self, start: Start, engine: ServerEngine, request_for: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server = start(say=lambda asked: None, adapters=["left"])
        monkeypatch.setattr(
            "tests.openai_server._Handler._completion",
            lambda self, asked, text: {"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]},
        )
        assert engine.speak(many(request_for, server.url, 1, "left")) == [Message("left", "", None, None)]


class TestSampling:
    def test_a_message_depends_on_its_own_request_alone(self, start: Start, request_for: Ask) -> None:
        server = start(adapters=["left", "right"], say=drawn)
        requests = many(request_for, server.url, 12)
        together = ServerEngine().speak(requests)
        assert [ServerEngine().speak([request])[0] for request in requests[:4]] == together[:4]
        assert ServerEngine().speak(requests[::-1]) == together[::-1]
        assert len({message.text for message in together}) == 12

    def test_another_seed_or_sample_is_another_message(
        self, start: Start, engine: ServerEngine, request_for: Ask
    ) -> None:
        server = start(adapters=["left"], say=drawn)
        left = adapter("left", server.url)
        requests = [
            *(asks(request_for, left, "why?", sample=sample)[0] for sample in range(3)),
            *asks(request_for, left, "why?", seed=2),
        ]
        assert len({message.text for message in engine.speak(requests)}) == 4


class TestInFlight:
    @pytest.mark.parametrize("concurrency", [1, 5])
    def test_as_many_as_allowed_and_no_more(
        self, concurrency: int, start: Start, engine: ServerEngine, request_for: Ask
    ) -> None:
        server = start(adapters=["left", "right"], delay=0.1)
        assert len(engine.speak(many(request_for, server.url, 10, concurrency=concurrency))) == 10
        assert server.most <= concurrency
        assert (server.most > 1) is (concurrency > 1)

    def test_thirty_two_by_default(self, start: Start, engine: ServerEngine, request_for: Ask) -> None:
        server = start(adapters=["left", "right"], delay=0.15)
        engine.speak(many(request_for, server.url, 80))
        assert 16 < server.most <= 32  # on a busy machine they do not all start at once

    def test_it_works_where_an_event_loop_runs(self, start: Start, engine: ServerEngine, request_for: Ask) -> None:
        server = start(adapters=["left", "right"])

        async def cell() -> list[Message]:
            return engine.speak(many(request_for, server.url, 3))

        assert len(asyncio.run(cell())) == 3

    def test_closing_twice_and_speaking_again(self, start: Start, engine: ServerEngine, request_for: Ask) -> None:
        server = start(adapters=["left", "right"])
        requests = many(request_for, server.url, 3)
        first = engine.speak(requests)
        assert engine.speak(requests) == first
        assert server.listings == 1
        before = threading.active_count()
        engine.close()
        engine.close()
        assert threading.active_count() < before
        assert engine.speak(requests) == first
        assert server.listings == 2


class TestWhatPasses:
    @pytest.mark.parametrize("fault", [500, 503, 429, 408, "drop", "truncate"])
    def test_is_tried_again(self, fault: Any, start: Start, engine: ServerEngine, request_for: Ask) -> None:
        server = start(adapters=["left"], fault=lambda asked, time_of: fault if time_of == 1 else None)
        assert engine.speak(many(request_for, server.url, 1, "left"))[0].text == "left heard: question 0?"
        assert [*server.times.values()] == [2]

    def test_waits_as_long_as_the_server_says(self, start: Start, engine: ServerEngine, request_for: Ask) -> None:
        moments: list[float] = []

        def fault(asked: dict[str, Any], time_of: int) -> Any:
            moments.append(time.monotonic())
            return {"status": 429, "headers": {"Retry-After": "2"}} if time_of == 1 else None

        server = start(adapters=["left"], fault=fault)
        engine.speak(many(request_for, server.url, 1, "left"))
        assert 2.0 <= moments[1] - moments[0] < 3.0  # the client's own first wait is half a second

    def test_no_more_often_than_allowed(self, start: Start, engine: ServerEngine, request_for: Ask) -> None:
        server = start(adapters=["left"], fault=lambda asked, time_of: {"status": 500, "message": "out of memory"})
        with pytest.raises(ModPluralError) as caught:
            engine.speak(many(request_for, server.url, 1, "left", max_retries=1))
        assert str(caught.value) == (
            f"community 'left': model 'left' at {server.url}: it fails; look at the server's log, or raise max_retries "
            "(1) (500: out of memory)."
        )
        assert [*server.times.values()] == [2]

    def test_too_many_requests(self, start: Start, engine: ServerEngine, request_for: Ask) -> None:
        server = start(adapters=["left"], fault=lambda asked, time_of: {"status": 429, "message": "slow down"})
        with pytest.raises(ModPluralError, match=r"asks to wait; lower concurrency \(7\) or raise max_retries \(0\)"):
            engine.speak(many(request_for, server.url, 1, "left", max_retries=0, concurrency=7))


class TestWhatDoesNotPass:
    @pytest.mark.parametrize(
        ("fault", "said"),
        [
            (400, "it refuses the request; look at message_max_new_tokens and at the settings api, system and "),
            (401, "it refuses the key; set the environment variable OPENAI_API_KEY (api_key_env names another one)"),
            (403, "it refuses the key; set the environment variable OPENAI_API_KEY"),
            (404, "it has no such model. Did you mean 'left'? It serves left, base. Serve the adapter under the "),
            (422, "it refuses the request"),
            ("html", "its answer cannot be read; is base_url that of the OpenAI protocol?"),
        ],
    )
    def test_is_one_error_after_one_try(
        self, fault: Any, said: str, start: Start, engine: ServerEngine, request_for: Ask
    ) -> None:
        server = start(adapters=["left"], fault=lambda asked, time_of: fault)
        with pytest.raises(ModPluralError) as caught:
            engine.speak(many(request_for, server.url, 1, "lft"))
        told = str(caught.value)
        assert told.startswith(f"community 'lft': model 'lft' at {server.url}: {said}")
        assert "\n" not in told
        assert told.endswith(f"({fault}: so be it)." if isinstance(fault, int) else "protocol?.")
        assert [*server.times.values()] == [1]

    def test_a_server_without_a_list_of_models(self, start: Start, engine: ServerEngine, request_for: Ask) -> None:
        server = start(lists=False)
        with pytest.raises(ModPluralError, match="nothing of the kind is there, nor a list of models; base_url mostly"):
            engine.speak(many(request_for, server.url.removesuffix("/v1"), 1))
        assert engine.speak(many(request_for, server.url, 1, "left"))[0].text == "left heard: question 0?"
        assert engine.warnings == []

    def test_nobody_there(self, engine: ServerEngine, request_for: Ask) -> None:
        with pytest.raises(ModPluralError) as caught:
            engine.speak(many(request_for, "http://127.0.0.1:1/v1", 40, "left", max_retries=0))
        assert str(caught.value).startswith(
            "community 'left': http://127.0.0.1:1/v1: the connection fails, also after max_retries (0); is the server "
            "up, and base_url right? ("
        )

    def test_no_answer_in_time(self, start: Start, engine: ServerEngine, request_for: Ask) -> None:
        server = start(adapters=["left"], fault=lambda asked, time_of: "hang")
        began = time.monotonic()
        with pytest.raises(ModPluralError, match=r"no answer in timeout \(0\.2 s\), also after max_retries \(0\)"):
            engine.speak(many(request_for, server.url, 1, "left", timeout=0.2, max_retries=0))
        assert time.monotonic() - began < 20  # left alone, it waits for minutes

    def test_communities_without_a_server(self, engine: ServerEngine, request_for: Ask) -> None:
        alone = Community.model_validate({"name": "a", "description": "d", "persona": "p", "backbone": "b"})
        far = Community.model_validate({"name": "a", "description": "d", "endpoint": {"backend": "openai"}})
        with pytest.raises(
            ModPluralError, match=r"^community 'a': message_engine=server needs to know where; give mes"
        ):
            engine.speak([request_for("why?", alone)])
        with pytest.raises(ModPluralError, match=r"^community 'a' is an endpoint of the backend 'openai', which"):
            engine.speak([request_for("why?", far)])

    def test_without_the_client_it_says_how_to_get_it(
        self, engine: ServerEngine, request_for: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "openai", None)
        with pytest.raises(ModPluralError, match=r"needs the openai client: pip install 'modplural\[server\]'\.$"):
            engine.speak(many(request_for, "http://127.0.0.1:1/v1", 1))


def asker(path: Path | None, size: int = 256) -> Asker:
    return Asker(MessageStore(path), batch_size=size, show_progress=False)


def questions(server: OpenAIServer) -> Counter[str]:
    return Counter(body["messages"][-1]["content"] for _, body in server.asked)


class TestNothingIsLost:
    def test_what_was_answered_is_stored_and_not_asked_again(
        self, start: Start, request_for: Ask, tmp_path: Path
    ) -> None:
        broken = True

        def fault(asked: dict[str, Any], time_of: int) -> Any:
            bad = asked["messages"][-1]["content"] == "question 10?"
            return {"status": 400, "message": "too long"} if bad and broken else None

        server = start(adapters=["left", "right"], fault=fault, delay=0.01)
        requests = many(request_for, server.url, 30, concurrency=4)
        first = asker(tmp_path / "m.sqlite")
        with pytest.raises(ModPluralError, match=r"model 'left' at .* refuses the request.* \(400: too long\)"):
            first.ask(requests)
        answered = questions(server)
        assert answered.pop("question 10?") == 1
        # a batch goes out longest first; nothing is sent after the failure but what was in flight
        assert 0 < len(answered) < 29
        assert len(first.store) == len(answered) == first.counts.generated
        assert first.store.verify() == []
        first.store.close()

        broken = False
        second = asker(tmp_path / "m.sqlite")
        said = second.ask(requests)
        assert [message.text for message in said] == [
            f"{request.community.name} heard: {request.turns[-1][1]}" for request in requests
        ]
        again = questions(server)
        assert again.pop("question 10?") == 2
        assert set(again.values()) == {1}
        assert second.counts == AskCounts(30, len(answered), 30 - len(answered), second.counts.tokens)

    def test_no_further_request_is_sent_after_a_failure(self, start: Start, request_for: Ask) -> None:
        server = start(adapters=["left", "right"], fault=lambda asked, time_of: 400, delay=0.05)
        with pytest.raises(ModPluralError):
            asker(None).ask(many(request_for, server.url, 40, concurrency=3))
        assert len(server.asked) == 3

    @pytest.mark.own_process
    def test_an_interruption_keeps_what_was_answered(self, start: Start, request_for: Ask) -> None:
        def fault(asked: dict[str, Any], time_of: int) -> Any:
            return "hang" if asked["messages"][-1]["content"].endswith(("1?", "2?")) else None

        server = start(adapters=["left"], fault=fault)
        asking = asker(None)

        def all_asked_and_eight_answered() -> bool:
            if len(server.asked) == 10:
                time.sleep(1.0)
            return len(server.asked) == 10

        with pytest.raises(KeyboardInterrupt), interrupted(all_asked_and_eight_answered):
            asking.ask(many(request_for, server.url, 10, "left"))
        assert len(asking.store) == 8
        server.released.set()  # connections are dropped; one that was still waited for would be tried again
        time.sleep(0.8)
        assert len(server.asked) == 10

    def test_workers_of_a_cluster_hand_over_what_was_answered(self, start: Start, request_for: Ask) -> None:
        def fault(asked: dict[str, Any], time_of: int) -> Any:
            return 400 if asked["messages"][-1]["content"] == "question 5?" else None

        server = start(adapters=["left", "right"], fault=fault)
        requests = many(request_for, server.url, 6, concurrency=1)
        worker = MessageWorker(threads=1, device=None, dtype="auto", warn_level=logging.WARNING)
        (result,) = worker({"requests": [pickle.dumps(requests)]})["results"]
        rows, warnings, problem = pickle.loads(result)
        assert [row.key for row in rows] == [request.key for request in requests[:5]]
        assert warnings == []
        assert problem.startswith("community 'right': model 'right' at ")

    def test_the_error_carries_the_answers_by_key(self, start: Start, engine: ServerEngine, request_for: Ask) -> None:
        server = start(adapters=["left"], fault=lambda asked, _: 400 if "1?" in str(asked["messages"]) else None)
        requests = many(request_for, server.url, 2, "left", concurrency=1)
        with pytest.raises(PartialBatchError) as caught:
            engine.speak(requests)
        assert caught.value.answers == {requests[0].key: Message("left", "left heard: question 0?", 11, 4)}
        assert str(caught.value) == str(caught.value.problem)


class TestWarnings:
    def test_a_name_that_is_answered_but_not_listed_is_warned_of_once_and_kept_with_its_community(
        self, start: Start, request_for: Ask, tmp_path: Path
    ) -> None:
        server = start(models=["base"], adapters=["left"])
        requests = many(request_for, server.url, 8, "left", "right")
        asking = asker(tmp_path / "m.sqlite", size=4)
        asking.ask(requests)
        expected = (
            f"community 'right': {server.url} answers to the model 'right' but does not list it (base, left); is the "
            "adapter in use?"
        )
        assert asking.engines["server"].warnings == [EngineWarning("right", "unlisted_model", expected)]
        assert asking.warnings() == [expected]
        asking.store.close()

        later = asker(tmp_path / "m.sqlite")
        later.ask([request for request in requests if request.community.name == "left"])
        assert later.warnings() == []
        later.ask(requests)
        assert later.warnings() == [expected]


class TestKeys:
    def test_the_key_is_sent_and_written_nowhere(
        self,
        start: Start,
        request_for: Ask,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        monkeypatch.setenv("MY_KEY", SECRET)
        caplog.set_level(logging.DEBUG)
        server = start(adapters=["left", "right"], key=SECRET)
        requests = many(request_for, server.url, 4, api_key_env="MY_KEY")
        asking = asker(tmp_path / "m.sqlite")
        assert len(asking.ask(requests)) == 4
        asking.store.close()
        written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert b"left heard" in written
        assert SECRET.encode() not in written
        assert SECRET not in caplog.text
        assert all(SECRET not in canonical(request.identity) for request in requests)

    def test_a_refused_key_is_not_repeated(
        self, start: Start, engine: ServerEngine, request_for: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", SECRET)
        server = start(adapters=["left"], key="another")
        with pytest.raises(ModPluralError) as caught:
            engine.speak(many(request_for, server.url, 1, "left"))
        assert str(caught.value) == (
            f"community 'left': model 'left' at {server.url}: it refuses the key; set the environment variable "
            "OPENAI_API_KEY (api_key_env names another one) (401: Incorrect API key provided: [key].)."
        )

    def test_a_variable_that_is_named_has_to_be_set(self, engine: ServerEngine, request_for: Ask) -> None:
        with pytest.raises(ModPluralError) as caught:
            engine.speak(many(request_for, "http://127.0.0.1:1/v1", 1, api_key_env="MODPLURAL_NO_SUCH"))
        assert str(caught.value) == (
            "server http://127.0.0.1:1/v1: api_key_env names the environment variable MODPLURAL_NO_SUCH, which is not "
            "set; set it, or take api_key_env out."
        )


class TestIdentity:
    def test_what_decides_a_message_and_nothing_else(self) -> None:
        url = "http://h/v1"
        usual = {"concurrency": 1, "timeout": 1.0, "max_retries": 0, "api_key_env": "OTHER"}
        weights = {"backbone": {"repo": "o/base", "revision": "main"}}
        left = {**weights, "adapter": {"repo": "o/left", "revision": "main"}}
        assert identity(adapter("left", url)) == identity(adapter("left", "http://other/v1", **usual)) == left
        assert identity(persona("p", url)) == weights
        assert identity(persona("p", url, model="big")) == {"server": {"model": "big"}, **weights}
        decided = {"api": "completions", "system": False, "extra_body": {"top_k": 1}}
        assert identity(adapter("left", url, **decided)) == {"server": decided, **left}
        own = {"endpoint": {"backend": "server", "args": {"base_url": url, "model": "e-model"}}}
        assert identity(endpoint("e", url)) == identity(endpoint("e", url + "/", **usual)) == own
        assert identity(endpoint("e", "http://other/v1")) != own

    def test_auto_takes_the_server_where_there_is_one(self) -> None:
        assert engine_name("auto", adapter("left", "http://h/v1")) == "server"
        assert engine_name("auto", endpoint("left", "http://h/v1")) == "server"
        assert engine_name("peft", adapter("left", "http://h/v1")) == "peft"


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"base_url": "localhost:8000"}, "field 'base_url': expected an address such as http://localhost:8000/v1."),
        ({"base_url": f"http://me:{SECRET}@h/v1"}, "field 'base_url': an address holds no password and no query"),
        ({"base_url": f"http://h/v1?key={SECRET}"}, "field 'base_url': an address holds no password and no query"),
        ({"api_key_env": SECRET}, "field 'api_key_env': expected the name of an environment variable in capitals"),
        ({"extra_body": {"api_key": SECRET}}, "field 'extra_body': 'api_key' looks like a credential"),
        ({"extra_body": {"seed": 1}}, "field 'extra_body': 'seed' comes from the community, its decoding or the seed"),
        ({"api_key": SECRET}, "unknown field 'api_key'. Did you mean 'api_key_env'?"),
        ({"concurency": 3}, "unknown field 'concurency'. Did you mean 'concurrency'?"),
        ({"concurrency": 0}, "field 'concurrency': Input should be greater than or equal to 1, found 0."),
        ({"modle": "x", "model": None}, "unknown field 'modle'. Did you mean 'model'?"),
        ({"model": None}, "field 'model' is missing: the name under which the server knows the community."),
    ],
)
def test_a_mistake_in_a_pool_file_is_one_clear_line(settings: dict[str, Any], problem: str, tmp_path: Path) -> None:
    from community_lms.pools.pool import load_pool

    args = {"base_url": "http://h/v1", "model": "m", **settings}
    args = {name: value for name, value in args.items() if value is not None}
    member = {"name": "far", "description": "d", "endpoint": {"backend": "server", "args": args}}
    path = tmp_path / "pool.yaml"
    path.write_text(json.dumps({"name": "x", "communities": [member]}))
    with pytest.raises(ModPluralError) as caught:
        load_pool(str(path))
    assert f"{path}, community 'far': field 'endpoint': args: {problem}" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_an_address_is_read_in_short(tmp_path: Path) -> None:
    member = Community.model_validate(
        {"name": "a", "description": "d", "adapter": "o/a", "backbone": "o/b", "server": "http://h:1/v1/completions"}
    )
    assert member.server == Served(base_url="http://h:1/v1")
    with pytest.raises(ValueError, match="is an endpoint, which has its own address; take out 'server'"):
        Community.model_validate(endpoint("e", "http://h/v1").model_dump() | {"server": "http://h/v1"})


class TestAccount:
    """Messages are paid for once, and within a budget."""

    def account(self, path: Any, tokens: int | None = None) -> Account:
        return Account(AnswerStore(path), Ledger(Budget(Limits(tokens=tokens))))

    def test_each_message_is_kept_the_moment_it_comes(
        self, start: Start, request_for: Ask, tmp_path: Path, engine: ServerEngine
    ) -> None:
        server = start(adapters=["left"], fault=lambda asked, _: 400 if "question 5?" in str(asked) else None)
        engine.account = self.account(tmp_path / "a.sqlite")
        with pytest.raises(ModPluralError, match="400"):
            engine.speak(many(request_for, server.url, 6, "left", concurrency=1))
        assert len(AnswerStore(tmp_path / "a.sqlite")) == 5
        server.fault = None
        other = ServerEngine()
        other.account = self.account(tmp_path / "a.sqlite")
        said = other.speak(many(request_for, server.url, 6, "left"))
        assert [message.text for message in said] == [f"left heard: question {number}?" for number in range(6)]
        assert [message.tokens for message in said] == [4] * 6  # counted by the server, and kept
        assert max(server.times.values()) == 2  # the one that was refused
        assert len(server.asked) == 7
        assert other.account.ledger.as_json()["stored"]["by_community"]["left"]["answers"] == 5
        other.close()

    def test_a_budget_ends_it(self, start: Start, request_for: Ask, tmp_path: Path, engine: ServerEngine) -> None:
        server = start(adapters=["left"])
        engine.account = self.account(tmp_path / "a.sqlite", tokens=700)
        with pytest.raises(PartialBatchError, match="the budget of 700 tokens is reached") as ended:
            engine.speak(many(request_for, server.url, 60, "left"))
        assert isinstance(ended.value.problem, BudgetReachedError)
        # Each sets aside 200 tokens for its answer, and needs fifteen to seventeen.
        kept = len(AnswerStore(tmp_path / "a.sqlite"))
        assert len(server.asked) == kept == len(ended.value.answers) >= 20
        assert engine.account.ledger.budget.total.tokens <= 700

    @pytest.mark.parametrize("fault", ["empty", "cut"])
    def test_answers_that_are_none_are_asked_for_again_and_were_paid_for(
        self, fault: str, start: Start, request_for: Ask, engine: ServerEngine
    ) -> None:
        server = start(adapters=["left"], fault=lambda asked, time_of: fault if time_of == 1 else None)
        assert engine.speak(many(request_for, server.url, 1, "left"))[0].text == "left heard: question 0?"
        assert engine.account.ledger.lost.answers == 1
        assert engine.account.ledger.as_json()["now"]["answers"] == 2

    def test_what_is_lost_counts_against_the_budget(self, start: Start, request_for: Ask, engine: ServerEngine) -> None:
        """Each broken answer costs fifteen tokens of sixty, and sixteen may be needed: none is left for a fourth."""
        server = start(adapters=["left"], fault=lambda asked, time_of: "empty")
        engine.account = self.account(None, tokens=60)
        with pytest.raises(BudgetReachedError):
            engine.speak(
                asks(request_for, adapter("left", server.url), "question 0?", decoding=Decoding(max_new_tokens=8))
            )
        assert engine.account.ledger.budget.total.tokens <= 60
        assert len(server.asked) == 3
