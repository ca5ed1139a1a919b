"""Submissions: what they say, what they leave out, what is refused, and the way to the Hub and back."""

import json
import math
import re
import subprocess
import sys
from pathlib import Path

import pydantic
import pytest
from packaging.version import Version
from typer.testing import CliRunner

from model_wrappers.cli.app import app
from plural_tasks.report.reading.runs import read_run
from plural_tasks.report.submission.known import TASKS, check_task
from plural_tasks.report.submission.record import SCHEMA_FILE, Submission, read_submission, schema, write_submission
from plural_tasks.report.submission.redact import check_clean, clean, dropped
from plural_tasks.report.submission.submit import make_submission, push_submission
from plural_tasks.utils.arguments import parse_arguments
from plural_tasks.utils.errors import ModPluralError
from plural_tasks.utils.hub import push_json
from plural_tasks.utils.secrets import is_secret_name
from tests.hub_server import HubServer
from tests.plural_tasks.report.report_runs import DATE, MODPLURAL, doc, sample, sha, steerable, task, write_run

TASK = "plural_steerable_vk"  # a task that leaderboards know, whose data are not shipped
KEY = "hf_" + "abcdEFGH1234" * 2
OWN = {"model": "modplural", "modplural": MODPLURAL, "model_args": {"base": "hf", "pretrained": "org/tiny"}}


def run(folder, *, config=OWN, original=None, **figures):
    figures = {"baseline_uniform": [0.5] * 4, **figures}
    made = task(steerable([1.0, 1.0, 1.0, 0.0], **figures), original=original)
    return write_run(folder, {TASK: made}, config=config)


def submission(folder, **others) -> Submission:
    return make_submission(read_run(run(folder, **others)), contact="ann@example.org", notes="A note.")


@pytest.mark.skipif(
    Version(pydantic.VERSION) < Version("2.11"),
    reason="older versions of pydantic write the same schema in other words",
)
def test_the_schema_in_the_repository_is_the_models() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema()


def test_a_submission_says_what_was_measured_how_and_on_what(tmp_path) -> None:
    made = submission(tmp_path)
    assert (made.model.name, made.model.backend, made.model.base) == ("org/tiny", "modplural", "hf")
    assert (made.method.name, made.method.pool_fingerprint) == ("modplural", sha("pool"))
    assert made.method.weights == {"farmers": 0.75, "key": 0.25}  # a community's name is no argument
    assert made.method.fallbacks == {"selection": 2}
    assert made.seeds == {"torch": 1234, "messages": 7}
    assert made.packages["torch"] == "2.13.0+cpu"
    assert (made.packages["lm_eval"], made.packages["python"]) == ("0.4.13", "3.11.2")
    assert (made.date, made.partial, made.limit) == ("2026-11-20T12:00:00Z", False, None)
    (record,) = made.tasks
    assert (record.task, record.mode, record.version) == (TASK, "steerable", "1.0")
    # The standard error is worked out in test_report_compare.
    assert (record.main.metric, record.main.value, record.main.se) == ("accuracy", 0.75, pytest.approx(0.25))
    assert [(row.metric, row.value) for row in record.constants] == [("uniform", 0.5)]
    assert (record.fallback_rate, record.worst_group, record.judge) == (0.25, None, "")
    assert record.samples == sha((tmp_path / f"samples_{TASK}_{DATE}.jsonl").read_text(encoding="utf-8"))
    assert (made.contact, made.notes) == ("ann@example.org", "A note.")


def test_a_plain_model_has_no_method(tmp_path) -> None:
    facts = {"model_revision": "main", "model_sha": "0" * 40, "model_dtype": "torch.float32", "model_num_parameters": 7}
    config = {"model": "hf", "model_args": "pretrained=org/tiny,dtype=float32", **facts}
    made = submission(tmp_path, config=config)
    assert made.method is None
    assert made.model.arguments == {"pretrained": "org/tiny", "dtype": "float32"}
    assert (made.model.revision, made.model.parameters, made.model.dtype) == ("main", 7, "torch.float32")


def test_digests_say_what_can_be_compared(tmp_path) -> None:
    (one,) = submission(tmp_path / "a").tasks
    (same,) = submission(tmp_path / "b", order_spread=[0.5] * 4).tasks
    assert (one.documents, one.scoring) == (same.documents, same.scoring)
    assert one.samples != same.samples
    (judged,) = submission(tmp_path / "c", judge=["j@1"] * 4).tasks
    assert (judged.judge, judged.documents) == ("j@1", one.documents)
    assert judged.scoring != one.scoring


