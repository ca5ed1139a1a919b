"""Run `modplural eval` as a user does, against a server on the loopback, and read what comes out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CHAT = "local-chat-completions"


@dataclass(frozen=True)
class Ran:
    """One run of the command.

    Attributes:
        code: Exit status.
        seconds: It took.
        output: What it wrote on stderr.
        folder: With results.
    """

    code: int
    seconds: float
    output: str
    folder: Path

    @property
    def results(self) -> dict[str, Any]:
        """The newest results file."""
        return read_results(self.folder)

    @property
    def last_line(self) -> str:
        """The last line of what it wrote."""
        lines = self.output.strip().splitlines()
        return lines[-1] if lines else ""


def model_args(folder: Path, address: str, model: str, /, **settings: object) -> str:
    """``--model_args`` for a chat API at an address, with stores of the folder's own."""
    given = {
        "base": CHAT,
        "base_url": f"{address}/v1/chat/completions",
        "model": model,
        "num_concurrent": 4,
        "messages": folder / "messages.sqlite",
        "answers": folder / "answers.sqlite",
        "trace": folder / "trace.jsonl",
        **settings,
    }
    return ",".join(f"{name}={value}" for name, value in given.items() if value is not None)


def command(folder: Path, args: str, tasks: str, limit: int, *more: str) -> list[str]:
    """The whole command."""
    return [
        *(sys.executable, "-m", "model_wrappers", "eval", "--model_args", args, "--tasks", tasks),
        *("--limit", str(limit), "--apply_chat_template", "--device", "cpu"),
        *("--output_path", str(folder / "out"), "--log_samples", *more),
    ]


def run(folder: Path, args: str, tasks: str, limit: int, *more: str) -> Ran:
    """Run it to its end."""
    folder.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    done = subprocess.run(
        command(folder, args, tasks, limit, *more),
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    (folder / "log.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    return Ran(done.returncode, time.monotonic() - started, done.stderr, folder / "out")


def environment() -> dict[str, str]:
    """Of the command: no key, and this checkout's code."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    return {**kept, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}


def read_results(folder: Path) -> dict[str, Any]:
    """The newest results file below a folder."""
    found = sorted(folder.rglob("results_*.json"), key=lambda path: path.stat().st_mtime)
    return json.loads(found[-1].read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def samples(folder: Path) -> list[Any]:
    """What was answered to every document, by task and document."""
    lines = [
        (path.name.rsplit("_20", 1)[0], json.loads(line))
        for path in sorted(folder.rglob("samples_*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    return sorted([task, line["doc_id"], line["filtered_resps"]] for task, line in lines)


def api(results: Mapping[str, Any]) -> dict[str, Any]:
    """What a run says of the models behind APIs."""
    return results["config"]["modplural"]["api"]  # type: ignore[no-any-return]


def figures(results: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Figures by task, without standard errors."""
    return {
        task: {name.split(",")[0]: value for name, value in found.items() if isinstance(value, float)}
        for task, found in results["results"].items()
    }


def write_pool(folder: Path, address: str, model: str, backends: Sequence[str] = ("server", CHAT)) -> Path:
    """A pool of three who all speak through the server: two endpoints, and a persona (with ``message_server``)."""
    folder.mkdir(parents=True, exist_ok=True)
    places = {"server": f"{address}/v1", CHAT: f"{address}/v1/chat/completions"}
    lines = ["name: served", "backbone: embedded_reader", "decoding: {max_new_tokens: 24}", "communities:"]
    for name, backend in zip(("coast", "hills"), backends, strict=True):
        args = f"{{model: {model}, base_url: '{places[backend]}'}}"
        lines.append(
            f"  - {{name: {name}, description: people of the {name}, endpoint: {{backend: {backend}, args: {args}}}}}"
        )
    lines.append(
        "  - {name: town, description: people of the town, persona: You live in a town and speak for its people.}"
    )
    path = folder / "pool.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
