"""The main job in one go: the embedded questions, four methods, one table (``make demo``).

Every method is one run of the literal command ``lm_eval --model modplural …`` (as a module of this interpreter); the
community messages that the first of them asks for are found in the store by the others.
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

from rich.console import Console
from rich.table import Table

from plural_tasks.errors import ModPluralError, one_line

# Threads that sleep while they wait: on a machine that other work shares, spinning ones cost many times their use.
_QUIET = {"LMEVAL_LOG_LEVEL": "ERROR", "OMP_WAIT_POLICY": "PASSIVE"}
METHODS = ("vanilla", "prompting", "moe", "modplural")
SHOWN = {
    "plural_embedded_overton": (("lexical_coverage", "coverage ↑"), ("n_sentences", "sentences")),
    "plural_embedded_steerable": (("accuracy", "accuracy ↑"),),
    "plural_embedded_distributional": (("js_distance", "JS distance ↓"),),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run all methods and print the table."""
    options = _options(arguments)
    out = Path(options.out)
    try:
        results = {method: _run(method, options, out / method) for method in METHODS}
    except ModPluralError as error:
        print(f"modplural: error: {one_line(error)}", file=sys.stderr)
        raise SystemExit(1) from None
    Console(width=120).print(comparison(results, options.limit))
    print(f"Results, samples and traces: {out}")
    print(f"Read one trace: modplural trace show {out / 'modplural' / 'trace.jsonl'} --task plural_embedded_steerable")


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
        *(
            "--tasks",
            "plural_embedded",
            "--limit",
            str(options.limit),
            "--batch_size",
            str(options.batch_size),
        ),
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
    return {**json.loads(written[-1].read_text(encoding="utf-8")), "seconds": time.monotonic() - start}


def comparison(results: dict[str, dict[str, Any]], limit: int) -> Table:
    """Methods by tasks; each figure with its standard error, as the harness computed them."""
    table = Table(title=f"SmolLM2-135M-Instruct, embedded questions, {limit} documents of each task", show_lines=True)
    table.add_column("method")
    for task, metrics in SHOWN.items():
        mode = task.removeprefix("plural_embedded_")
        for _, label in metrics:
            table.add_column(f"{mode}\n{label}", justify="right")
    table.add_column("fallbacks", justify="right")
    table.add_column("messages\nasked", justify="right")
    table.add_column("seconds", justify="right")
    for method, result in results.items():
        table.add_row(method, *_cells(result), *_accounting(result))
    return table


def _cells(result: dict[str, Any]) -> list[str]:
    return [_figure(result["results"][task], metric) for task, metrics in SHOWN.items() for metric, _ in metrics]


def _figure(figures: dict[str, Any], metric: str) -> str:
    error = figures.get(f"{metric}_stderr,none")
    spread = f" ± {error:.3f}" if isinstance(error, float) else ""
    return f"{figures[f'{metric},none']:.3f}{spread}"


def _accounting(result: dict[str, Any]) -> list[str]:
    described = result["config"]["modplural"]
    wrapped = sum(described["fallbacks"].values())
    unread = sum(
        round(result["results"][task]["fallback_rate,none"] * result["n-samples"][task]["effective"]) for task in SHOWN
    )
    return [str(wrapped + unread), str(described["message_counts"]["generated"]), f"{result['seconds']:.0f}"]


if __name__ == "__main__":
    main()
