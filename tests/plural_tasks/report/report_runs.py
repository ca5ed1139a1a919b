"""Runs in the harness's format, small enough to work out by hand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

DATE = "2026-11-20T12-00-00.000001"
TASK = "plural_steerable_x"


def sha(value: object) -> str:
    return hashlib.sha256((value if isinstance(value, str) else json.dumps(value)).encode()).hexdigest()


def sample(number: int, doc: Mapping[str, Any], figures: Mapping[str, Any], *, chosen: str = "none") -> dict[str, Any]:
    return {
        "doc_id": number,
        "doc": dict(doc),
        "target": "0",
        "arguments": {},
        "resps": [["a"]],
        "filtered_resps": ["a"],
        "filter": chosen,
        "metrics": list(figures),
        "doc_hash": sha(doc),
        "prompt_hash": sha("prompt"),
        "target_hash": sha("0"),
        **figures,
    }


def doc(name: str, cluster: str, mode: str = "steerable", **fields: Any) -> dict[str, Any]:
    return {"id": name, "mode": mode, "question": f"Question {cluster}?", "cluster": cluster, "gold": [0], **fields}


def task(
    samples: Sequence[Mapping[str, Any]],
    *,
    version: float = 1.0,
    original: int | None = None,
    reported: Mapping[str, Any] | None = None,
    config: Mapping[str, Any] | None = None,
    directions: Mapping[str, bool | None] | None = None,
) -> dict[str, Any]:
    """A task of a run; ``reported`` holds the aggregates that are no mean over the samples."""
    return {
        "samples": list(samples),
        "version": version,
        "original": original,
        "reported": dict(reported or {}),
        "config": dict(config or {}),
        "directions": dict(directions if directions is not None else {"accuracy": True, "fallback_rate": False}),
    }


def _means(samples: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    numbers: dict[str, list[float]] = {}
    for record in samples:
        for name in record["metrics"]:
            if isinstance(record[name], (int, float)) and record[name] == record[name]:
                numbers.setdefault(f"{name},{record['filter']}", []).append(record[name])
    return {name: sum(values) / len(values) for name, values in numbers.items()}


def write_run(
    folder: Path,
    tasks: Mapping[str, Mapping[str, Any]],
    *,
    date: str = DATE,
    config: Mapping[str, Any] | None = None,
    **top: Any,
) -> Path:
    """Write results and samples as lm_eval --output_path --log_samples does; returns the results file."""
    folder.mkdir(parents=True, exist_ok=True)
    hashes = {}
    for name, made in tasks.items():
        lines = [json.dumps(record) for record in made["samples"]]
        (folder / f"samples_{name}_{date}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        parts = [record["doc_hash"] + record["prompt_hash"] + record["target_hash"] for record in made["samples"]]
        hashes[name] = sha("".join(parts))
    counts = {name: len({record["doc_id"] for record in made["samples"]}) for name, made in tasks.items()}
    data = {
        "results": {
            name: {"name": name, **_means(made["samples"]), **made["reported"]} for name, made in tasks.items()
        },
        "configs": {
            name: {"task": name, "metadata": {"version": made["version"]}, **made["config"]}
            for name, made in tasks.items()
        },
        "versions": {name: made["version"] for name, made in tasks.items()},
        "n-shot": dict.fromkeys(tasks, 0),
        "higher_is_better": {name: made["directions"] for name, made in tasks.items()},
        "n-samples": {
            name: {"original": made["original"] or counts[name], "effective": counts[name]}
            for name, made in tasks.items()
        },
        "config": {"model": "hf", "model_args": {"pretrained": "org/tiny"}, "torch_seed": 1234, "limit": None}
        | dict(config or {}),
        "date": 1795176000.0,  # 2026-11-20T12:00:00Z
        "task_hashes": hashes,
        "lm_eval_version": "0.4.13",
        "transformers_version": "5.23.0",
        "pretty_env_info": "PyTorch version: 2.13.0+cpu\nPython version: 3.11.2 (main)\n",
        "model_name": "org/tiny",
        "chat_template_sha": None,
        "system_instruction_sha": None,
        **top,
    }
    path = folder / f"results_{date}.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


MODPLURAL = {
    "version": "0.1.0",
    "base": "hf",
    "method": "modplural",
    "mode": "of each document",
    "pool": "village",
    "communities": ["farmers", "key"],
    "weights": {"farmers": 0.75, "key": 0.25},
    "pool_fingerprint": sha("pool"),
    "prompts": "default",
    "prompts_digest": sha("prompts"),
    "message_engine": "peft",
    "message_decoding": {"temperature": 1.0, "top_p": 0.9, "max_new_tokens": 200},
    "messages_per_community": 1,
    "seed": 7,
    "message_counts": {"requested": 8, "found": 0, "generated": 8, "tokens": 99},
    "fallbacks": {"selection": 2},
    "warnings": [],
}


def steerable(accuracy: Sequence[float], **figures: Sequence[Any]) -> list[dict[str, Any]]:
    """Four documents d1..d4 of two questions q1, q1, q2, q2, of the categories age, sex, age, sex."""
    places = [("d1", "q1", "age"), ("d2", "q1", "sex"), ("d3", "q2", "age"), ("d4", "q2", "sex")]
    columns = {"accuracy": accuracy, "fallback_rate": [0.0, 0.0, 0.0, 1.0], **figures}
    return [
        sample(number, doc(name, cluster, category=category), {key: values[number] for key, values in columns.items()})
        for number, (name, cluster, category) in enumerate(places)
    ]
