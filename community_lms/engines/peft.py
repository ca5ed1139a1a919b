"""Generation with transformers: one backbone in memory, and every adapter attached to it once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LogitsProcessorList

from community_lms.engines.chat_text import encode, render, stop_tokens, to_message
from community_lms.engines.sampling import KeyedSampler
from community_lms.engines.warning import EngineWarning, adapter_without_effect
from community_lms.messages.message import Message, MessageRequest
from community_lms.pools.spec import Community, Weights
from community_lms.weights.embedded import install_hint, resolve_weights
from community_lms.weights.precision import has_native_bfloat16
from plural_tasks.utils.errors import ModPluralError, one_line

logger = logging.getLogger(__name__)

_PROBE = "The most important thing in life is"


class PeftEngine:
    """Generates with transformers, switching LoRA adapters on one backbone.

    Personas and full checkpoints are served too. Where a pool has several backbones, its communities come in the
    pool's order, and a backbone is freed when the next one is needed.
    """

    name = "peft"

    def __init__(self, *, batch_size: int = 16, device: str | None = None, dtype: str = "auto") -> None:
        """Make the engine.

        Args:
            batch_size: Messages generated at once.
            device: Torch device; by default the accelerator if there is one.
            dtype: Torch dtype of the weights by name; ``auto`` is bfloat16 on a CPU that multiplies it natively, else
                the one they were saved in.
        """
        self.batch_size = batch_size
        self.warnings: list[EngineWarning] = []
        usable = device if device and not (device.startswith("cuda") and not torch.cuda.is_available()) else None
        self._device = usable or ("cuda" if torch.cuda.is_available() else "cpu")
        low = dtype == "auto" and self._device == "cpu" and has_native_bfloat16()
        self._dtype = "bfloat16" if low else dtype
        self._loaded: Weights | None = None
        self._model: Any = None
        self._tokenizer: Any = None
        self._adapters: dict[Weights, str] = {}

    def speak(self, requests: Sequence[MessageRequest]) -> list[Message]:
        """Generate one message for each request, in one batch (`MessageEngine.speak`)."""
        community = requests[0].community
        weights = community.checkpoint or community.backbone
        if weights is None:
            raise ModPluralError(
                f"community {community.name!r} is an {community.kind}; the peft engine has no weights for it."
            )
        self._load(weights, community.name)
        with self._active(community), torch.inference_mode():
            return self._generate(community, requests)

    def _generate(self, community: Community, requests: Sequence[MessageRequest]) -> list[Message]:
        decoding = requests[0].decoding
        prompts = [render(self._tokenizer, request.turns) for request in requests]
        encoded = encode(self._tokenizer, self._model.config, prompts, decoding.max_new_tokens)
        encoded = {name: tensor.to(self._model.device) for name, tensor in encoded.items()}
        sampler = [KeyedSampler([request.key for request in requests], decoding)] if decoding.temperature > 0 else []
        output = self._model.generate(
            **encoded,
            max_new_tokens=decoding.max_new_tokens,
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            logits_processor=LogitsProcessorList(sampler),
            pad_token_id=self._tokenizer.pad_token_id,
        )
        width = encoded["input_ids"].shape[1]
        lengths = encoded["attention_mask"].sum(dim=1).tolist()
        stops = stop_tokens(self._tokenizer, self._model.generation_config)
        return [
            to_message(community.name, self._tokenizer, row[width:].tolist(), stops, length)
            for row, length in zip(output, lengths, strict=True)
        ]

    def _load(self, weights: Weights, community: str) -> None:
        if self._loaded == weights:
            return
        self.close()
        path = resolve_weights(weights.path)
        logger.info("Loading %s for the communities", path)
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(path, revision=weights.revision, padding_side="left")
            self._model = AutoModelForCausalLM.from_pretrained(path, revision=weights.revision, dtype=self._dtype)
            self._model.to(self._device).eval()
        except (OSError, ValueError, ImportError, RuntimeError) as error:
            raise ModPluralError(
                f"community {community!r}: {path} cannot be loaded on {self._device} ({one_line(error)[:300]})."
                + install_hint(weights.path)
            ) from error
        if self._tokenizer.pad_token_id is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        self._loaded = weights

    def _active(self, community: Community) -> AbstractContextManager[Any]:
        """Let the backbone speak as the community: switch its adapter on, or all adapters off."""
        if community.adapter is None:
            return self._model.disable_adapter() if self._adapters else nullcontext()
        if community.adapter not in self._adapters:
            self._attach(community)
        self._model.set_adapter(self._adapters[community.adapter])
        return nullcontext()

    def _attach(self, community: Community) -> None:
        from peft import PeftModel

        adapter = community.adapter
        assert adapter is not None
        name = f"community_{len(self._adapters)}"
        try:
            if not self._adapters:
                self._model = PeftModel.from_pretrained(
                    self._model, adapter.path, adapter_name=name, revision=adapter.revision
                ).eval()
            else:
                self._model.load_adapter(adapter.path, adapter_name=name, revision=adapter.revision)
        except Exception as error:  # peft raises whatever the file, the Hub or the shapes raise
            self.close()  # a half-attached adapter stays in the backbone's layers
            raise ModPluralError(
                f"community {community.name!r}: adapter {adapter.path} cannot be attached to its backbone "
                f"({one_line(error)[:300]})."
            ) from error
        self._adapters[adapter] = name
        self._check_effect(community, name)

    def _check_effect(self, community: Community, name: str) -> None:
        """Warn of an adapter that leaves the next token's scores unchanged: it is not in use."""
        encoded = self._tokenizer(_PROBE, return_tensors="pt", return_token_type_ids=False).to(self._model.device)
        with torch.inference_mode():
            self._model.set_adapter(name)
            adapted = self._model(**encoded).logits
            with self._model.disable_adapter():
                plain = self._model(**encoded).logits
        if torch.equal(adapted, plain):
            self.warnings.append(adapter_without_effect(community.name))
            logger.warning("%s", self.warnings[-1].text)

    def close(self) -> None:
        """Free the backbone and its adapters."""
        self._loaded, self._model, self._tokenizer, self._adapters = None, None, None, {}
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
