"""Read the tokens of several texts at once with a compiled graph that keeps their keys and values in blocks.

OpenVINO rewrites the graph of `openvino_graph` for paged attention (Kwon et al. 2023, arXiv 2309.06180): texts of
different lengths stand one after the other without padding, and one that has ended simply is not read on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import openvino
import torch
from openvino import opset13 as ops
from openvino._offline_transformations import paged_attention_transformation

from community_lms.engines.openvino_layers import new_input
from community_lms.weights.precision import cores

AT_ONCE = 4096
"""Greatest number of tokens per call; more are read in several calls, none of which splits a text."""


class Reader:
    """A compiled graph, and the blocks that hold keys and values of the tokens that it has read."""

    def __init__(self, model: openvino.Model, *, low: bool) -> None:
        """Compile a graph.

        Args:
            model: The graph that `openvino_graph.graph_of` made, with or without adapters; it is rewritten.
            low: Whether to multiply in bfloat16 in place of float32.

        Raises:
            RuntimeError: If OpenVINO finds no attention that it can rewrite.
        """
        paged_attention_transformation(model)
        _keep_last(model)
        compiled = openvino.Core().compile_model(model, "CPU", settings(low=low))
        self._request = compiled.create_infer_request()
        self._caches = [port for port in compiled.inputs if "_cache." in port.get_any_name()]
        self._block = int(self._caches[0].get_partial_shape()[2].get_length())
        self._blocks = 0  # number that the tensors hold
        self._first: np.ndarray = np.zeros(1, dtype=np.int64)  # first block of each text, and the end of the last
        self._past: np.ndarray = np.zeros(0, dtype=np.int64)

    def set(self, name: str, value: np.ndarray) -> None:
        """Set an input that keeps its value from call to call."""
        self._request.set_tensor(name, openvino.Tensor(np.ascontiguousarray(value)))

    def begin(self, lengths: Sequence[int]) -> None:
        """Forget all texts, and make room for new ones that may grow to these numbers of tokens."""
        blocks = [-(-length // self._block) for length in lengths]
        self._first = np.concatenate([[0], np.cumsum(blocks)])
        self._past = np.zeros(len(lengths), dtype=np.int64)
        if self._first[-1] > self._blocks:
            self._blocks = int(self._first[-1])
            for port in self._caches:
                shape = [self._blocks, *(size.get_length() for size in [*port.get_partial_shape()][1:])]
                tensor = openvino.Tensor(port.get_element_type(), openvino.Shape(shape))
                np.frombuffer(tensor.data, dtype=np.uint8)[:] = 0  # uninitialised memory might hold NaN
                self._request.set_tensor(port, tensor)

    def read(self, texts: Sequence[int], tokens: Sequence[Sequence[int]]) -> torch.Tensor:
        """Read the next tokens of some texts.

        Args:
            texts: Positions of the texts in the list that `begin` got, each once.
            tokens: Next tokens of each text, at least one.

        Returns:
            Scores of the token after the last one read: texts x vocabulary, float32.
        """
        scores, start, size = [], 0, 0
        for end, new in enumerate(tokens):
            if size and size + len(new) > AT_ONCE:
                scores.append(self._call(texts[start:end], tokens[start:end]).clone())
                start, size = end, 0
            size += len(new)
        last = self._call(texts[start:], tokens[start:])
        return torch.cat([*scores, last]) if scores else last

    def _call(self, texts: Sequence[int], tokens: Sequence[Sequence[int]]) -> torch.Tensor:
        chosen = np.asarray(texts, dtype=np.int64)
        past, new = self._past[chosen], np.array([len(each) for each in tokens])
        ends = np.cumsum(new)
        needed = -(-(past + new) // self._block)
        inputs = {
            "input_ids": np.concatenate([np.asarray(each, dtype=np.int64) for each in tokens]),
            "position_ids": np.concatenate([np.arange(n) + p for n, p in zip(new, past, strict=True)]),
            "last": (ends - 1).astype(np.int32),
            "past_lens": past.astype(np.int32),
            "subsequence_begins": np.concatenate([[0], ends]).astype(np.int32),
            "block_indices_begins": np.concatenate([[0], np.cumsum(needed)]).astype(np.int32),
            "block_indices": np.concatenate(
                [np.arange(n) + b for n, b in zip(needed, self._first[chosen], strict=True)]
            ).astype(np.int32),
            "max_context_len": np.array((past + new).max(), dtype=np.int32),
        }
        for name, value in inputs.items():
            self._request.set_tensor(name, openvino.Tensor(value))
        self._request.infer()
        self._past[chosen] += new
        return torch.from_numpy(self._request.get_output_tensor(0).data).reshape(len(tokens), -1)


class Picker(Protocol):
    """Picks the next token of each text."""

    def pick(self, scores: torch.Tensor) -> torch.Tensor:
        """Return the next token of each row of ``scores``: (rows, vocabulary) -> (rows, 1)."""

    def keep(self, rows: torch.Tensor) -> None:
        """Keep these rows of the batch and drop the others, whose texts have ended."""


class Greedy:
    """Picks the most likely token."""

    def pick(self, scores: torch.Tensor) -> torch.Tensor:
        """Return the most likely token of each row."""
        return scores.argmax(dim=-1, keepdim=True)

    def keep(self, rows: torch.Tensor) -> None:
        """Do nothing: no row has a state."""


def generate(
    reader: Reader, texts: Sequence[list[int]], most: int, picker: Picker, ends: Callable[[list[int]], bool]
) -> list[list[int]]:
    """Continue texts, all in one batch.

    Args:
        reader: Reader of the texts; it forgets what it has read before.
        texts: Tokens of each text, at least one.
        most: Greatest number of new tokens of a text.
        picker: Picks the next token of each text.
        ends: Tells from the new tokens of a text whether it has ended.

    Returns:
        The new tokens of each text, with the one that ended it.
    """
    new_tokens: list[list[int]] = [[] for _ in texts]
    running, new = list(range(len(texts))), list(texts)
    reader.begin([len(text) + most for text in texts])
    for _ in range(most):
        picked = picker.pick(reader.read(running, new))[:, 0].tolist()
        for text, token in zip(running, picked, strict=True):
            new_tokens[text].append(token)
        going = [place for place, text in enumerate(running) if not ends(new_tokens[text])]
        if not going:
            break
        if len(going) < len(running):
            picker.keep(torch.tensor(going))
        running, new = [running[place] for place in going], [[picked[place]] for place in going]
    return new_tokens


def settings(*, low: bool) -> dict[str, Any]:
    """OpenVINO's settings: arithmetic in float32, or with products in bfloat16, and nothing in eight bits.

    By default OpenVINO keeps keys and values in eight bits, and rounds activations to eight where weights are so.
    With one thread its bfloat16 products end the process (a division by zero, version 2026.4 on CPUs with AMX).
    Threads are bound to cores only where they are as many: those of two processes would be bound to the same ones.
    """
    threads = max(2, torch.get_num_threads()) if low else torch.get_num_threads()
    return {
        "INFERENCE_PRECISION_HINT": "bf16" if low else "f32",
        "KV_CACHE_PRECISION": "bf16" if low else "f32",
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0",
        "INFERENCE_NUM_THREADS": threads,
        "ENABLE_CPU_PINNING": threads >= cores(),
        "PERFORMANCE_HINT": "LATENCY",
    }


def _keep_last(model: openvino.Model) -> None:
    """Compute scores for the last token of each text alone; input ``last`` has their positions among all tokens."""
    last = new_input("last", [-1], np.int32)
    node = model.get_results()[0].input(0)
    while node.get_source_output().get_node().get_type_name() != "MatMul":
        node = node.get_source_output().get_node().input(0)
    head = node.get_source_output().get_node().input(0)
    head.replace_source_output(ops.gather(head.get_source_output(), last, ops.constant(0, dtype=np.int64)).output(0))
    model.add_parameters([last])
    model.validate_nodes_and_infer_types()
