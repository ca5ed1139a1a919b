"""Modular pluralism with the embedded pool against its baselines and controls, on the test questions of the surveys.

    python benchmarks/embedded_pools.py --out results/embedded_pools

Every row is a run of ``lm_eval --model modplural`` on ``plural_surveys`` with the same base LLM; they share a store of
messages. Beside the four methods:

- ``attribute``  modplural with ``mixture=attribute``: the base LLM weighs communities by the population asked about
- ``shuffled``   the pool with names and descriptions dealt out anew: what is said stays, who said it is wrong
- ``personas``   six persona prompts on the same backbone in place of trained communities, told no attribute either
- ``noise``      every message replaced by as many words, drawn from all messages
- ``raw``        vanilla on SmolLM2 as it comes, without the reader

Finished runs are kept, so that an interrupted benchmark goes on. Prints one comparison, with intervals clustered by
question, and the main figures apart for test questions to which a text that the communities were trained on comes near
(`tools/train_embedded/overlap.py`) and for all others.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from community_lms.messages.store import MessageStore
from community_lms.pools.pool import PRESET_FOLDER
from plural_tasks.metrics import paired_difference
from plural_tasks.report.reading.runs import Run, read_runs
from tools.train_embedded.overlap import near as near_questions

MAIN = {"plural_surveys_steerable": "accuracy", "plural_surveys_distributional": "js_distance"}
TASKS = ",".join(MAIN)
SEED = 7


@dataclass(frozen=True)
class Row:
    """One run: its name and what differs in the model arguments."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)


def rows(out: Path, pool: str) -> list[Row]:
    """The runs, in an order in which each finds the messages that it needs."""
    return [
        Row("modplural", {"pool": pool}),
        Row("vanilla", {"method": "vanilla"}),
        Row("prompting", {"method": "prompting"}),
        Row("moe", {"method": "moe", "pool": pool}),
        Row("attribute", {"pool": pool, "mixture": "attribute"}),
        Row("shuffled", {"pool": out / "shuffled.yaml"}),
        Row("personas", {"pool": "personas", "tell_attribute": False}),
        Row("noise", {"pool": pool, "messages": out / "noise.sqlite"}),
        Row("raw", {"method": "vanilla", "pretrained": "embedded"}),
    ]


def main() -> None:
    """Make the controls, run what is missing, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("results/embedded_pools"))
    parser.add_argument("--pool", default="embedded", help="a preset of trained communities")
    parser.add_argument("--samples", type=int, default=1, help="messages of each community (default: %(default)s)")
    parser.add_argument("--only", help="names of rows, joined by commas")
    parser.add_argument("--limit", type=int, help="documents of each task")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    write_shuffled(options.pool, options.out / "shuffled.yaml")
    wanted = options.only.split(",") if options.only else None
    done = []
    for row in rows(options.out, options.pool):
        if wanted is not None and row.name not in wanted:
            continue
        if row.name == "noise":
            write_noise(options.out / "messages.sqlite", options.out / "noise.sqlite")
        run(row, options)
        done.append(f"{row.name}={options.out / row.name}")
    command = [sys.executable, "-m", "model_wrappers", "compare", *done]  # the first, modplural, is the baseline
    subprocess.run([*command, "--format", "markdown"], check=True)
    print("\n".join(by_nearness(read_runs(done))))


def run(row: Row, options: argparse.Namespace) -> None:
    """Run one row, unless its results are there."""
    out = options.out / row.name
    if list(out.rglob("results_*.json")):
        return
    settings = {
        "messages": options.out / "messages.sqlite",
        "dtype": "bfloat16",
        "message_dtype": "bfloat16",
        "message_batch_size": 32,
        "messages_per_community": options.samples,
        "trace": out / "trace.jsonl",
        **row.arguments,
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / "trace.jsonl").unlink(missing_ok=True)  # of a run that was interrupted
    command = [
        *(sys.executable, "-m", "lm_eval", "run", "--model", "modplural", "--tasks", TASKS),
        *("--model_args", ",".join(f"{name}={value}" for name, value in settings.items())),
        *("--apply_chat_template", "--batch_size", "32", "--log_samples"),
        *("--output_path", str(out)),
        *(("--limit", str(options.limit)) if options.limit else ()),
    ]
    print(f"== {row.name}", flush=True)
    subprocess.run(command, check=True, env={"OMP_WAIT_POLICY": "PASSIVE", **os.environ})


def by_nearness(runs: Sequence[Run]) -> Iterator[str]:
    """The main figures on questions near to the themes and on others, with the differences from the first run.

    Yields:
        Lines of one Markdown table.
    """
    wanted = near_questions()
    yield f"| task | questions | run | mean | difference from {runs[0].label} |"
    yield "|---|---|---|---|---|"
    for task, metric in MAIN.items():
        for near, title in ((True, "near a theme"), (False, "others")):
            first = _figures(runs[0], task, metric, wanted, near=near)
            for run in runs:
                found = _figures(run, task, metric, wanted, near=near)
                pairs = [(found[id][0], first[id][0], first[id][1]) for id in found]
                mean = sum(figure for figure, _, _ in pairs) / len(pairs)
                told = "" if run is runs[0] else _difference(*zip(*pairs, strict=True))
                count = len({cluster for _, _, cluster in pairs})
                yield f"| {task} | {title} ({count}) | {run.label} | {mean:.3f} | {told} |"


def _figures(run: Run, task: str, metric: str, wanted: Collection[str], *, near: bool) -> dict[str, tuple[float, str]]:
    """Document id (the question's and the group's, joined by a dash) -> figure and question, of some questions."""
    return {
        one.id: (one.values[metric], one.cluster)
        for one in run.tasks[task].documents
        if any(one.id.startswith(f"{question}-") for question in wanted) is near
    }


def _difference(found: Sequence[float], first: Sequence[float], clusters: Sequence[str]) -> str:
    made = paired_difference(found, first, clusters)
    low, high = made.interval
    return f"{made.estimate:+.3f} [{low:+.3f}, {high:+.3f}]"


def write_shuffled(pool: str, path: Path) -> None:
    """Write the pool with names and descriptions moved on by a seeded permutation without fixed points."""
    data = yaml.safe_load((PRESET_FOLDER / f"{pool}.yaml").read_text(encoding="utf-8"))
    members = data["communities"]
    rng = random.Random(SEED)
    order = list(range(len(members)))
    while any(place == index for place, index in enumerate(order)):
        rng.shuffle(order)
    dealt = [
        {
            **member,
            "name": members[order[place]]["name"],
            "description": members[order[place]]["description"],
            "adapter": str((PRESET_FOLDER / member["adapter"]).resolve()),
        }
        for place, member in enumerate(members)
    ]
    text = yaml.safe_dump({**data, "name": "shuffled", "communities": dealt}, sort_keys=False)
    path.write_text(text, encoding="utf-8")


def write_noise(source: Path, target: Path) -> None:
    """Copy a message store, each message replaced by as many words drawn from all messages."""
    if target.is_file():
        return
    store = MessageStore(source)
    stored = list(store.rows())
    words = [word for row in stored for word in row.text.split()]
    rng = random.Random(SEED)
    noise = MessageStore(target)
    noise.put(replace(row, text=" ".join(rng.choices(words, k=len(row.text.split())))) for row in stored)


if __name__ == "__main__":
    main()
