"""Every mistake a user can make gets one clear line, and nothing is half-written."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from pathlib import Path

import pytest

from model_wrappers.cli import main
from plural_tasks.utils.errors import ModPluralError
from tests.model_wrappers.helpers import POOL


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global ModPluralLM
    from model_wrappers.lm import ModPluralLM


GOOD_ITEM = {
    "question": "Question: Tea?\nOptions: A. Yes B. No\nAnswer:",
    "options": ["Yes", "No"],
    "attribute": "Spain",
    "gold_distribution": [0.5, 0.5],
    "pred_distribution": None,
    "id": 1,
}


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def prompts(**changes: str | None) -> str:
    import yaml

    from model_wrappers.collaboration.prompts import FOLDER

    data = yaml.safe_load((FOLDER / "default.yaml").read_text(encoding="utf-8"))
    data.update({name: text for name, text in changes.items() if text is not None})
    for name, text in changes.items():
        if text is None:
            del data[name]
    return yaml.safe_dump(data)


def make(tmp_path: Path, **arguments: object) -> None:
    ModPluralLM.create_from_arg_obj({"base": "scripted", "message_engine": "scripted", "messages": "none", **arguments})


MODEL_ARGUMENTS = {
    "unknown pool": (lambda p: {"pool": "perspektive"}, r"unknown pool 'perspektive'\. Did you mean 'perspective'"),
    "pool file that is not there": (lambda p: {"pool": str(p / "no.yaml")}, r"no\.yaml: cannot be read"),
    "malformed YAML": (lambda p: {"pool": write(p / "x.yaml", "name: [a\n")}, r"x\.yaml:2:1: malformed YAML"),
    "pool that is a list": (lambda p: {"pool": write(p / "x.yaml", "- a\n")}, r"found list, expected a mapping"),
    "empty pool": (lambda p: {"pool": write(p / "x.yaml", "name: x\ncommunities: []\n")}, r"the pool is empty"),
    "pool without communities": (lambda p: {"pool": write(p / "x.yaml", "name: x\n")}, r"field 'communities'"),
    "adapter without a backbone": (
        lambda p: {"pool": write(p / "x.yaml", "name: x\ncommunities:\n  - {name: a, description: d, adapter: o/a}\n")},
        r"community 'a' has the adapter but no backbone",
    ),
    "member of two kinds": (
        lambda p: {
            "pool": write(
                p / "x.yaml",
                "name: x\nbackbone: b/b\ncommunities:\n  - {name: a, description: d, adapter: o/a, persona: hi}\n",
            )
        },
        r"needs exactly one of .*found adapter and persona",
    ),
    "misspelt pool field": (
        lambda p: {"pool": write(p / "x.yaml", POOL.replace("persona:", "persna:"))},
        r"community 'left'.*unknown field 'persna'\. Did you mean 'persona'",
    ),
    "community twice": (
        lambda p: {"pool": write(p / "x.yaml", POOL.replace("name: right", "name: left"))},
        r"'left' is listed twice",
    ),
    "negative prior": (
        lambda p: {
            "pool": write(
                p / "x.yaml", POOL.replace("bank., ", "bank., ").replace("persona:", "prior_weight: -1, persona:")
            )
        },
        r"field 'prior_weight'.*greater than 0, found -1",
    ),
    "local adapter that is not there": (
        lambda p: {
            "pool": write(
                p / "x.yaml", "name: x\nbackbone: b/b\ncommunities:\n  - {name: a, description: d, adapter: ./gone}\n"
            )
        },
        r"adapter './gone' does not exist",
    ),
    "unknown community": (lambda p: {"communities": "liberal+secularr"}, r"unknown community 'secularr'.*'secular'"),
    "no community left": (lambda p: {"communities": "+"}, r"communities: the list is empty"),
    "weights of another number": (lambda p: {"weights": "1+2"}, r"weights: found 2, expected 11"),
    "negative weight": (lambda p: {"weights": "liberal:-1"}, r"weights: liberal has -1, expected a positive number"),
    "weight that is no number": (lambda p: {"weights": "liberal:much"}, r"weights: liberal has 'much'"),
    "weight of a stranger": (lambda p: {"weights": "secularr:2"}, r"unknown community 'secularr'.*'secular'"),
    "unknown mode": (lambda p: {"mode": "overtone"}, r"unknown mode 'overtone'\. Did you mean 'overton'"),
    "unknown method": (lambda p: {"method": "vanila"}, r"unknown method 'vanila'\. Did you mean 'vanilla'"),
    "unknown engine": (lambda p: {"message_engine": "pefft"}, r"unknown message engine 'pefft'.*'peft'"),
    "unknown prompt set": (lambda p: {"prompts": "defalt"}, r"unknown prompt set 'defalt'.*'default'"),
    "unknown prompt slot": (
        lambda p: {"prompts": write(p / "p.yaml", prompts(answer="{{ context }} {{ mesage }}"))},
        r"template 'answer'.*unknown slot 'mesage'\. Did you mean 'message'",
    ),
    "prompt without a needed slot": (
        lambda p: {"prompts": write(p / "p.yaml", prompts(synthesise="{{ context }}"))},
        r"template 'synthesise': lacks the slot \{\{ messages \}\}",
    ),
    "prompt set without a template": (
        lambda p: {"prompts": write(p / "p.yaml", prompts(route=None))},
        r"field 'route' is missing",
    ),
    "prompt that is no template": (
        lambda p: {"prompts": write(p / "p.yaml", prompts(expert="{{ context }} {{ message "))},
        r"template 'expert', line 1",
    ),
    "gold as a prompt slot": (
        lambda p: {"prompts": write(p / "p.yaml", prompts(answer="{{ context }} {{ message }} {{ gold }}"))},
        r"unknown slot 'gold'",
    ),
    "misspelt own argument": (lambda p: {"comunities": "liberty"}, r"unknown argument 'comunities'.*'communities'"),
    "argument that nobody knows": (lambda p: {"zzz": 1}, r"unknown argument 'zzz'.*Neither modplural nor the base"),
    "unknown base": (lambda p: {"base": "hff"}, r"unknown base LLM backend 'hff'\. Did you mean 'hf'"),
    "itself as base": (lambda p: {"base": "modplural"}, r"cannot be its own base"),
    "zero messages": (lambda p: {"messages_per_community": 0}, r"'messages_per_community'.*greater than or equal to 1"),
    "temperature of the wrong kind": (lambda p: {"message_temperature": "hot"}, r"'message_temperature'.*found 'hot'"),
    "top-p above one": (
        lambda p: {"message_top_p": 1.5},
        r"field 'message_top_p'.*less than or equal to 1, found 1\.5",
    ),
    "store that is a folder": (lambda p: {"messages": str(p)}, r"is a folder, expected the file of a message store"),
    "store that is no database": (
        lambda p: {"messages": write(p / "s.sqlite", "hello" * 400)},
        r"s\.sqlite: cannot be used as a message store",
    ),
    "trace that cannot be written": (lambda p: {"trace": str(p)}, r"trace: .* cannot be written"),
}


@pytest.mark.parametrize("name", MODEL_ARGUMENTS)
def test_model_arguments(tmp_path, name) -> None:
    arguments, message = MODEL_ARGUMENTS[name]
    given = arguments(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(ModPluralError, match=message):
        make(tmp_path, **given)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_store_of_another_version(tmp_path) -> None:
    from community_lms.messages.store import MessageStore

    path = tmp_path / "s.sqlite"
    store = MessageStore(path)
    store.put([])
    store.close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 7")
    database.close()
    with pytest.raises(ModPluralError, match="has store version 7, this modplural reads version 1"):
        make(tmp_path, messages=str(path))


def test_store_of_another_program(tmp_path) -> None:
    path = tmp_path / "s.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE shopping (item TEXT)")
    database.close()
    before = path.read_bytes()
    with pytest.raises(ModPluralError, match="SQLite file of another program"):
        make(tmp_path, messages=str(path))
    assert path.read_bytes() == before


DATA = {
    "gold that does not sum to one": ({"gold_distribution": [0.5, 0.4]}, r"record 1 \(id 1\).*sums to 0\.9"),
    "gold of another length": ({"gold_distribution": [1.0]}, r"1 shares for 2 options"),
    "negative gold": ({"gold_distribution": [-0.5, 1.5]}, r"field 'gold_distribution\.\d'"),
    "question laid out differently": ({"question": "Tea?"}, r"not laid out as the task files are, found 'Tea\?'"),
    "no options": ({"options": []}, r"field 'options'"),
}


def run(monkeypatch, capsys, *arguments: str) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["modplural", *arguments])
    with pytest.raises(SystemExit) as exit_:
        main()
    return int(exit_.value.code or 0), capsys.readouterr().err


@pytest.mark.parametrize("name", DATA)
def test_task_files(tmp_path, monkeypatch, capsys, name) -> None:
    changes, message = DATA[name]
    path = write(tmp_path / "tasks.json", json.dumps([{**GOOD_ITEM, **changes}]))
    store = tmp_path / "s.sqlite"
    arguments = ("--tasks", "plural_distributional_globalopinionqa", "--data", path, "--messages", str(store))
    code, shown = run(monkeypatch, capsys, "messages", "generate", *arguments, "--engine", "scripted")
    assert code == 1
    (line,) = [line for line in shown.splitlines() if line.startswith("modplural: error: ")]
    assert re.search(message, line), line
    assert "Traceback" not in shown
    assert not store.exists()


def store_at(folder: Path) -> str:
    from community_lms.messages.store import MessageStore

    store = MessageStore(folder / "there.sqlite")
    store.put([])
    store.close()
    return str(folder / "there.sqlite")


SCRIPTED = ("--engine", "scripted")
PUBLISHED = ("--format", "published", "--task", "plural_embedded_overton", *SCRIPTED)
COMMANDS = {
    "task file with a missing field": (
        lambda p: (
            *("messages", "generate", "--tasks", "plural_overton_vk", *SCRIPTED, "--messages", str(p / "s")),
            *("--data", write(p / "t.json", json.dumps([{"situation": "tea", "id": 3}]))),
        ),
        r"record 1 \(id 3\): field 'vrd' is missing",
    ),
    "messages that are not kept": (
        lambda p: ("messages", "generate", "--tasks", "plural_embedded", "--messages", "none"),
        r"keeps nothing; name a file",
    ),
    "filters on a whole export": (
        lambda p: ("messages", "export", str(p / "o.jsonl"), "--messages", store_at(p), "--pool", "embedded"),
        r"a JSONL export is the whole store",
    ),
    "published export without a task": (
        lambda p: ("messages", "export", str(p / "o"), "--messages", store_at(p), "--format", "published"),
        r"--format published needs --tasks: give at least one task",
    ),
    "published export of what was never asked": (
        lambda p: (
            *("messages", "export", str(p / "o"), "--messages", store_at(p), "--format", "published"),
            *("--tasks", "plural_embedded_overton", "--limit", "1", *SCRIPTED),
        ),
        r"holds none of these messages\. Were they made with another --engine",
    ),
    "unknown setting": (
        lambda p: ("messages", "generate", "--tasks", "plural", "--model_args", "message_tmperature=1"),
        r"unknown field 'message_tmperature'\. Did you mean 'message_temperature'",
    ),
    "run that is not in the trace": (
        lambda p: ("trace", "show", write(p / "t.jsonl", '{"task": "t", "id": "1", "run_id": "r"}\n'), "--run", "q"),
        r"unknown run 'q'\. Valid: r",
    ),
    "no tasks": (lambda p: ("messages", "generate", "--tasks", ","), r"give at least one task"),
    "store that is not there": (lambda p: ("messages", "verify", "--messages", str(p / "s")), r"no such message store"),
    "import of a broken line": (
        lambda p: ("messages", "import", write(p / "m.jsonl", "{}\n"), "--messages", str(p / "s")),
        r"m\.jsonl:1: field 'key' is missing",
    ),
    "import of a file that is not there": (
        lambda p: ("messages", "import", str(p / "m.jsonl"), "--messages", str(p / "s")),
        r"m\.jsonl: cannot be read",
    ),
    "published file of another task": (
        lambda p: (
            *("messages", "import", write(p / "x_liberal.json", '{"1": "hi"}')),
            *("--messages", str(p / "s"), *PUBLISHED),
        ),
        r"none of its 1 ids is an item of the task",
    ),
    "published file of a stranger": (
        lambda p: (
            *("messages", "import", write(p / "x.json", '{"ov-01": "hi"}')),
            *("--messages", str(p / "s"), *PUBLISHED),
        ),
        r"its name ends with none of the communities",
    ),
    "trace that is not there": (lambda p: ("trace", "show", str(p / "t.jsonl")), r"t\.jsonl: cannot be read"),
    "trace line that is no JSON": (
        lambda p: ("trace", "show", write(p / "t.jsonl", "oops\n")),
        r"t\.jsonl:1: is not a JSON line",
    ),
    "document that is not in the trace": (
        lambda p: ("trace", "show", write(p / "t.jsonl", '{"task": "t", "id": "1", "run_id": "r"}\n'), "--id", "2"),
        r"unknown document '2'\. Valid: 1",
    ),
    "pool to show": (lambda p: ("pool", "show", "perspectiv"), r"Did you mean 'perspective'"),
    "prompt set to show": (lambda p: ("prompts", "show", "x"), r"unknown prompt set 'x'"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_commands(tmp_path, monkeypatch, capsys, name) -> None:
    arguments, message = COMMANDS[name]
    code, shown = run(monkeypatch, capsys, *arguments(tmp_path))
    lines = [line for line in shown.splitlines() if line.startswith("modplural: error: ")]
    assert code == 1
    assert len(lines) == 1
    assert re.search(message, lines[0]), lines[0]
    assert "Traceback" not in shown
    assert not any((tmp_path / name).exists() for name in ("s", "o", "o.jsonl"))
