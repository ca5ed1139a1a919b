"""A key that a run is given reaches the server and nothing else: no file, no log, no error."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from model_wrappers.cli.app import app
from plural_tasks.utils.errors import ModPluralError
from tests.community_lms.tiny_models import save_tokenizer
from tests.model_wrappers.helpers import doc, requests
from tests.openai_server import OpenAIServer, serving


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global ModPluralLM
    from model_wrappers.lm import ModPluralLM


pytest.importorskip("tenacity", reason="the harness's API backends need lm_eval[api]")

ROOT = Path(__file__).resolve().parent.parent
KEY = "sk-planted-0123456789abcdefghij"
MODPLURAL, HARNESS = ("model_wrappers", "eval"), ("lm_eval", "run", "--model", "modplural")


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    """Answers to the planted key alone, and repeats any other in its refusal."""
    with serving(models=("base",), adapters=("left", "right", "third"), key=KEY) as made:
        yield made


def run(folder: Path, program: tuple[str, ...], given: str | None, *more: str, key: str = KEY) -> tuple[int, str]:
    """Exit status, and everything printed; logs are written as fully as can be."""
    command = [sys.executable, "-m", *program, *(["--model_args", given] if given else []), *more]
    environment = {
        **os.environ,
        "OPENAI_API_KEY": key,
        "LMEVAL_LOG_LEVEL": "DEBUG",
        "PYTHONPATH": os.pathsep.join([str(ROOT / "hooks"), str(ROOT)]),  # this hook, and not one that is installed
    }
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    return done.returncode, done.stdout + done.stderr


def settings(folder: Path, url: str, backend: str = "local-chat-completions", **changes: str) -> str:
    """A base LLM on the server; an endpoint of each kind, and a persona by message_server."""
    (folder / "pool.yaml").write_text(f"""
name: served
backbone: embedded
communities:
  - name: left
    description: l
    endpoint: {{backend: server, args: {{model: left, base_url: "{url}", max_retries: 0}}}}
  - {{name: right, description: r, persona: You live on the right bank.}}
  - name: third
    description: t
    endpoint:
      backend: local-chat-completions
      args: {{model: third, base_url: "{url}/chat/completions", max_retries: 1}}
""")
    path = "chat/completions" if "chat" in backend else "completions"
    if "chat" not in backend:
        save_tokenizer(folder / "tokenizer", None)
        changes |= {"tokenizer_backend": "huggingface", "tokenizer": str(folder / "tokenizer")}
    given = {
        **{"base": backend, "model": "base", "base_url": f"{url}/{path}"},
        **{"pool": "pool.yaml", "messages": "m.sqlite", "answers": "a.sqlite", "trace": "t.jsonl", "max_retries": "1"},
        **{"message_server": url, "message_server_args": "max_retries:0+model:right"},
    }
    return ",".join(f"{name}={value}" for name, value in (given | changes).items())


def options(*more: str) -> list[str]:
    return [
        *("--tasks", "plural_embedded_overton", "--limit", "2", "--metadata", "plural_judge=lexical"),
        *("--output_path", "out", "--log_samples", *more),
    ]


def check_nowhere(folder: Path, *texts: str) -> int:
    """The key is in no file below the folder, nor in the texts; returns how many files there are."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert [str(path) for path in files if KEY.encode() in path.read_bytes()] == []
    for text in texts:
        assert KEY not in text, text[max(0, text.index(KEY) - 300) : text.index(KEY) + 60]
    return len(files)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backend", "chat", "concurrent"),
    [("local-chat-completions", ("--apply_chat_template",), "1"), ("local-completions", (), "2")],
)
def test_a_run_that_succeeds(tmp_path, server, backend, chat, concurrent) -> None:
    given = settings(tmp_path, server.url, backend, num_concurrent=concurrent)
    code, printed = run(tmp_path, MODPLURAL, given, *options(*chat))
    assert code == 0, printed[-3000:]
    assert {asked["model"] for _, asked in server.asked} == {"base", "left", "right", "third"}
    (results,) = (tmp_path / "out").rglob("results_*.json")
    shown = CliRunner().invoke(
        app, ["submit", str(results), "--output", str(tmp_path / "record.json"), "--dry-run", "--allow-partial"]
    )
    assert shown.exit_code == 0, shown.output
    assert (tmp_path / "a.sqlite").stat().st_size > 0
    # Pool, stores of messages and answers, trace, results, samples and the record.
    assert check_nowhere(tmp_path, printed, shown.output, str(server.asked)) >= 7


