"""The main job in one go: three modes, four methods, one comparison (``make demo``).

Situations of the project's own, and the answers of real groups and countries (``plural_surveys``), with the embedded
model: the command ``modplural eval --methods …`` (as a module of this interpreter), and what each method cost.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from model_wrappers.collaboration.methods import METHODS
from model_wrappers.runs.grid import DONE

# Threads that sleep while they wait: on a machine that other work shares, spinning ones cost many times their use.
_QUIET = {"LMEVAL_LOG_LEVEL": "ERROR", "OMP_WAIT_POLICY": "PASSIVE"}
TASKS = ("plural_embedded_overton", "plural_surveys_steerable", "plural_surveys_distributional")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run all methods and print the tables."""
    options = _options(arguments)
    out = Path(options.out)
    command = _command(options, out)
    print(f"$ {' '.join(['modplural', *command[3:]])}", flush=True)
    status = _run(command)
    if status != 0:
        raise SystemExit(status if status > 0 else 1)
    Console(width=None if sys.stdout.isatty() else 150).print(costs(read_costs(out)))
    print(f"Who said what: modplural trace show {out / 'modplural' / 'trace.jsonl'} --task plural_surveys_steerable")


def _run(command: Sequence[str]) -> int:
    """Run the command; an interruption reaches it too, and it ends in good order."""
    process = subprocess.Popen(command, env={**_QUIET, **os.environ})
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m examples.demo", description=__doc__)
    parser.add_argument("--limit", type=int, default=8, help="documents of each task (default: %(default)s)")
    parser.add_argument("--out", default="results/demo", help="folder for results (default: %(default)s)")
    parser.add_argument("--messages", default=None, help="message store (default: in the folder for results)")
    parser.add_argument("--tokens", type=int, default=40, help="longest message (default: %(default)s)")
    parser.add_argument("--batch-size", type=int, default=16, help="of the base LLM (default: %(default)s)")
    return parser.parse_args(arguments)


def _command(options: argparse.Namespace, out: Path) -> list[str]:
    settings = {
        "messages": options.messages or str(out / "messages.sqlite"),
        "message_max_new_tokens": options.tokens,
        "trace": "trace.jsonl",
    }
    return [
        *(sys.executable, "-m", "model_wrappers", "eval", "--methods", ",".join(METHODS)),
        *("--model_args", ",".join(f"{name}={value}" for name, value in settings.items())),
        *("--tasks", ",".join(TASKS), "--limit", str(options.limit), "--batch_size", str(options.batch_size)),
        *("--gen_kwargs", "max_gen_toks=100", "--apply_chat_template", "--output_path", str(out)),
    ]


def read_costs(out: Path) -> dict[str, dict[str, Any]]:
    """Method -> facts of its run in its results file, with its seconds."""
    costs = {}
    for method in METHODS:
        done = json.loads((out / method / DONE).read_text(encoding="utf-8"))
        results = json.loads((out / method / done["results"]).read_text(encoding="utf-8"))
        seconds = float(results["total_evaluation_time_seconds"])
        costs[method] = {"seconds": seconds, **results["config"]["modplural"]}
    return costs


def costs(results: dict[str, dict[str, Any]]) -> Table:
    """Table of each method's fallbacks, the messages that it read, and its seconds once communities had been asked."""
    table = Table(title="Costs", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("method")
    for name in ("fallbacks of its own steps", "messages read", "seconds"):
        table.add_column(name, justify="right")
    for method, result in results.items():
        read = result["message_counts"]["requested"]
        table.add_row(method, str(sum(result["fallbacks"].values())), str(read), f"{result['seconds']:.0f}")
    return table


if __name__ == "__main__":
    main()
