"""What arithmetic and memory of this machine allow.

A limit takes 2 FLOPs for each weight and token at the rate of a large matrix product, and for each decoding step the
weights and the batch's keys and values once from memory, whichever takes longer. Attention's own products, sampling and
everything else are left out: no program reaches it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Shape:
    """Of a Llama-like language model.

    Attributes:
        inner: Weights of all layers' matrices.
        outer: Weights of the matrix that leads to the vocabulary.
        kept: Numbers that a token leaves behind for attention, in all layers.
        size: Bytes of a number.
    """

    inner: int
    outer: int
    kept: int
    size: int

    @classmethod
    def of(cls, config: Any, *, low: bool) -> Shape:
        """Read it from a configuration of transformers; ``low`` numbers have two bytes, others four."""
        width, head = config.hidden_size, getattr(config, "head_dim", None)
        kept = 2 * config.num_key_value_heads * (head or width // config.num_attention_heads)
        layer = width * (width * 2 + kept) + 3 * width * config.intermediate_size
        count = config.num_hidden_layers
        return cls(layer * count, width * config.vocab_size, kept * count, 2 if low else 4)


@dataclass(frozen=True)
class Rates:
    """Of the machine: FLOPs a second of a large product, and bytes a second read from memory."""

    matrix: float
    copy: float


def measured_rates(*, low: bool) -> Rates:
    """Measure both; the best of eight tries.

    Args:
        low: Multiply in bfloat16 and not in float32.
    """
    dtype = torch.bfloat16 if low else torch.float32
    one, other = (torch.randn(2048, 2048).to(dtype) for _ in range(2))
    block = torch.ones(128 * 1024 * 1024)
    return Rates(2 * 2048**3 / _best(lambda: one @ other), block.numel() * 4 / _best(block.sum))


def _best(run: Callable[[], Any], tries: int = 8) -> float:
    times = []
    for _ in range(tries):
        since = time.perf_counter()
        run()
        times.append(time.perf_counter() - since)
    return min(times)


def reading_seconds(shape: Shape, rates: Rates, tokens: int, scored: int) -> float:
    """Least time to read ``tokens`` of which ``scored`` reach the vocabulary."""
    return 2 * (shape.inner * tokens + shape.outer * scored) / rates.matrix


def step_seconds(shape: Shape, rates: Rates, before: Sequence[int]) -> float:
    """Least time of a decoding step of texts with these numbers of tokens before."""
    weights = shape.inner + shape.outer
    return max(2 * weights * len(before) / rates.matrix, (weights + sum(before) * shape.kept) * shape.size / rates.copy)


def message_seconds(shape: Shape, rates: Rates, prompts: Sequence[int], said: Sequence[int]) -> float:
    """Least time to read all prompts and to write messages of these lengths, all texts side by side."""
    seconds = reading_seconds(shape, rates, sum(prompts), 0)
    for step in range(max(said, default=0)):
        before = [prompt + step for prompt, tokens in zip(prompts, said, strict=True) if tokens > step]
        seconds += step_seconds(shape, rates, before)
    return seconds
