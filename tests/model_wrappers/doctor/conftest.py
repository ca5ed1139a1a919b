"""Tiny base LLMs and adapters, healthy and broken."""

import json
from pathlib import Path

import pytest

from tests.community_lms.tiny_models import save_adapter, save_model

TEMPLATE = (
    "{% for message in messages %}[{{ message.role }}] {{ message.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant] {% endif %}"
)


class Weights:
    """Folders.

    Attributes:
        base: Reads 8,192 tokens and has a chat template.
        short: Reads 128 tokens and has none.
        left: An adapter on ``base``; ``right`` is another, ``untrained`` adds nothing, ``wide`` is of a wider model.
    """

    def __init__(self, root: Path) -> None:
        self.base = save_model(root / "base", seed=1, template=TEMPLATE)
        settings = Path(self.base) / "config.json"
        settings.write_text(json.dumps(json.loads(settings.read_text()) | {"max_position_embeddings": 8192}))
        self.short = save_model(root / "short", seed=2)
        self.left = save_adapter(root / "left", self.base, seed=3, init_lora_weights=False)
        self.right = save_adapter(root / "right", self.base, seed=4, init_lora_weights=False)
        self.untrained = save_adapter(root / "untrained", self.base, seed=5)
        self.wide = save_adapter(root / "wide", save_model(root / "w", seed=6, hidden=32), 7, init_lora_weights=False)


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    return Weights(tmp_path_factory.mktemp("doctor"))
