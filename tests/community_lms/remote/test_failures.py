"""What failed requests mean, by the errors of the real clients."""

from __future__ import annotations

import datetime
import email.utils
import json
from typing import Any

import pytest
import requests

from community_lms.remote.failures import UnusableAnswerError, classify_error
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
    ("fault", "kind", "transient"),
    [
        *((status, str(status), True) for status in (408, 409, 425, 429, 500, 502, 503, 504, 529)),
        *((status, str(status), False) for status in (400, 401, 402, 403, 404, 413, 422, 501, 505)),
        ("drop", "connection", True),
        ("truncate", "connection", True),
        ("cut", "answer", True),
        ("html", "JSONDecodeError", False),
    ],
)
def test_requests(fault, kind, transient) -> None:
    failure = classify_error(caught(fault))
    assert (failure.kind, failure.transient) == (kind, transient)
    assert failure.status == (fault if isinstance(fault, int) else None)
    assert failure.retry_after == 0.0
    if isinstance(fault, int):
        assert failure.message == "so be it"


def test_no_answer_in_time_and_nobody_there() -> None:
    assert classify_error(caught("hang", timeout=0.05)).kind == "time-out"
    with pytest.raises(requests.ConnectionError) as told:
        requests.post("http://127.0.0.1:1/v1", json=BODY, timeout=5)
    assert (classify_error(told.value).kind, classify_error(told.value).transient) == ("connection", True)


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
    found = classify_error(caught({"status": 429, "headers": headers})).retry_after
    assert low <= found <= high


def test_no_waiting_fills_an_account() -> None:
    response = requests.Response()
    response.status_code = 429
    response._content = json.dumps({"error": {"message": "You are out.", "code": "insufficient_quota"}}).encode()
    failure = classify_error(requests.HTTPError("429", response=response))
    assert (failure.kind, failure.transient, failure.message) == ("429", False, "You are out.")


def test_answers_that_are_none() -> None:
    assert classify_error(UnusableAnswerError("no choices")).transient
    assert not classify_error(UnusableAnswerError("a page", transient=False)).transient
    inside = classify_error(UnusableAnswerError("an error in the place of an answer: slow down", 429))
    assert (inside.kind, inside.transient) == ("429", True)
    assert not classify_error(UnusableAnswerError("an error in the place of an answer: no", 400)).transient


@pytest.mark.parametrize("error", [ModPluralError("x"), KeyError("x"), AssertionError("x"), ValueError("x")])
def test_our_own_mistakes_do_not_pass(error) -> None:
    assert not classify_error(error).transient


def test_keys_are_taken_out(monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "planted-secret-value")
    failure = classify_error(caught({"status": 401, "message": "planted-secret-value is wrong"}))
    assert failure.message == "[OPENAI_API_KEY] is wrong"


@pytest.mark.parametrize(
    ("fault", "kind", "transient"), [(429, "429", True), (500, "500", True), (404, "404", False), ("drop", None, True)]
)
def test_the_openai_client(fault, kind, transient) -> None:
    openai = pytest.importorskip("openai")
    with serving(fault=lambda asked, time_of: fault) as server, pytest.raises(openai.OpenAIError) as told:
        openai.OpenAI(base_url=server.url, api_key="k", max_retries=0).chat.completions.create(**BODY)
    failure = classify_error(told.value)
    assert (failure.kind, failure.transient) == (kind or "connection", transient)
