"""`lm_eval` in two processes gives the figures of one, and asks every community once. Opt in with -m slow."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from community_lms.messages.store import MessageStore
from tests.community_lms.tiny_models import save_adapter, save_model

TASKS = "plural_embedded_steerable,plural_embedded_distributional"
ENVIRONMENT = {
    **os.environ,
    **{"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "ACCELERATE_USE_CPU": "true", "HF_HUB_OFFLINE": "1"},
    "LMEVAL_LOG_LEVEL": "ERROR",
}


def evaluate(folder: Path, starter: list[str], settings: str) -> dict[str, Any]:
    command = [
        *(sys.executable, *starter, "-m", "lm_eval", "run", "--model", "modplural", "--tasks", TASKS, "--limit", "5"),
        *("--model_args", f"{settings},messages={folder / 'm.sqlite'}", "--output_path", str(folder / "r.json")),
        *("--log_samples", "--device", "cpu", "--batch_size", "2"),
    ]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr[-4000:]
    (path,) = folder.glob("r_*.json")
    return json.loads(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def answers(folder: Path) -> dict[tuple[str, int], Any]:
    """For each task and document what was answered."""
    return {
        (path.name.split("_2")[0], line["doc_id"]): line["filtered_resps"]
        for path in folder.glob("samples_*.jsonl")
        for line in map(json.loads, path.read_text(encoding="utf-8").splitlines())
    }


@pytest.mark.slow
def test_two_processes_give_the_figures_of_one_and_ask_once(tmp_path: Path) -> None:
    backbone = save_model(tmp_path / "backbone", seed=1)
    adapter = save_adapter(tmp_path / "adapter", backbone, seed=2, init_lora_weights=False)
    pool = tmp_path / "pool.yaml"
    lines = [f"backbone: {backbone}", "name: pair", "decoding: {max_new_tokens: 8}", "communities:"]
    lines += [f"  - {{name: ours, description: people of ours, adapter: {adapter}}}"]
    lines += ["  - {name: theirs, description: people of theirs, persona: You are theirs.}"]
    pool.write_text("\n".join(lines), encoding="utf-8")
    settings = f"pretrained={backbone},pool={pool},message_dtype=float32"

    two = ["-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", "29517"]
    runs = {}
    for name, starter in (("one", []), ("two", two)):
        (tmp_path / name).mkdir()
        runs[name] = evaluate(tmp_path / name, starter, settings)
    assert runs["one"]["results"] == runs["two"]["results"]
    assert answers(tmp_path / "one") == answers(tmp_path / "two")
    stored = len(MessageStore(tmp_path / "one" / "m.sqlite"))
    assert stored == len(MessageStore(tmp_path / "two" / "m.sqlite"))
    for run in runs.values():
        counts = run["config"]["modplural"]["message_counts"]
        assert (counts["requested"], counts["found"], counts["generated"]) == (stored, 0, stored)
