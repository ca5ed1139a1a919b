"""A backbone that OpenVINO runs on the CPU, with one LoRA adapter active at a time."""

from __future__ import annotations

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
from community_lms.engines.openvino_reader import Greedy, Reader, generate
from community_lms.engines.sampling import KeyedSampler
from community_lms.pools.spec import Decoding, Weights
from community_lms.weights.embedded import install_hint, resolve_weights
from plural_tasks.utils.errors import ModPluralError, one_line

_PROBE = "The most important thing in life is"


class Backbone:
    """A compiled graph with its state, and the tokenizer.

    Attributes:
        weights: Weights of the backbone.
        tokenizer: The backbone's tokenizer, which pads on the left.
        stops: Ids of the tokens that end a text.
    """

    def __init__(self, weights: Weights, *, low: bool, whole: bool) -> None:
        """Load a backbone; it is traced when it is loaded for the first time.

        Args:
            weights: Weights in a folder, on the Hub or of the embedded model.
            low: Whether to multiply in bfloat16 in place of float32.
            whole: Whether to keep weights in float32 in place of float16.

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
        self._sizes: dict[str, tuple[int, int]] = {}  # inputs and outputs of all layers that any adapter had so far
        self._matrices: Matrices = {}
        self._reader: Reader | None = None

    def _compile(self, sizes: dict[str, tuple[int, int]]) -> Reader:
        """Compile the graph with inputs for adapters of these layers."""
        return Reader(with_adapters(openvino.Core().read_model(self._graph), sizes), low=self._low)

    @property
    def reader(self) -> Reader:
        """The compiled graph; it is compiled when it is first needed, so that it has the first adapter's inputs."""
        if self._reader is None:
            self._reader = self._compile(self._sizes)
        return self._reader

    def set_adapter(self, matrices: Matrices) -> None:
        """Make an adapter the active one; without matrices none is active.

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
        self._matrices = matrices

    def adapter_has_no_effect(self) -> bool:
        """Whether the next token's scores are the same with and without the active adapter."""
        active, tokens = self._matrices, self.tokenizer(_PROBE)["input_ids"]
        scores = []
        for matrices in ({}, active):
            self.set_adapter(matrices)
            self.reader.begin([len(tokens)])
            scores.append(self.reader.read([0], [tokens]).clone())
        return bool(torch.equal(*scores))

    def generate(self, prompts: list[str], keys: Sequence[str], decoding: Decoding) -> list[tuple[list[int], int]]:
        """Generate a text for each prompt, all in one batch.

        Args:
            prompts: Rendered turns.
            keys: Keys of the messages, from which random numbers are drawn.
            decoding: Length and sampling of the texts.

        Returns:
            For each prompt the new tokens, with the stop token if there is one, and the number of the prompt's tokens.
        """
        encoded = encode(self.tokenizer, self._config, prompts, decoding.max_new_tokens)
        rows = zip(encoded["input_ids"], encoded["attention_mask"] > 0, strict=True)
        texts: list[list[int]] = [tokens[real].tolist() for tokens, real in rows]
        picker = KeyedSampler(keys, decoding) if decoding.temperature > 0 else Greedy()
        generated = generate(self.reader, texts, decoding.max_new_tokens, picker, lambda new: new[-1] in self.stops)
        return [(tokens, len(text)) for tokens, text in zip(generated, texts, strict=True)]


def _generation_config(path: str, source: dict[str, Any], config: Any) -> Any:
    try:
        return GenerationConfig.from_pretrained(path, **source)
    except OSError:  # a backbone need not have one
        return GenerationConfig.from_model_config(config)
