"""A backbone that OpenVINO runs on the CPU, and the adapter that it speaks with."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import openvino
import torch
from transformers import AutoConfig, AutoTokenizer, GenerationConfig

from community_lms.engines.chat_text import encode, stop_tokens
from community_lms.engines.lora_matrices import Matrices
from community_lms.engines.openvino_graph import graph_of
from community_lms.engines.openvino_layers import with_adapters
from community_lms.engines.openvino_reader import Greedy, Reader, write_on
from community_lms.engines.sampling import KeyedSampler
from community_lms.pools.spec import Decoding, Weights
from community_lms.weights.embedded import install_hint, resolve_weights
from plural_tasks.utils.errors import ModPluralError, one_line

logger = logging.getLogger(__name__)

_PROBE = "The most important thing in life is"


class Backbone:
    """A compiled graph with its state, and the tokenizer.

    Attributes:
        weights: Which backbone it is.
        tokenizer: Pads on the left.
        stops: Tokens that end a text.
    """

    def __init__(self, weights: Weights, *, low: bool, whole: bool) -> None:
        """Load a backbone; the first time it is traced.

        Args:
            weights: From a folder, the Hub or the embedded model.
            low: Multiply in bfloat16 and not in float32.
            whole: Keep weights in float32 and not in float16.

        Raises:
            ModPluralError: If it cannot be loaded.
            UnsuitableError: If OpenVINO cannot run it.
        """
        self.weights = weights
        self._graph = graph_of(weights, whole=whole)
        path, source = resolve_weights(weights.path), {"revision": weights.revision}
        try:
            self.tokenizer: Any = AutoTokenizer.from_pretrained(path, padding_side="left", **source)
            self._config: Any = AutoConfig.from_pretrained(path, **source)
        except (OSError, ValueError, ImportError) as error:
            raise ModPluralError(
                f"{path} cannot be loaded on cpu ({one_line(error)[:300]}).{install_hint(weights.path)}"
            ) from error
        if self.tokenizer.pad_token_id is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        self.stops = stop_tokens(self.tokenizer, _generation_config(path, source, self._config))
        self._low = low
        self._sizes: dict[str, tuple[int, int]] = {}  # of all layers that any adapter had so far
        self._spoken: Matrices = {}
        self._reader: Reader | None = None

    def _compile(self, sizes: dict[str, tuple[int, int]]) -> Reader:
        """The graph with inputs for adapters of these layers."""
        return Reader(with_adapters(openvino.Core().read_model(self._graph), sizes), low=self._low)

    @property
    def reader(self) -> Reader:
        """The compiled graph; compiled when it is first needed, so that the first adapter is part of it."""
        if self._reader is None:
            self._reader = self._compile(self._sizes)
        return self._reader

    def become(self, matrices: Matrices) -> None:
        """Speak with an adapter from now on; with none where there are no matrices.

        Raises:
            UnsuitableError: If the graph has no such layers, or they are of other sizes.
        """
        new = {layer: (a.shape[1], b.shape[0]) for layer, (a, b) in matrices.items()}
        if self._reader is None or new.items() - self._sizes.items():
            self._reader = self._compile(self._sizes | new)
            self._sizes |= new
        for layer, (into, out) in self._sizes.items():
            a, b = matrices.get(layer) or (np.zeros((1, into), np.float32), np.zeros((out, 1), np.float32))
            self.reader.set(f"{layer}.A", a)
            self.reader.set(f"{layer}.B", b)
        self._spoken = matrices

    def is_silent(self) -> bool:
        """Does the adapter that it speaks with leave the next token's scores as they are without?"""
        matrices, tokens = self._spoken, self.tokenizer(_PROBE)["input_ids"]
        scores = []
        for spoken in ({}, matrices):
            self.become(spoken)
            self.reader.begin([len(tokens)])
            scores.append(self.reader.read([0], [tokens]).clone())
        return bool(torch.equal(*scores))

    def generate(self, prompts: list[str], keys: Sequence[str], decoding: Decoding) -> list[tuple[list[int], int]]:
        """Go on from rendered prompts, all at once.

        Args:
            prompts: Rendered turns.
            keys: Of the messages; random numbers are drawn from them.
            decoding: How long and how random.

        Returns:
            For each prompt the new tokens, with the one that ends them if there is one, and the prompt's own number.
        """
        encoded = encode(self.tokenizer, self._config, prompts, decoding.max_new_tokens)
        rows = zip(encoded["input_ids"], encoded["attention_mask"] > 0, strict=True)
        texts: list[list[int]] = [tokens[real].tolist() for tokens, real in rows]
        picker = KeyedSampler(keys, decoding) if decoding.temperature > 0 else Greedy()
        said = write_on(self.reader, texts, decoding.max_new_tokens, picker, lambda new: new[-1] in self.stops)
        return [(tokens, len(text)) for tokens, text in zip(said, texts, strict=True)]


def _generation_config(path: str, source: dict[str, Any], config: Any) -> Any:
    try:
        return GenerationConfig.from_pretrained(path, **source)
    except OSError:  # a backbone need not have one
        return GenerationConfig.from_model_config(config)