def test_the_worst_group_is_in_the_record(tmp_path) -> None:
    samples = [
        sample(n, doc(f"d{n:02}", f"q{n}", category=("x", "y")[n % 2]), {"accuracy": float(n % 2)}) for n in range(60)
    ]
    made = make_submission(read_run(write_run(tmp_path, {TASK: task(samples)})))
    group = made.tasks[0].worst_group
    assert (group.field, group.group, group.value, group.n) == ("category", "x", 0.0, 30)


def test_what_is_not_known_is_null(tmp_path) -> None:
    made = submission(tmp_path, order_spread=[math.nan] * 4, paper_macro_f1=[["A", "B"]] * 4)
    other = {row.metric: row for row in made.tasks[0].others}
    assert (other["order_spread"].value, other["order_spread"].n, other["order_spread"].low) == (None, 0, None)
    assert "NaN" not in made.to_json()


def test_a_partial_run_is_refused_or_marked(tmp_path) -> None:
    path = run(tmp_path, original=40, config={**OWN, "limit": 4.0})
    with pytest.raises(ModPluralError, match=f"task '{TASK}' was evaluated on 4 of 40 documents.*--allow-partial"):
        make_submission(read_run(path))
    made = make_submission(read_run(path), allow_partial=True)
    assert (made.partial, made.limit, made.tasks[0].n, made.tasks[0].n_task) == (True, 4.0, 4, 40)


def test_the_same_run_gives_the_same_digest(tmp_path) -> None:
    one, other = submission(tmp_path), submission(tmp_path)
    assert one.digest() == other.digest()
    assert one.path() == f"submissions/org__tiny/{one.digest()[:16]}.json"
    assert make_submission(read_run(run(tmp_path)), notes="Another.").digest() != one.digest()


def test_written_and_read_again(tmp_path) -> None:
    made = submission(tmp_path)
    path = tmp_path / Path(made.path()).name
    write_submission(made, path)
    assert read_submission(path) == made
    data = json.loads(path.read_text(encoding="utf-8"))
    data["tasks"][0]["main"]["value"] = 0.99
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(ModPluralError, match="was changed after it was made"):
        read_submission(path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"partial": True}, "partial is True, but"),
        ({"formt": "1"}, "unknown field 'formt'. Did you mean 'format'"),
        ({"format": "2"}, "field 'format'"),
        ({"date": "yesterday"}, "field 'date'"),
        ({"results": "abc"}, "field 'results'"),
        ({"tasks": []}, "field 'tasks'"),
        ({"limit": 0}, "field 'limit'"),
    ],
)
def test_a_record_that_is_not_valid_is_refused(tmp_path, change, told) -> None:
    path = tmp_path / "s.json"
    path.write_text(json.dumps({**json.loads(submission(tmp_path).to_json()), **change}), encoding="utf-8")
    with pytest.raises(ModPluralError) as caught:
        read_submission(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"n": 5}, "5 documents were evaluated of a task that has 4"),
        ({"n": 3, "n_task": 4}, "the main figure is over 4 documents, but 3"),
        ({"fallback_rate": 1.2}, "fallback_rate"),
        ({"main": {"low": 2.0, "high": 1.0}}, "upside down"),
        ({"main": {"low": None}}, "an interval has two ends"),
        ({"main": {"value": "high"}}, "main.value"),
        ({"mode": "overtone"}, "mode"),
    ],
)
def test_a_task_that_is_not_valid_is_refused(tmp_path, change, told) -> None:
    data = json.loads(submission(tmp_path).to_json())
    record = data["tasks"][0]
    for name, value in change.items():
        record[name] = {**record[name], **value} if isinstance(value, dict) else value
    path = tmp_path / "s.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(ModPluralError, match=told):
        read_submission(path)


# Secrets

PLANTED = {
    "pretrained": "/home/ann/models/tiny",
    "base_url": f"https://ann:{KEY}@example.org:8443/v1?api-key={KEY}#top",
    "api_key": KEY,
    "token": KEY,
    "hfToken": KEY,
    "password": "short",
    "headers": {"Authorization": f"Bearer {KEY}"},
    "auth": ["ann", "secret-word"],
    "tokenizer": "org/tok",
    "max_tokens": 5,
    "add_bos_token": True,
    "base_args": {"deep": [{"openai_api_key": KEY, "model": "m"}], "text": KEY},
    "extra": json.dumps({"secret": "hush-hush-hush", "dtype": "auto"}),
    "session_cookie": "c=1",
}