@pytest.mark.slow
@pytest.mark.parametrize("status", [401, 500])
@pytest.mark.parametrize(
    ("failing", "concurrent", "backend", "chat"),
    [
        ("left", "1", "local-chat-completions", ("--apply_chat_template",)),
        ("third", "1", "local-chat-completions", ("--apply_chat_template",)),
        ("base", "1", "local-chat-completions", ("--apply_chat_template",)),
        ("base", "2", "local-completions", ()),
    ],
)
def test_a_run_that_fails(tmp_path, server, status, failing, concurrent, backend, chat) -> None:
    server.fault = lambda asked, _: (
        {"status": status, "message": f"{KEY} will not do"} if asked["model"] == failing else None
    )
    given = settings(tmp_path, server.url, backend, num_concurrent=concurrent)
    code, printed = run(tmp_path, MODPLURAL, given, *options(*chat))
    assert code == 1
    assert "modplural: error: " in printed
    assert str(status) in printed
    if concurrent == "1":  # else asyncio logs what became of the other requests
        assert "Traceback" not in printed
    check_nowhere(tmp_path, printed)


@pytest.mark.slow
@pytest.mark.parametrize("program", [MODPLURAL, HARNESS])
def test_a_key_among_the_arguments_is_refused(tmp_path, server, program) -> None:
    given = settings(tmp_path, server.url, auth_token=KEY)
    code, printed = run(tmp_path, program, given, *options("--apply_chat_template"), key="another-key")
    assert code == 1
    assert "modplural: error: model_args: auth_token holds what looks like a key" in printed
    assert "set the environment variable that the backend reads (OPENAI_API_KEY" in printed
    assert "auth_token=env:VARIABLE" in printed
    assert server.asked == []
    check_nowhere(tmp_path, printed)


@pytest.mark.slow
def test_a_key_in_a_file_of_settings_is_refused(tmp_path, server) -> None:
    (tmp_path / "config.yaml").write_text(
        f"model_args: {{base: local-chat-completions, model: base, api_key: {KEY}}}\ntasks: [plural_embedded_overton]\n"
    )
    code, printed = run(tmp_path, MODPLURAL, None, "--config", "config.yaml", key="another-key")
    assert code == 1
    assert "modplural: error: model_args: api_key holds what looks like a key" in printed
    assert KEY not in printed


def chat(server: OpenAIServer, **changes: object) -> ModPluralLM:
    given = {
        **{"base": "local-chat-completions", "model": "base", "base_url": f"{server.url}/chat/completions"},
        **{"pool": "personas", "message_engine": "scripted", "messages": "none"},
        **{"max_retries": 1},
    }
    return ModPluralLM.create_from_arg_obj(given | changes, {"batch_size": 1})


def answer(lm: ModPluralLM) -> str:
    history = [{"role": "user", "content": "Should the bridge be built?"}]
    asked = requests([doc("overton")], "generate_until", context=lambda _: lm.apply_chat_template(history))
    return lm.generate_until(asked)[0]


@pytest.mark.parametrize("place", ["argument", "base_args"])
def test_a_key_of_a_variable_of_ones_own(server, monkeypatch, place) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("PLANTED", KEY)
    header = {"Authorization": "Bearer env:PLANTED"}
    lm = chat(server, **({"header": header} if place == "argument" else {"base_args": {"header": header}}))
    assert "base heard" in answer(lm)
    assert KEY not in str(lm.get_model_info())
    monkeypatch.delenv("PLANTED")
    with pytest.raises(ModPluralError, match="Authorization names the environment variable PLANTED, which is not set"):
        chat(server, header=header)


@pytest.mark.parametrize("status", [401, 500])
def test_a_base_that_refuses_is_one_error_without_the_key(server, monkeypatch, status, caplog) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.fault = lambda *_: {"status": status, "message": f"{KEY} will not do"}
    with pytest.raises(ModPluralError, match=rf"\(LocalChatCompletion\) does not answer at .*{status}") as told:
        answer(chat(server))
    assert KEY not in str(told.value)
    assert "[OPENAI_API_KEY] will not do" in str(told.value)
    assert KEY not in caplog.text


def test_the_doctor_says_no_key(tmp_path, server, monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.chdir(tmp_path)
    server.fault = lambda *_: {"status": 401, "message": f"{KEY} will not do"}
    given = ["doctor", "--model_args", settings(tmp_path, server.url), *options("--apply_chat_template")]
    shown = CliRunner().invoke(app, given, catch_exceptions=False)
    assert shown.exit_code == 1
    assert shown.output.count("401") >= 3  # of the base LLM and of the communities
    check_nowhere(tmp_path, shown.output)
