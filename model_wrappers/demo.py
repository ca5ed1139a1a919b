"""The main job in one go: three modes, four methods, one comparison (``make demo``).

Situations of the project's own, and the answers of real groups and countries (``plural_surveys``), with the embedded
model. Every method is one run of the literal command ``lm_eval --model modplural …`` (as a module of this interpreter);
the community messages that the first of them asks for are found in the store by the others.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from plural_tasks.errors import ModPluralError, one_line
from plural_tasks.report.compare import compare
from plural_tasks.report.render import print_comparison
from plural_tasks.report.runs import read_runs

# Threads that sleep while they wait: on a machine that other work shares, spinning ones cost many times their use.
_QUIET = {"LMEVAL_LOG_LEVEL": "ERROR", "OMP_WAIT_POLICY": "PASSIVE"}
METHODS = ("vanilla", "prompting", "moe", "modplural")
TASKS = ("plural_embedded_overton", "plural_surveys_steerable", "plural_surveys_distributional")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run all methods and print the table."""
    options = _options(arguments)
    out = Path(options.out)
    console = Console(width=None if sys.stdout.isatty() else 150)
    try:
        results = {method: _run(method, options, out / method) for method in METHODS}
        runs = read_runs([f"{method}={result['path']}" for method, result in results.items()])
        print_comparison(compare(runs, baseline="vanilla"), console)
    except ModPluralError as error:
        print(f"modplural: error: {one_line(error)}", file=sys.stderr)
        raise SystemExit(1) from None
    console.print(costs(results))
    places = " ".join(f"{method}={result['path']}" for method, result in results.items())
    print(f"\nThe comparison again: modplural compare {places}")
    print(f"Who said what: modplural trace show {out / 'modplural' / 'trace.jsonl'} --task plural_surveys_steerable")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m model_wrappers.demo", description=__doc__)
    parser.add_argument("--limit", type=int, default=8, help="documents of each task (default: %(default)s)")
    parser.add_argument("--out", default="results/demo", help="folder for results (default: %(default)s)")
    parser.add_argument("--messages", default=None, help="message store (default: in the folder for results)")
    parser.add_argument("--tokens", type=int, default=40, help="longest message (default: %(default)s)")
    parser.add_argument("--batch-size", type=int, default=16, help="for base LLM and messages (default: %(default)s)")
    return parser.parse_args(arguments)


def _run(method: str, options: argparse.Namespace, out: Path) -> dict[str, Any]:
    out.mkdir(parents=True, exist_ok=True)
    store = options.messages or str(out.parent / "messages.sqlite")
    settings = {
        "method": method,
        "messages": store,
        "message_max_new_tokens": options.tokens,
        "message_batch_size": options.batch_size,
        "trace": str(out / "trace.jsonl"),
    }
    command = [
        *(sys.executable, "-m", "lm_eval", "run", "--model", "modplural"),
        *("--model_args", ",".join(f"{name}={value}" for name, value in settings.items())),
        *("--tasks", ",".join(TASKS), "--limit", str(options.limit), "--batch_size", str(options.batch_size)),
        *("--gen_kwargs", "max_gen_toks=100", "--apply_chat_template"),
        *("--output_path", str(out / "results.json"), "--log_samples"),
    ]
    print(f"\n== {method}: {' '.join(command[1:])}", flush=True)
    start = time.monotonic()
    before = set(out.glob("results_*.json"))
    finished = subprocess.run(command, env={**_QUIET, **os.environ}, check=False)
    if finished.returncode != 0:
        raise ModPluralError(f"the run of method {method!r} failed (exit code {finished.returncode}); see above.")
    written = sorted(set(out.glob("results_*.json")) - before)
    if not written:
        raise ModPluralError(f"the run of method {method!r} wrote no results to {out}.")
    described = json.loads(written[-1].read_text(encoding="utf-8"))["config"]["modplural"]
    return {"path": written[-1], "seconds": time.monotonic() - start, **described}


def costs(results: dict[str, dict[str, Any]]) -> Table:
    """What each method asked for, and how long it took."""
    table = Table(title="Costs", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("method")
    for name in ("fallbacks of its own steps", "messages asked", "seconds"):
        table.add_column(name, justify="right")
    for method, result in results.items():
        asked = result["message_counts"]["generated"]
        table.add_row(method, str(sum(result["fallbacks"].values())), str(asked), f"{result['seconds']:.0f}")
    return table


if __name__ == "__main__":
    main()