def test_planted_secrets_do_not_get_out(tmp_path) -> None:
    made = submission(
        tmp_path, config={"model": "local-completions", "model_args": PLANTED, "gen_kwargs": {"key": KEY}}
    )
    text = made.to_json()
    for secret in (KEY, "secret-word", "hush-hush-hush", "short", "c=1", "/home/ann", "ann:"):
        assert secret not in text
    assert made.model.name == "tiny"
    assert made.model.arguments == {
        "pretrained": "tiny",
        "base_url": "https://example.org:8443/v1",
        "tokenizer": "org/tok",
        "max_tokens": 5,
        "add_bos_token": True,
        "base_args": {"deep": [{"model": "m"}], "text": "(removed)"},
        "extra": {"dtype": "auto"},
    }
    assert made.model.generation == {}
    assert {"api_key", "token", "hfToken", "password", "headers", "auth", "openai_api_key", "key"} <= {
        *made.model.removed
    }


def test_arguments_given_as_text_are_cleaned_too(tmp_path) -> None:
    text = "pretrained=org/tiny,api_key=a,b,headers={'Authorization': 'x, y'},dtype=auto"
    assert parse_arguments(text) == {
        "pretrained": "org/tiny",
        "api_key": "a,b",
        "headers": "{'Authorization': 'x, y'}",
        "dtype": "auto",
    }
    assert clean(parse_arguments(text)) == {"pretrained": "org/tiny", "dtype": "auto"}
    assert dropped(parse_arguments(text)) == ["api_key", "headers"]
    assert parse_arguments(None) == {}


@pytest.mark.parametrize(
    "name", ["api_key", "OPENAI-API-KEY", "hfToken", "access_token", "db.password", "Authorization"]
)
def test_names_of_secrets(name) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["tokenizer", "max_new_tokens", "author", "monkey", "passage", "pretrained", "keyed"])
def test_names_of_nothing_secret(name) -> None:
    assert not is_secret_name(name)


def test_a_secret_in_the_notes_is_refused_without_repeating_it(tmp_path) -> None:
    with pytest.raises(ModPluralError) as caught:
        make_submission(read_run(run(tmp_path)), notes=f"our token is {KEY}")
    assert "--contact and --notes: holds what looks like a secret" in str(caught.value)
    assert KEY not in str(caught.value)


def test_a_secret_of_the_environment_is_found_wherever_it_stands(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("MY_API_KEY", "correct horse")
    path = run(tmp_path, config={**OWN, "model_args": {"pretrained": "org/correct horse"}})
    with pytest.raises(ModPluralError, match="holds the value of the environment variable MY_API_KEY"):
        make_submission(read_run(path))


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        "sk-proj-abcdefgh12345678",
        "ghp_" + "a1" * 12,
        "AKIA" + "A1" * 8,
        "Authorization: Bearer abc.def-ghi_jkl",
        "password = hunter22",
        '"api_key": "abcdef"',
        "-----BEGIN RSA PRIVATE KEY-----",
        "eyJhbGciOiJIUzI1.eyJzdWIiOiIx",
    ],
)
def test_what_looks_like_a_key(text) -> None:
    with pytest.raises(ModPluralError, match="x: holds what looks like a secret"):
        check_clean(f"before {text} after", where="x")


def test_what_does_not_look_like_a_key(tmp_path) -> None:
    check_clean(submission(tmp_path).to_json(), where="x")
    check_clean("the tokenizer's tokens are a key part; sha256:" + "ab" * 32, where="x")


# To the Hub and back


@pytest.fixture
def hub(tmp_path, monkeypatch):
    with HubServer(organisations=["board"]) as server:
        server.use(monkeypatch, tmp_path)
        yield server


def test_pushed_to_the_hub_and_read_back(tmp_path, hub) -> None:
    from huggingface_hub import hf_hub_download

    hub.create("board/results", files={"README.md": b"# board"})
    made = submission(tmp_path)
    done = push_submission(made, "board/results", push_json)
    assert done.changed
    assert set(hub.repo("board/results").files()) == {".gitattributes", "README.md", made.path()}
    local = hf_hub_download("board/results", made.path(), repo_type="dataset")
    assert read_submission(Path(local)) == made
    assert not push_submission(made, "board/results", push_json).changed
    other = make_submission(read_run(run(tmp_path)), notes="again")
    push_submission(other, "board/results", push_json)
    assert {made.path(), other.path()} < set(hub.repo("board/results").files())


def test_the_push_is_told_repo_path_and_message(tmp_path) -> None:
    seen = []
    made = submission(tmp_path)
    push_submission(made, "a/b", lambda *args, **kwargs: seen.append((args, kwargs)), pull_request=True)
    ((repo, path, data), kwargs) = seen[0]
    assert (repo, path, data["model"]["name"]) == ("a/b", made.path(), "org/tiny")
    assert kwargs == {"message": "Submission of org/tiny, modplural", "pull_request": True}


