"""What is wrong is told before anything is asked, loaded or paid for."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from model_wrappers.cli.app import app
from model_wrappers.runs.grid import Grid
from model_wrappers.runs.harness import harness_config
from plural_tasks.utils.errors import ModPluralError
from tests.model_wrappers.helpers import doc, requests, run_harness
from tests.openai_server import serving


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global ModPluralLM
    from model_wrappers.lm import ModPluralLM


runner = CliRunner()
TASK = ("--tasks", "plural_embedded_steerable")
CHAT = "base=local-chat-completions,model=m,base_url=http://127.0.0.1:1/v1/chat/completions,message_engine=scripted"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--taks", "x"), "unknown option --taks. Did you mean --tasks?"),
        (("--aply_chat_template",), "unknown option --aply_chat_template. Did you mean --apply_chat_template?"),
        (("--max-token", "5"), "unknown option --max-token. Did you mean --max-tokens?"),
        (("--limit=3", "--quux=5"), "unknown option --quux. All: modplural eval --help"),
    ],
)
def test_unknown_options_name_the_nearest(given, said, capsys) -> None:
    with pytest.raises(ModPluralError) as told:
        harness_config([*TASK, *given])
    assert str(told.value).startswith(said)


def test_options_may_be_shortened_as_argparse_takes_them() -> None:
    assert harness_config(["--task", "a", "--lim", "3"]).limit == 3


@pytest.mark.parametrize("text", ['base=hf,base_args={"key": "sk-0123456789abcdef01"}', 'base_args={"a": 1}'])
def test_json_where_the_harness_does_not_read_it(text, capsys) -> None:
    with pytest.raises(SystemExit) as left:
        run_harness([*TASK, "--model_args", text])
    assert left.value.code == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("modplural: error: --model_args: a value in braces is not read in the midst")
    assert "sk-0123" not in line
    read = harness_config([*TASK, "--model_args", "base=hf", 'base_args={"a": 1}'])  # as the message says
    assert read.model_args == {"base": "hf", "base_args": {"a": 1}}


def test_a_plain_prompt_for_a_chat_is_told_before_communities_are_asked() -> None:
    with serving() as server:
        settings = dict(pair.split("=") for pair in CHAT.split(",")) | {"base_url": f"{server.url}/chat/completions"}
        lm = ModPluralLM.create_from_arg_obj({**settings, "messages": "none"})
        with pytest.raises(ModPluralError, match="add --apply_chat_template"):
            lm.generate_until(requests([doc("overton")], "generate_until"))
        assert lm.session.communities.asker.counts.requested == 0
        assert server.asked == []


def test_a_grid_of_plain_prompts_for_a_chat_asks_nobody(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(Grid, "_ask_communities", lambda *_: pytest.fail("communities were asked"))
    given = ["--methods", "vanilla,modplural", "--model_args", CHAT, *TASK, "--output_path", str(tmp_path / "out")]
    with pytest.raises(SystemExit):
        run_harness(given)
    assert "takes chat prompts only; add --apply_chat_template." in capsys.readouterr().err


@pytest.mark.parametrize("several", [(), ("--methods", "vanilla,modplural")])
def test_the_response_cache_is_refused_before_anything_is_loaded(several, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr("model_wrappers.base.build.build_base", lambda *_: pytest.fail("a base LLM was built"))
    monkeypatch.setattr(Grid, "_ask_communities", lambda *_: pytest.fail("communities were asked"))
    with pytest.raises(SystemExit):
        run_harness([*several, *TASK, "--use_cache", str(tmp_path / "cache"), "--output_path", str(tmp_path / "out")])
    assert "--use_cache: its key is the prompt alone" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_misspelt_task_is_one_line_that_names_the_nearest(capsys) -> None:
    with pytest.raises(SystemExit) as left:
        run_harness(["--tasks", "plural_embeded", "--model_args", "base=scripted,message_engine=scripted"])
    assert left.value.code == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("modplural: error:")]
    assert "unknown task 'plural_embeded'. Did you mean 'plural_embedded'?" in line


def test_a_key_that_is_not_set_is_named(monkeypatch) -> None:
    pytest.importorskip("tenacity")
    for base, variable in (("openai-chat-completions", "OPENAI_API_KEY"), ("anthropic-chat", "ANTHROPIC_API_KEY")):
        monkeypatch.delenv(variable, raising=False)
        with pytest.raises(ModPluralError, match=f"needs a key: set the environment variable {variable}"):
            ModPluralLM.create_from_arg_obj({"base": base, "model": "m", "message_engine": "scripted"})


def test_results_say_that_chats_were_asked_for() -> None:
    settings = dict(pair.split("=") for pair in CHAT.split(","))
    lm = ModPluralLM.create_from_arg_obj({**settings, "messages": "none"})
    assert lm.chat_template(True) == "(the server's own)"
    assert not lm.chat_template(False)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("model=gpt-4o-mini", ("elicitation=logprob, if the server shows", "$0.15 and $0.6 for", "at most $")),
        ("model=gpt-4o-mini,elicitation=sample", ("Distributions: elicitation=sample.", "at most $")),
        ("model=gpt-4o-mnii", ("no price is known for the model 'gpt-4o-mnii'; give --prices.",)),
    ],
)
def test_an_estimate_says_which_way_it_took_and_what_it_does_not_know(settings, said, tmp_path) -> None:
    args = f"base=openai-chat-completions,message_engine=scripted,messages={tmp_path / 'm.sqlite'},{settings}"
    given = ["estimate", *TASK, "--limit", "1", "--apply_chat_template", "--model_args", args]
    shown = runner.invoke(app, given, catch_exceptions=False)
    assert all(part in shown.stdout for part in said)


def test_prompts_of_completions_are_read_once_for_each_option() -> None:
    from model_wrappers.runs.counting import prompts_of

    calls = [("loglikelihood", ("prompt", option)) for option in (" A", " B", " A")]
    assert prompts_of(calls, len).read_tokens == 6
    assert prompts_of(calls, len, apart=True).read_tokens == 16
