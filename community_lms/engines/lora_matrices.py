"""The matrices of a LoRA adapter in peft's format, ready to be multiplied."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from community_lms.pools.spec import Weights

Matrices = dict[str, tuple[np.ndarray, np.ndarray]]
"""Name of a linear layer of the backbone -> A (rank x inputs) and B (outputs x rank, scaled), float32."""

_KEY = re.compile(r"base_model\.model\.(?P<layer>.+)\.lora_(?P<part>[AB])\.weight")
_BESIDE = ("use_dora", "modules_to_save", "fan_in_fan_out", "lora_bias", "layer_replication", "alpha_pattern")
"""Settings of adapters that are more than one product of two matrices for each layer."""


class UnusualAdapterError(Exception):
    """The adapter does more than to add one low-rank product to each of some linear layers."""


def read_matrices(adapter: Weights) -> Matrices:
    """Read an adapter from a folder or the Hub; B is multiplied by alpha / rank, or by alpha / sqrt(rank) (rsLoRA).

    Raises:
        UnusualAdapterError: If it is no plain LoRA adapter.
        Exception: Whatever peft raises where it cannot be read.
    """
    from peft import PeftConfig, load_peft_weights

    source = {"revision": adapter.revision} if adapter.revision else {}
    config: Any = PeftConfig.from_pretrained(adapter.path, **source)
    kind = getattr(config.peft_type, "value", config.peft_type)
    if kind != "LORA":
        raise UnusualAdapterError(f"it is of type {kind}")
    for name in _BESIDE:
        if getattr(config, name, None):
            raise UnusualAdapterError(f"it sets {name}")
    if getattr(config, "bias", "none") != "none":
        raise UnusualAdapterError(f"it has bias {config.bias}")
    halves: dict[str, dict[str, np.ndarray]] = {}
    for key, tensor in load_peft_weights(adapter.path, device="cpu", **source).items():
        found = _KEY.fullmatch(key)
        if found is None or tensor.dim() != 2:
            raise UnusualAdapterError(f"it has the weight {key}")
        halves.setdefault(found["layer"], {})[found["part"]] = tensor.float().numpy()
    matrices = {}
    for layer, pair in halves.items():
        if pair.keys() != {"A", "B"}:
            raise UnusualAdapterError(f"{layer} has one matrix of two")
        rank = pair["A"].shape[0]
        scale = config.lora_alpha / (math.sqrt(rank) if config.use_rslora else rank)
        matrices[layer] = (pair["A"], pair["B"] * np.float32(scale))
    return matrices
