"""A causal language model of transformers as an OpenVINO graph: traced once, kept in the user's cache.

The graph takes the tokens that are new and keeps keys and values of those before as its state:

    input_ids       rows x new tokens
    attention_mask  rows x all tokens so far, 0 where a row is padded on the left
    position_ids    rows x new tokens
    beam_idx        rows of the state to go on with, so that rows whose text has ended can be dropped

and returns the scores of the next token, rows x vocabulary. This is the shape that OpenVINO rewrites for attention over
blocks, `openvino_reader`. `openvino_layers.with_adapters` gives its linear layers two more inputs each, the matrices of
a LoRA adapter (Hu et al. 2021, arXiv 2106.09685): one compiled graph serves all adapters.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import torch
import transformers
from openvino import opset13 as ops
from transformers import AutoConfig, AutoModelForCausalLM, DynamicCache
from transformers.cache_utils import DynamicLayer

from community_lms.engines.openvino_layers import UnsuitableError, new_input
from community_lms.engines.openvino_reader import Reader
from community_lms.pools.identity import weights_identity
from community_lms.pools.spec import Weights, digest
from community_lms.weights.embedded import install_hint, resolve_weights
from plural_tasks.utils.errors import ModPluralError, one_line

logger = logging.getLogger(__name__)

FORMAT = 2
"""Version of the graphs in the cache; to be raised with every change to how they are made."""

GRAPH = "model.xml"
_STEP = {"input_ids": 2, "attention_mask": 5, "position_ids": 2}
"""Inputs of the traced step, and the length of each in the example: two new tokens after three."""


def graph_of(weights: Weights, *, whole: bool) -> Path:
    """Return the file of a backbone's graph; it is made when it is first needed.

    Args:
        weights: Weights of the backbone.
        whole: Whether to keep its weights in float32 in place of float16.

    Raises:
        ModPluralError: If the backbone cannot be loaded or the cache cannot be written.
        UnsuitableError: If it cannot be traced, or the graph does not compute what the backbone does.
    """
    from platformdirs import user_cache_path

    path = resolve_weights(weights.path)
    facts = {
        "weights": {**weights_identity(weights), "commit": _commit(path, weights)},
        "format": FORMAT,
        "whole": whole,
        "versions": [openvino.__version__, transformers.__version__],
    }
    folder = user_cache_path("modplural") / "openvino" / digest(facts)[:16]
    if not (folder / GRAPH).is_file():
        logger.info("Tracing %s for OpenVINO (once)", path)
        _write(folder, _trace(path, weights), whole)
    return folder / GRAPH


def _commit(path: str, weights: Weights) -> str | None:
    try:
        return getattr(AutoConfig.from_pretrained(path, revision=weights.revision), "_commit_hash", None)
    except (OSError, ValueError, ImportError) as error:
        raise _unreadable(path, weights, error) from error


def _unreadable(path: str, weights: Weights, error: Exception) -> ModPluralError:
    return ModPluralError(f"{path} cannot be loaded on cpu ({one_line(error)[:300]}).{install_hint(weights.path)}")


def _write(folder: Path, model: openvino.Model, whole: bool) -> None:
    """Save the graph to a folder that appears only once it is complete."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".trace-", dir=folder.parent))
        try:
            openvino.save_model(model, scratch / GRAPH, compress_to_fp16=not whole)
            if not (folder / GRAPH).is_file():
                os.replace(scratch, folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    except (OSError, RuntimeError) as error:
        if not (folder / GRAPH).is_file():
            raise ModPluralError(f"{folder}: the graph cannot be written ({one_line(error)[:200]}).") from error


class _Held(DynamicLayer):
    """Keys and values of one layer that are handed in."""

    def __init__(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        super().__init__()
        self.keys, self.values = keys, values
        self.dtype, self.device = keys.dtype, keys.device
        self.is_initialized = True


class _Step(torch.nn.Module):
    """One call of the backbone, with its cache as plain inputs and outputs."""

    def __init__(self, backbone: Any) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        position_ids: torch.Tensor,
        past: list[torch.Tensor],
    ) -> tuple[torch.Tensor, ...]:
        """Return the scores of the next token, then keys and values of every layer."""
        cache = DynamicCache()
        cache.layers = [_Held(keys, values) for keys, values in zip(past[::2], past[1::2], strict=True)]
        new, every = input_ids.shape[1], attention_mask.shape[1]
        seen_by = torch.arange(new)[:, None] + (every - new)
        allowed = (torch.arange(every)[None] <= seen_by)[None] & (attention_mask[:, None, :] > 0)
        mask = torch.where(allowed, 0.0, torch.finfo(torch.float32).min)[:, None]
        output = self.backbone(
            input_ids=input_ids,
            attention_mask=mask,
            position_ids=position_ids,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        state = [tensor for layer in cache.layers for tensor in (layer.keys, layer.values)]
        return (output.logits[:, -1], *state)


def _trace(path: str, weights: Weights) -> openvino.Model:
    try:
        backbone = AutoModelForCausalLM.from_pretrained(
            path, revision=weights.revision, dtype=torch.float32, attn_implementation="sdpa"
        )
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        raise _unreadable(path, weights, error) from error
    backbone.eval()
    backbone.config.use_cache = True
    step = _Step(backbone)
    try:
        example = _example(backbone.config.get_text_config())
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore", torch.jit.TracerWarning)  # of branches that the example decides: `_check`
            traced = openvino.convert_model(step, example_input=example)
        model = _with_state(traced)
        _check(model, backbone)
    except UnsuitableError:
        raise
    except Exception as error:  # tracing raises whatever the backbone's code raises
        raise UnsuitableError(f"{type(backbone).__name__} cannot be traced ({one_line(error)[:200]})") from error
    return model


def _example(config: Any) -> dict[str, Any]:
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    past = [torch.zeros(2, heads, 3, size) for _ in range(2 * config.num_hidden_layers)]
    return {**{name: torch.ones(2, length, dtype=torch.long) for name, length in _STEP.items()}, "past": past}


def _with_state(traced: openvino.Model) -> openvino.Model:
    """Turn the cache's inputs and outputs into state, whose rows `beam_idx` picks."""
    asked, past = traced.get_parameters()[: len(_STEP)], traced.get_parameters()[len(_STEP) :]
    scores, present = traced.get_results()[0], traced.get_results()[1:]
    for name, parameter in zip(_STEP, asked, strict=True):
        parameter.output(0).get_tensor().set_names({name})
    beam = new_input("beam_idx", [-1], np.int32)
    axis = ops.constant(0, dtype=np.int64)
    rows = ops.gather(ops.shape_of(asked[0], "i64"), ops.constant([0], dtype=np.int64), axis)
    sinks = []
    for place, (parameter, result) in enumerate(zip(past, present, strict=True)):
        heads, size = (result.input(0).get_partial_shape()[axis].get_length() for axis in (1, 3))
        nothing = ops.concat([rows, *(ops.constant([n], dtype=np.int64) for n in (heads, 0, size))], 0)
        start = ops.broadcast(ops.constant(0.0, dtype=np.float32), nothing)
        kept = ops.read_value(start, f"past.{place}", openvino.Type.f32, openvino.PartialShape([-1, heads, -1, size]))
        rest = ops.gather(kept, beam, axis)
        for target in parameter.output(0).get_target_inputs():
            target.replace_source_output(rest.output(0))
        sinks.append(ops.assign(result.input(0).get_source_output().get_node(), f"past.{place}"))
    return openvino.Model([scores], sinks, [*asked, beam], "backbone")


def _check(model: openvino.Model, backbone: Any) -> None:
    """Check that the graph computes what the backbone does: on two texts, one of which is then continued."""
    size = backbone.config.get_text_config().vocab_size
    texts = [[token % size for token in row] for row in ([3, 4, 5, 6], [7, 8], [7, 8, 9])]
    reader = Reader(model.clone(), low=False)
    reader.begin([4, 3])
    found = torch.cat([reader.read([0, 1], texts[:2]).clone(), reader.read([1], [texts[2][2:]])])
    with torch.inference_mode():
        wanted = torch.cat([backbone(input_ids=torch.tensor([row])).logits[:, -1] for row in texts])
    if not torch.allclose(found, wanted, rtol=1e-3, atol=1e-3 * float(wanted.abs().max())):
        raise UnsuitableError(f"the graph of {type(backbone).__name__} does not compute what the backbone does")