# The command

runner = CliRunner()


def invoke(*arguments: str):
    return runner.invoke(app, ["submit", *arguments], env={"COLUMNS": "200"}, catch_exceptions=True)


def test_a_dry_run_prints_the_record_and_pushes_nothing(tmp_path, hub) -> None:
    done = invoke(str(run(tmp_path)), "--repo", "board/results", "--dry-run", "--contact", "ann")
    assert done.exit_code == 0, done.output
    assert Submission.model_validate_json(done.stdout).contact == "ann"
    assert hub.requests == []


def test_the_command_pushes_writes_and_checks(tmp_path, hub) -> None:
    path = run(tmp_path)
    target = tmp_path / "record.json"
    done = invoke(str(path), "--repo", "board/results", "--output", str(target))
    assert done.exit_code == 0, done.output
    made = read_submission(target)
    assert f"pushed: {made.path()} in board/results" in done.stdout
    assert made.path() in hub.repo("board/results").files()
    assert "was there already" in invoke(str(path), "--repo", "board/results").stdout
    checked = invoke(str(target), "--check")
    assert (checked.exit_code, made.digest() in checked.stdout) == (0, True)


def test_anybody_may_offer_a_pull_request(tmp_path, hub) -> None:
    hub.create("somebody/results")
    refused = invoke(str(run(tmp_path)), "--repo", "somebody/results")
    assert "the token may not write to 'somebody'" in str(refused.exception)
    done = invoke(str(run(tmp_path)), "--repo", "somebody/results", "--pull-request")
    assert done.exit_code == 0, done.exception
    assert set(hub.repo("somebody/results").files()) == {".gitattributes"}


def test_mistakes_are_one_sentence(tmp_path) -> None:
    path = run(tmp_path / "a")
    assert "say where the record goes" in str(invoke(str(path)).exception)
    run(tmp_path / "b", original=40)
    assert "2 results files" in str(invoke(str(tmp_path), "--dry-run").exception)
    assert "4 of 40 documents" in str(invoke(str(tmp_path / "b"), "--dry-run").exception)
    assert "PARTIAL" in invoke(str(tmp_path / "b"), "--output", str(tmp_path / "p.json"), "--allow-partial").stdout


@pytest.mark.slow
def test_a_real_run_is_compared_and_submitted(tmp_path) -> None:
    """The scripted base and the harness's own dummy model, through the literal commands."""
    root = Path(__file__).resolve().parents[3]

    def modplural(*arguments: str) -> str:
        command = [sys.executable, "-m", "model_wrappers", *arguments]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=600)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    tasks = ("--tasks", "plural_embedded_steerable,plural_embedded_distributional", "--log_samples", "--output_path")
    scripted = "base=scripted,message_engine=scripted,messages=none,method="
    for method in ("vanilla", "modplural"):
        modplural("eval", "--model_args", f"{scripted}{method}", *tasks, str(tmp_path / method))
    modplural("eval", "--model", "dummy", *tasks, str(tmp_path / "dummy"))
    out = tmp_path / "r.json"
    arguments = [f"{name}={tmp_path / name}" for name in ("dummy", "vanilla", "modplural")]
    modplural("compare", *arguments, "--baseline", "vanilla", "--output", str(out))
    found = json.loads(out.read_text(encoding="utf-8"))
    assert [run["label"] for run in found["runs"]] == ["dummy", "vanilla", "modplural"]
    for made in found["tasks"]:
        (reported,) = [
            json.loads(path.read_text(encoding="utf-8"))["results"][made["name"]]
            for path in (tmp_path / "modplural").rglob("results_*.json")
        ]
        (main,) = [
            figure
            for figure in made["figures"]
            if (figure["row"], figure["metric"], figure["constant"]) == ("modplural", made["main"], False)
        ]
        assert main["value"] == pytest.approx(reported[f"{made['main']},none"], abs=1e-12)
        assert main["se"] == pytest.approx(reported[f"{made['main']}_stderr,none"], abs=1e-12)
        assert main["baseline"]["other"] == "vanilla"
        assert made["complete"]
    modplural("submit", str(tmp_path / "modplural"), "--output", str(tmp_path / "s.json"))
    record = read_submission(tmp_path / "s.json")
    assert [made.task for made in record.tasks] == [made["name"] for made in found["tasks"]]
    modplural("submit", str(tmp_path / "s.json"), "--check")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": 0.99, "low": 0.2, "high": 0.9}, r"accuracy is 0\.99, outside of its interval 0\.2\.\.0\.9"),
        ({"value": 1.7, "low": None, "high": None}, r"accuracy is 1\.7, but it lies between 0 and 1"),
        ({"value": "0.5"}, r"main\.value.*number"),
        ({"metric": "option_mass"}, r"the main figure of mode 'steerable' is 'accuracy', found 'option_mass'"),
    ],
)
def test_a_figure_that_cannot_be_is_refused(tmp_path, change, message) -> None:
    record = json.loads(submission(tmp_path / "run").to_json())
    path = tmp_path / "record.json"
    path.write_text(json.dumps(record), encoding="utf-8")
    read_submission(path)
    record["tasks"][0]["main"] |= change
    path.write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(ModPluralError, match=message):
        read_submission(path)


