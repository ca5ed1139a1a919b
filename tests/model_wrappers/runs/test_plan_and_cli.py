"""Making, exporting and importing messages; looking at pools, prompts and traces."""

import json
import sys

import pytest
import typer
from typer.testing import CliRunner

from community_lms.messages.store import MessageStore
from model_wrappers.cli.app import app
from model_wrappers.collaboration.prompts import REQUIRED, SLOTS, load_prompts, prompt_set_names
from model_wrappers.collaboration.trace import read_trace
from model_wrappers.runs.plan import make_plan
from model_wrappers.runs.tasks import load_tasks
from tests.model_wrappers.helpers import doc, model, requests


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global ModPluralLM
    from model_wrappers.lm import ModPluralLM


runner = CliRunner()


def invoke(*arguments: str) -> str:
    result = runner.invoke(app, list(arguments), env={"COLUMNS": "200"}, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_generate_asks_what_a_run_asks_and_nothing_twice(tmp_path) -> None:
    store = str(tmp_path / "s.sqlite")
    common = ("--tasks", "plural_embedded", "--limit", "2", "--engine", "scripted", "--messages", store)
    assert "55 messages: 0 were stored, 55 generated" in invoke("messages", "generate", *common)
    assert "55 messages: 55 were stored, 0 generated" in invoke("messages", "generate", *common)
    lm = ModPluralLM(base="scripted", message_engine="scripted", messages=store, seed=1234)
    for name, task in load_tasks(["plural_embedded"]).items():
        task.config.metadata["plural_judge"] = "lexical"
        task.build_all_requests(limit=2, rank=0, world_size=1)
        getattr(lm, "generate_until" if "overton" in name else "loglikelihood")(task.instances)
    assert vars(lm.session.communities.asker.counts) == {"requested": 55, "found": 55, "generated": 0, "tokens": 0}
    assert len(MessageStore(store)) == 55


def test_another_seed_prompt_pool_or_count_asks_anew(tmp_path) -> None:
    store = MessageStore(None)

    def keys(**changes) -> set[str]:
        plan = make_plan(["plural_embedded_overton"], store, limit=1, **{"message_engine": "scripted", **changes})
        return {request.key for request in plan.requests()}

    plain = keys()
    assert len(plain) == 11
    assert keys() == plain
    assert keys(communities="liberal") < plain
    assert keys(seed=2).isdisjoint(plain)
    assert keys(message_temperature=0.1).isdisjoint(plain)
    assert plain < keys(messages_per_community=2)


def test_published_format_round_trips(tmp_path) -> None:
    store, other = str(tmp_path / "s.sqlite"), str(tmp_path / "o.sqlite")
    common = ("--engine", "scripted", "--limit", "3")
    invoke("messages", "generate", "--tasks", "plural_embedded_overton", *common, "--messages", store)
    out = tmp_path / "published"
    shown = invoke(
        *("messages", "export", str(out), "--format", "published", "--tasks", "plural_embedded_overton"),
        *(*common, "--messages", store),
    )
    assert shown.count("3 messages, 0 not in the store") == 11
    files = sorted(out.iterdir())
    assert next(path.name for path in files) == "overton_africa.json"
    assert set(json.loads(files[0].read_text(encoding="utf-8"))) == {"ov-01", "ov-02", "ov-03"}
    shown = invoke(
        *("messages", "import", *map(str, files), "--format", "published", "--task", "plural_embedded_overton"),
        *(*common, "--messages", other),
    )
    assert shown.count("0 items without a message, 0 entries of other items") == 11
    there = {row.key: row.text for row in MessageStore(store).rows()}
    assert {row.key: row.text for row in MessageStore(other).rows()} == there
    assert {row.origin for row in MessageStore(other).rows()} == {f"imported from {path.name}" for path in files}
    assert "33 messages, 0 with a wrong key" in invoke("messages", "verify", "--messages", other)


def test_pool_commands() -> None:
    assert "w_africa" in invoke("pool", "list")
    assert "bunsenfeng/mistral-reddit_c" in invoke("pool", "show", "perspective")
    shown = invoke("pool", "check", "personas", "--engine", "scripted")
    assert "6 of 6 communities spoke" in shown


def test_replies_that_are_equal_or_empty_are_noticed() -> None:
    from community_lms.generation.probe import QUESTIONS, ask_further, reply_problems
    from community_lms.messages.message import Message
    from community_lms.pools.pool import load_pool

    pool = load_pool("personas")
    texts = ["same", "other", "same", "", "same", "sixth"]
    first, _, third, empty, fifth, _ = pool.names
    asked = []

    def ask(name: str, question: str) -> Message:
        asked.append((name, QUESTIONS.index(question)))
        return Message(name, f"a view of {name}" if name == fifth else "again")

    replies = ask_further({name: [Message(name, text)] for name, text in zip(pool.names, texts, strict=True)}, ask)
    # Three answer alike at first; the fifth says something of its own to the second question and is asked no more.
    assert asked == [(first, 1), (third, 1), (fifth, 1), (first, 2), (third, 2)]
    assert reply_problems(pool, replies) == [
        f"communities {first!r} and {third!r} give the same reply to each of 3 questions; is an adapter ignored?",
        f"community {empty!r} said nothing.",
    ]


def test_prompts_commands_and_slots() -> None:
    assert "default" in invoke("prompts", "list")
    assert "synthesise" in invoke("prompts", "show")
    assert set(SLOTS) == set(REQUIRED)
    assert all(REQUIRED[name] <= SLOTS[name] for name in SLOTS)
    for name in prompt_set_names():
        assert len(load_prompts(name).digest()) == 64


def test_prompts_do_not_run_what_a_document_says() -> None:
    text = load_prompts("default").render("answer", context="{{ 7 * 7 }}", message="{% raw %}", attribute="x")
    assert "{{ 7 * 7 }}" in text


def test_version_and_help() -> None:
    from plural_tasks import __version__

    assert invoke("--version").strip() == __version__
    for command in ("pool", "messages", "trace", "prompts"):
        assert "Usage" in invoke(command, "--help")
    assert isinstance(app, typer.Typer)


def test_eval_passes_arguments_on_and_names_the_model(monkeypatch) -> None:
    from model_wrappers.cli import main

    seen = []
    monkeypatch.setattr("lm_eval.__main__.cli_evaluate", lambda: seen.append(list(sys.argv)))
    for given in (["--tasks", "plural"], ["--model", "hf", "--tasks", "plural"], ["-M=hf"]):
        monkeypatch.setattr(sys, "argv", ["modplural", "eval", *given])
        with pytest.raises(SystemExit) as left:
            main()
        assert left.value.code == 0
    assert seen == [
        ["lm_eval", "run", "--model", "modplural", "--tasks", "plural"],
        ["lm_eval", "run", "--model", "hf", "--tasks", "plural"],
        ["lm_eval", "run", "-M=hf"],
    ]


def test_generate_takes_every_option(tmp_path) -> None:
    store = str(tmp_path / "s.sqlite")
    shown = invoke(
        *(
            "messages",
            "generate",
            "--tasks",
            "plural_embedded_overton",
            "--pool",
            "personas",
            "--communities",
            "liberty",
        ),
        *("--messages", store, "--limit", "2", "--data", str(tmp_path), "--include_path", str(tmp_path)),
        *("--engine", "scripted", "--prompts", "default", "--seed", "3", "--device", "cpu"),
        *("--model_args", "messages_per_community=2,message_temperature=0.5,message_max_new_tokens=7"),
    )
    assert "4 messages: 0 were stored, 4 generated" in shown
    row = next(MessageStore(store).rows())
    assert json.loads(row.decoding) == {"temperature": 0.5, "top_p": 0.9, "max_new_tokens": 7}
    assert row.seed == 3


def test_published_messages_can_be_filed_under_other_decoding(tmp_path) -> None:
    store, out = str(tmp_path / "s.sqlite"), tmp_path / "out"
    common = ("--engine", "scripted", "--limit", "1", "--messages", store, "--model_args", "message_max_new_tokens=9")
    tasks = ("--tasks", "plural_embedded_overton")
    invoke("messages", "generate", *tasks, *common)
    assert "1 messages, 0 not in the store" in invoke(
        "messages", "export", str(out), "--format", "published", *tasks, *common
    )
    other = [str(tmp_path / "o.sqlite") if part == store else part for part in common]
    files = [str(path) for path in out.iterdir()]
    invoke("messages", "import", *files, "--format", "published", "--task", "plural_embedded_overton", *other)
    assert "11 messages: 11 were stored" in invoke("messages", "generate", *tasks, *other)


def test_an_export_writes_no_file_for_a_community_that_said_nothing(tmp_path) -> None:
    store, out = str(tmp_path / "s.sqlite"), tmp_path / "out"
    common = ("--engine", "scripted", "--limit", "1", "--messages", store, "--tasks", "plural_embedded_overton")
    invoke("messages", "generate", *common, "--communities", "liberal")
    out.mkdir()
    (out / "overton_secular.json").write_text('{"kept": "as it was"}')
    shown = invoke("messages", "export", str(out), "--format", "published", *common)
    assert "overton_secular.json: not written, no message is in the store" in shown
    assert sorted(path.name for path in out.iterdir()) == ["overton_liberal.json", "overton_secular.json"]
    assert (out / "overton_secular.json").read_text() == '{"kept": "as it was"}'


def test_trace_lists_runs_and_shows_prompts(tmp_path) -> None:
    path = tmp_path / "t.jsonl"
    for method in ("moe", "modplural"):
        lm, _, _ = model(tmp_path, method=method, trace=str(path))
        lm.loglikelihood(requests([doc("steerable"), doc("distributional", 1)], "loglikelihood"))
    listed = invoke("trace", "list", str(path))
    assert "task_steerable" in listed
    assert "1: distributional-1" in listed
    first_run = json.loads(path.read_text(encoding="utf-8").split("\n")[0])["run_id"]
    shown = invoke("trace", "show", str(path), "--run", first_run, "--id", "distributional-1", "--prompts")
    assert "route prompt" in shown
    assert "method moe, mode distributional" in shown
    shown = invoke("trace", "show", str(path), "--task", "task_steerable", "--prompts")
    assert "select prompt" in shown
    assert "ferrymen" in shown
    assert "prompt tokens: -" in shown


def test_a_trace_that_a_killed_run_cut_short_is_read_and_continued(tmp_path, caplog) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"task": "t", "id": "1", "run_id": "r"}\n{"task": "t", "i')
    lm, _, _ = model(tmp_path, trace=str(path))
    lm.generate_until(requests([doc("overton")], "generate_until"))
    assert [record["id"] for record in read_trace(path)] == ["1", "overton-0"]
    assert "t.jsonl:2: is not a JSON line" in caplog.text


def test_a_prompt_set_can_be_started_from_the_default(tmp_path) -> None:
    copy = tmp_path / "mine.yaml"
    copy.write_text(invoke("prompts", "show", "--yaml"), encoding="utf-8")
    assert load_prompts(str(copy)).digest() == load_prompts("default").digest()
