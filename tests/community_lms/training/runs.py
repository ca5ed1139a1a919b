"""A tiny backbone, a corpus and a configuration that trains in seconds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from community_lms.training.config import TrainConfig, read_config
from tests.community_lms.tiny_models import save_model

WORDS = ["we", "would", "rather", "not", "the", "well", "belongs", "to", "all", "of", "us", "who", "decides"]


def backbone(folder: Path, template: str | None = None) -> str:
    """Save a Llama of two layers and 32 columns."""
    return save_model(folder, seed=1, hidden=32, template=template)


def tokenizer(folder: str) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder)


def corpus(path: Path, count: int = 20) -> str:
    """Write questions and replies of different lengths."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            said = " ".join(WORDS[(number + step) % len(WORDS)] for step in range(2 + number % 5))
            record = {"community": "us", "source": "made up", "licence": "CC0-1.0"}
            file.write(json.dumps({**record, "prompt": f"question {number}?", "comment": f"{said} {number}"}) + "\n")
    return str(path)


def settings(weights: str, texts: str, output: Path, **changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "community": "us",
        "description": "people of the well",
        "backbone": weights,
        "corpus": {"path": texts, "source": "made up", "licence": "CC0-1.0"},
        "output": str(output),
        "precision": "float32",
        "max_length": 64,
        "holdout": 0.2,
        "learning_rate": 1e-2,
        "batch_size": 4,
        "gradient_accumulation": 1,
        "epochs": 2,
        "lora": {"rank": 4, "dropout": 0.1},
    }
    return {**fields, **changes}


def config(weights: str, texts: str, output: Path, **changes: Any) -> TrainConfig:
    return TrainConfig.model_validate(settings(weights, texts, output, **changes))


def write(path: Path, fields: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(fields), encoding="utf-8")
    return path


def load(path: Path, **overrides: Any) -> TrainConfig:
    return read_config(path, overrides)