def check_changed(tmp_path, change) -> None:
    """Check a valid record once ``change`` was made to its data."""
    record = json.loads(submission(tmp_path / "run").to_json())
    change(record)
    path = tmp_path / "record.json"
    path.write_text(json.dumps(record), encoding="utf-8")
    read_submission(path)


@pytest.mark.parametrize(
    ("place", "entry", "told"),
    [
        (("model", "arguments"), {"api_key": "mine"}, r"model\.arguments holds 'api_key', which may be a secret"),
        (("model", "arguments"), {"base_args": [{"token": 5}]}, r"model\.arguments\.base_args\.0 holds 'token'"),
        (("model", "generation"), {"Authorization": "x"}, r"model\.generation holds 'Authorization'"),
        (("packages",), {"password": "x"}, r"packages holds 'password'"),
        (("method", "message_decoding"), {"headers": {"a": 1}}, r"message_decoding holds 'headers'"),
        ((), {"secret": "x"}, r"the record holds 'secret'"),
        ((), {"notes": KEY}, "what looks like a secret"),
    ],
)
def test_a_record_with_a_key_is_refused(tmp_path, place, entry, told) -> None:
    def change(record):
        for name in place:
            record = record[name]
        record.update(entry)

    with pytest.raises(ModPluralError, match=told):
        check_changed(tmp_path, change)


def test_a_key_behind_escapes_is_found(tmp_path) -> None:
    text = submission(tmp_path / "run").to_json().replace('"A note."', '"' + KEY.replace("_", "\\u005f") + '"')
    path = tmp_path / "record.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ModPluralError, match="what looks like a secret"):
        read_submission(path)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"task": "plural_steerable_vx"}, "unknown task 'plural_steerable_vx'. Did you mean 'plural_steerable_vk'"),
        ({"task": "mmlu"}, "unknown task 'mmlu'"),
        ({"mode": ""}, f"task '{TASK}' is of mode 'steerable', found ''"),
        ({"task": "plural_vital_overton"}, "task 'plural_vital_overton' is of mode 'overton', found 'steerable'"),
        (
            {"task": "plural_embedded_steerable"},
            r"task 'plural_embedded_steerable' has \d+ test items, but n_task is 4",
        ),
        ({"task": "plural_surveys_steerable"}, r"task 'plural_surveys_steerable' has \d+ test items, but n_task is 4"),
        ({"n_task": 5}, "partial is False, but"),
        ({"n": "4"}, "tasks.0.n"),
        ({"fallback_rate": "0.5"}, "fallback_rate"),
        ({"worst_group": {"field": "a", "group": "b", "value": 1.5, "n": 2}}, r"worst_group\.value is 1\.5"),
    ],
)
def test_a_task_that_leaderboards_do_not_know_is_refused(tmp_path, changed, told) -> None:
    with pytest.raises(ModPluralError, match=told):
        check_changed(tmp_path, lambda record: record["tasks"][0].update(changed))


def test_a_constant_answer_has_the_range_of_the_main_figure(tmp_path) -> None:
    with pytest.raises(ModPluralError, match=r"constant 'uniform' is 1\.5"):
        check_changed(
            tmp_path, lambda record: record["tasks"][0]["constants"][0].update(value=1.5, low=None, high=None)
        )


def test_a_task_of_the_harness_states_no_mode() -> None:
    check_task("mmlu", "", 7, where="x")


def test_the_known_tasks_are_those_of_the_task_files() -> None:
    root = Path(__file__).resolve().parents[3] / "task_configs"
    found = {}
    for path in root.rglob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        name, source = re.search(r"^task: (\w+)", text, re.M), re.search(r"plural_source: (\w+)", text)
        if name and source:
            found[name[1]] = source[1]
    assert found == TASKS
