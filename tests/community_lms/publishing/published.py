"""Adapter folders and pools for tests of what is published; no model behind them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

BASE = "tester/base"
RUN: dict[str, Any] = {
    "modplural": "0.1.0",
    "community": "left",
    "description": "people on the left",
    "licence": "CC-BY-4.0",
    "backbone": {"path": BASE, "revision": "b" * 40},
    "corpus": {
        "parts": [{"path": "ann/articles", "licence": "CC-BY-4.0"}, {"path": "mine.jsonl"}],
        "source": "articles by readers",
        "licence": "CC-BY-4.0",
        "documents": 1200,
        "held_out_documents": 24,
        "dropped": {"duplicate": 7},
        "sha256": "c" * 64,
    },
    "config": {"community": "left", "corpus": [{"path": "/home/ann/mine.jsonl"}]},
    "versions": {"torch": "2.13.0", "peft": "0.18.0"},
    "machine": "x86_64, 2 cores, no GPU",
    "seconds": 61.5,
    "steps": 30,
    "tokens": 45678,
    "loss": {"train": 2.5, "held_out_first": 4.25, "held_out_last": 2.75},
}
EVALUATION: dict[str, Any] = {
    "pool": "/home/ann/pool.yaml",
    "backbone": BASE,
    "communities": ["left", "right"],
    "perplexity": {
        "texts": ["left", "right"],
        "readers": ["left", "right", "backbone"],
        "table": [[11.5, 30.0], [19.25, 12.0], [27.125, 28.0]],
        "tokens": {"left": 2000, "right": 1500},
    },
    "agreement": {"left": {"js_distance": 0.21, "accuracy": 0.625, "n": 40, "groups": ["Democrats"]}},
    "distinctness": {"self_bleu": {"left": 0.125}},
    "messages": {"left": {"n": 50, "empty": 0.02, "refused": 0.0, "degenerate": 0.04, "mean_tokens": 31.5}},
}


def make_adapter(folder: Path, name: str = "left", *, value: float = 1.0, evaluated: bool = True) -> Path:
    """Write a folder as ``modplural community train`` leaves it, evaluated, with things beside it that stay here."""
    folder.mkdir(parents=True)
    tensor = np.full((4, 8), value, dtype=np.float32)
    save_file({"base_model.model.layers.0.q_proj.lora_A.weight": tensor}, folder / "adapter_model.safetensors")
    settings = {
        "peft_type": "LORA",
        "r": 12,
        "lora_alpha": 24,
        "lora_dropout": 0.05,
        "target_modules": ["v_proj", "q_proj"],
        "base_model_name_or_path": BASE,
    }
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    (folder / "loss.jsonl").write_text('{"step": 1, "tokens": 9, "loss": 4.0}\n')
    (folder / "loss.svg").write_text("<svg/>")
    names = ("adapter_model.safetensors", "adapter_config.json", "loss.jsonl")
    digests = {file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in names}
    run = {**RUN, "community": name, "description": f"people on the {name}", "digests": digests}
    (folder / "run_info.json").write_text(json.dumps(run))
    if evaluated:
        (folder / "evaluation.json").write_text(json.dumps(EVALUATION))
    (folder / "optimizer.pt").write_bytes(b"pickled")
    (folder / "adapter_model.bin").write_bytes(b"pickled")
    (folder / "notes.txt").write_text("mine")
    (folder / "checkpoint-30").mkdir()
    (folder / "checkpoint-30" / "adapter_model.safetensors").write_bytes(b"half")
    return folder


def pool_text(folder: Path, more: str = "") -> Path:
    """Write a pool of two local adapters and a persona below ``folder``; return its file."""
    for number, name in enumerate(("left", "right")):
        make_adapter(folder / name, name, value=number + 1.0, evaluated=name == "left")
    path = folder / "mine.yaml"
    path.write_text(
        f"""
name: mine
description: Two sides and a neighbour.
backbone: {BASE}
communities:
  - {{name: left, description: people on the left, adapter: ./left, prior_weight: 2.0}}
  - {{name: right, description: people on the right, adapter: ./right, licence: MIT}}
  - {{name: neighbour, description: a neighbour, persona: You live next door.}}
{more}"""
    )
    return path
