"""What failed requests mean, by the errors of the real clients."""

from __future__ import annotations

import datetime
import email.utils
import json
from typing import Any

import pytest
import requests

from community_lms.remote.failures import UnusableAnswerError, read_trouble
from plural_tasks.utils.errors import ModPluralError
from tests.openai_server import serving

BODY = {"model": "m", "messages": [{"role": "user", "content": "why?"}]}


def caught(fault: Any, **post: Any) -> Exception:
    """What requests raises when the server does that."""

    def ask(url: str) -> None:
        reply = requests.post(f"{url}/chat/completions", json=BODY, **{"timeout": 5, **post})
        reply.raise_for_status()
        reply.json()

    with serving(fault=lambda asked, time_of: fault) as server, pytest.raises(requests.RequestException) as told:
        ask(server.url)
    return told.value


@pytest.mark.parametrize(
    ("fault", "kind", "may_pass"),
    [
        *((status, str(status), True) for status in (408, 409, 425, 429, 500, 502, 503, 504, 529)),
        *((status, str(status), False) for status in (400, 401, 402, 403, 404, 413, 422, 501, 505)),
        ("drop", "connection", True),
        ("truncate", "connection", True),
        ("cut", "answer", True),
        ("html", "JSONDecodeError", False),
    ],
)
def test_requests(fault, kind, may_pass) -> None:
    trouble = read_trouble(caught(fault))
    assert (trouble.kind, trouble.may_pass) == (kind, may_pass)
    assert trouble.status == (fault if isinstance(fault, int) else None)
    assert trouble.wait == 0.0
    if isinstance(fault, int):
        assert trouble.said == "so be it"


def test_no_answer_in_time_and_nobody_there() -> None:
    assert read_trouble(caught("hang", timeout=0.05)).kind == "time-out"
    with pytest.raises(requests.ConnectionError) as told:
        requests.post("http://127.0.0.1:1/v1", json=BODY, timeout=5)
    assert (read_trouble(told.value).kind, read_trouble(told.value).may_pass) == ("connection", True)


def http_date(seconds: float) -> str:
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return email.utils.format_datetime(later, usegmt=True)


@pytest.mark.parametrize(
    ("headers", "low", "high"),
    [
        ({"Retry-After": "3"}, 3, 3),
        ({"retry-after": "0.5"}, 0.5, 0.5),
        ({"Retry-After": 30}, 20, 30),
        ({"Retry-After": -30}, 0, 0),
        ({"retry-after-ms": "250", "Retry-After": "9"}, 0.25, 0.25),
        ({"Retry-After": "soon"}, 0, 0),
        ({"Retry-After": "-4"}, 0, 0),
        ({}, 0, 0),
    ],
)
def test_how_long_the_server_asks_to_wait(headers, low, high) -> None:
    headers = {name: http_date(value) if isinstance(value, int) else value for name, value in headers.items()}
    found = read_trouble(caught({"status": 429, "headers": headers})).wait
    assert low <= found <= high


def test_no_waiting_fills_an_account() -> None:
    response = requests.Response()
    response.status_code = 429
    response._content = json.dumps({"error": {"message": "You are out.", "code": "insufficient_quota"}}).encode()
    trouble = read_trouble(requests.HTTPError("429", response=response))
    assert (trouble.kind, trouble.may_pass, trouble.said) == ("429", False, "You are out.")


def test_answers_that_are_none() -> None:
    assert read_trouble(UnusableAnswerError("no choices")).may_pass
    assert not read_trouble(UnusableAnswerError("a page", may_pass=False)).may_pass
    inside = read_trouble(UnusableAnswerError("an error in the place of an answer: slow down", 429))
    assert (inside.kind, inside.may_pass) == ("429", True)
    assert not read_trouble(UnusableAnswerError("an error in the place of an answer: no", 400)).may_pass


@pytest.mark.parametrize("error", [ModPluralError("x"), KeyError("x"), AssertionError("x"), ValueError("x")])
def test_our_own_mistakes_do_not_pass(error) -> None:
    assert not read_trouble(error).may_pass


def test_keys_are_taken_out(monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "planted-secret-value")
    trouble = read_trouble(caught({"status": 401, "message": "planted-secret-value is wrong"}))
    assert trouble.said == "[OPENAI_API_KEY] is wrong"


@pytest.mark.parametrize(
    ("fault", "kind", "may_pass"), [(429, "429", True), (500, "500", True), (404, "404", False), ("drop", None, True)]
)
def test_the_openai_client(fault, kind, may_pass) -> None:
    openai = pytest.importorskip("openai")
    with serving(fault=lambda asked, time_of: fault) as server, pytest.raises(openai.OpenAIError) as told:
        openai.OpenAI(base_url=server.url, api_key="k", max_retries=0).chat.completions.create(**BODY)
    trouble = read_trouble(told.value)
    assert (trouble.kind, trouble.may_pass) == (kind or "connection", may_pass)
