"""Generation with OpenVINO on CPUs: one compiled backbone whose inputs are the adapters.

Prompts, random numbers and stop tokens are those of the engine ``peft``: a message is the same but for rounding, and
has the same key in the store. Backbones and adapters that OpenVINO cannot run are handed over to that engine.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import torch

from community_lms.engines.chat_text import render, to_message
from community_lms.engines.lora_matrices import Matrices, UnusualAdapterError, read_matrices
from community_lms.engines.openvino_backbone import Backbone
from community_lms.engines.openvino_layers import UnsuitableError
from community_lms.engines.peft import PeftEngine
from community_lms.engines.warning import EngineWarning, adapter_without_effect
from community_lms.messages.message import Message, MessageRequest
from community_lms.pools.spec import Community, Weights
from community_lms.weights.precision import cores, has_native_bfloat16
from plural_tasks.utils.errors import ModPluralError, one_line

logger = logging.getLogger(__name__)


class OpenVINOEngine:
    """Generates with OpenVINO on CPUs, whole batches at a time; rows that have ended are dropped.

    On a machine with an accelerator, and for backbones and adapters that OpenVINO cannot run, it hands over to
    `PeftEngine`. Communities come in the pool's order, and a backbone is freed when the next one is needed.
    """

    name = "openvino"

    def __init__(self, *, batch_size: int = 128, device: str | None = None, dtype: str = "auto") -> None:
        """Make the engine.

        Args:
            batch_size: Messages generated at once.
            device: ``cpu``, or None for that where there is no accelerator (and ``cuda``, which the harness names
                everywhere, where there is none); anything else is left to `PeftEngine`.
            dtype: Type of the arithmetic; ``auto`` is bfloat16 where the CPU multiplies it natively, else float32.
        """
        self.batch_size = batch_size
        self.warnings: list[EngineWarning] = []
        self._options: dict[str, Any] = {"batch_size": batch_size, "device": device, "dtype": dtype}
        absent = device is not None and device.startswith("cuda") and not torch.cuda.is_available()
        self._here = device == "cpu" or ((device is None or absent) and not torch.accelerator.is_available())
        # On one core alone OpenVINO's bfloat16 crashes (`openvino_reader.settings`).
        self._precision = {
            "low": (dtype == "bfloat16" or (dtype == "auto" and has_native_bfloat16())) and cores() > 1,
            "whole": dtype == "float32",
        }
        self._backbone: Backbone | None = None
        self._adapters: dict[Weights, Matrices] = {}
        self._active: Weights | None = None
        self._unsuitable: set[Weights] = set()
        self._other: PeftEngine | None = None

    def speak(self, requests: Sequence[MessageRequest]) -> list[Message]:
        """Generate one message for each request, in one batch (`MessageEngine.speak`)."""
        community = requests[0].community
        weights = community.checkpoint or community.backbone
        if weights is None:
            raise ModPluralError(
                f"community {community.name!r} is an {community.kind}; the openvino engine has no weights for it."
            )
        if not self._here or not self._unsuitable.isdisjoint((weights, community.adapter)):
            return self._hand_over(requests)
        try:
            backbone = self._load(weights, community.name)
            self._set_adapter(backbone, community)
        except (UnsuitableError, UnusualAdapterError) as error:
            adapter = community.adapter if self._backbone is not None else None
            self._unsuitable.add(adapter or weights)
            logger.warning("%s speaks through transformers, OpenVINO cannot run it: %s.", community.name, error)
            return self._hand_over(requests)
        prompts = [render(backbone.tokenizer, request.turns) for request in requests]
        generated = backbone.generate(prompts, [request.key for request in requests], requests[0].decoding)
        return [
            to_message(community.name, backbone.tokenizer, tokens, backbone.stops, length)
            for tokens, length in generated
        ]

    def _hand_over(self, requests: Sequence[MessageRequest]) -> list[Message]:
        if self._other is None:
            self._other = PeftEngine(**self._options)
            self._other.warnings = self.warnings
        return self._other.speak(requests)

    def _load(self, weights: Weights, community: str) -> Backbone:
        if self._backbone is None or self._backbone.weights != weights:
            self._free()
            try:
                self._backbone = Backbone(weights, **self._precision)
            except ModPluralError as error:
                raise ModPluralError(f"community {community!r}: {error}") from error
        return self._backbone

    def _set_adapter(self, backbone: Backbone, community: Community) -> None:
        adapter = community.adapter
        if adapter == self._active and (adapter is None or adapter in self._adapters):
            return
        if adapter is None:
            backbone.set_adapter({})
        elif adapter in self._adapters:
            backbone.set_adapter(self._adapters[adapter])
        else:
            self._attach(backbone, community, adapter)
        self._active = adapter

    def _attach(self, backbone: Backbone, community: Community, adapter: Weights) -> None:
        try:
            matrices = read_matrices(adapter)
            backbone.set_adapter(matrices)
        except (UnsuitableError, UnusualAdapterError):
            raise
        except Exception as error:  # peft raises whatever the file or the Hub raises, OpenVINO what the shapes raise
            raise ModPluralError(
                f"community {community.name!r}: adapter {adapter.path} cannot be attached to its backbone "
                f"({one_line(error)[:300]})."
            ) from error
        self._adapters[adapter] = matrices
        if backbone.adapter_has_no_effect():
            self.warnings.append(adapter_without_effect(community.name))
            logger.warning("%s", self.warnings[-1].text)

    def _free(self) -> None:
        self._backbone, self._active, self._adapters = None, None, {}

    def close(self) -> None:
        """Free the backbone and its adapters."""
        self._free()
        if self._other is not None:
            self._other.close()
