"""Stands in for vLLM 0.33: its signatures, and refusals of what it refuses. Texts are drawn, not generated.

A text depends on weights, adapter, prompt and seed alone, so that the engine around it can be held to its contract.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
KNOWN = {
    *("model", "revision", "tokenizer_revision", "tokenizer_mode", "dtype", "seed", "enforce_eager"),
    *("tensor_parallel_size", "gpu_memory_utilization", "max_model_len", "enable_prefix_caching", "disable_log_stats"),
    *("enable_lora", "max_lora_rank", "max_loras", "max_cpu_loras"),
}
VOICES = ("we would", "we would not", "it depends", "who decides", "all of us", "none of us", "perhaps", "never")


class VLLMValidationError(ValueError):
    """As vLLM's."""


@dataclass(frozen=True)
class LoRARequest:
    """As ``vllm.lora.request.LoRARequest``: two of one name are the same adapter."""

    lora_name: str
    lora_int_id: int
    lora_path: str = ""

    def __post_init__(self) -> None:
        if self.lora_int_id < 1:
            raise ValueError(f"id must be > 0, got {self.lora_int_id}")
        assert self.lora_path, "lora_path cannot be empty"


class SamplingParams:
    """As ``vllm.SamplingParams``."""

    def __init__(
        self,
        *,
        temperature: float = 1.0,
        top_p: float = 1.0,
        top_k: int = 0,
        seed: int | None = None,
        max_tokens: int | None = 16,
    ) -> None:
        if temperature < 0.0:
            raise VLLMValidationError(f"temperature must be non-negative, got {temperature}.")
        if not 0.0 < top_p <= 1.0:
            raise VLLMValidationError(f"top_p must be in (0, 1], got {top_p}.")
        if max_tokens is not None and max_tokens < 1:
            raise VLLMValidationError(f"max_tokens must be at least 1, got {max_tokens}.")
        if seed is not None and not -(2**63) <= seed < 2**63:
            raise OverflowError("Overflow when unpacking long")
        self.temperature, self.top_p, self.seed, self.max_tokens = temperature, top_p, seed, max_tokens


@dataclass
class Output:
    """One of the outputs of a request."""

    text: str
    token_ids: list[int]


@dataclass
class RequestOutput:
    """What came of a request."""

    prompt_token_ids: list[int]
    outputs: list[Output]


@dataclass
class _ModelConfig:
    max_model_len: int


class _Core:
    def __init__(self, stand_in: StandIn) -> None:
        self._stand_in = stand_in

    def shutdown(self, timeout: float | None = None) -> None:
        self._stand_in.alive -= 1


class StandIn:
    """The module, and what was done with it.

    Attributes:
        made: Options of every `LLM`.
        calls: Of ``generate``: prompts, settings and adapters.
        alive: `LLM`s that hold the GPU.
        waits: How often a request had to wait because ``max_loras`` other adapters were in use.
        cleaned: How often memory was cleaned up.
    """

    def __init__(self) -> None:
        self.made: list[dict[str, Any]] = []
        self.calls: list[tuple[list[list[int]], list[SamplingParams], list[LoRARequest | None]]] = []
        self.alive = 0
        self.waits = 0
        self.cleaned = 0

    def install(self, monkeypatch: pytest.MonkeyPatch) -> StandIn:
        """Put it where ``import vllm`` finds it."""
        modules = {
            "vllm": {"LLM": lambda *given, **options: LLM(self, *given, **options), "SamplingParams": SamplingParams},
            "vllm.lora": {},
            "vllm.lora.request": {"LoRARequest": LoRARequest},
            "vllm.distributed": {},
            "vllm.distributed.parallel_state": {"cleanup_dist_env_and_memory": self._clean},
        }
        for name, content in modules.items():
            module = ModuleType(name)
            vars(module).update(content)
            monkeypatch.setitem(sys.modules, name, module)
        return self

    def _clean(self, shutdown_ray: bool = False) -> None:
        self.cleaned += 1


class LLM:
    """As ``vllm.LLM``."""

    def __init__(self, stand_in: StandIn, model: str, **options: Any) -> None:
        from transformers import AutoConfig, AutoTokenizer

        for name in options:
            if name not in KNOWN:
                raise TypeError(f"EngineArgs.__init__() got an unexpected keyword argument '{name}'")
        if stand_in.alive:
            raise ValueError("Free memory on device cuda:0 is less than desired GPU memory utilization")
        if options.get("max_lora_rank", 16) not in RANKS or options.get("max_loras", 1) < 1:
            raise VLLMValidationError("1 validation error for LoRAConfig")
        if options.get("dtype", "auto") not in ("auto", "half", "float16", "bfloat16", "float", "float32"):
            raise VLLMValidationError(f"Unknown dtype: {options['dtype']!r}")
        config = AutoConfig.from_pretrained(model, revision=options.get("revision"))
        wanted = options.get("max_model_len")
        longest = config.max_position_embeddings
        self.model_config = _ModelConfig(longest if wanted in (None, -1) else wanted)
        self.llm_engine = ModuleType("llm_engine")
        self.llm_engine.engine_core = _Core(stand_in)  # type: ignore[attr-defined]
        self._stand_in, self._model, self._options = stand_in, model, options
        self._tokenizer = AutoTokenizer.from_pretrained(model)
        self._by_number: dict[int, str] = {}
        stand_in.alive += 1
        stand_in.made.append({"model": model, **options})

    def get_tokenizer(self) -> Any:
        return self._tokenizer

    def generate(
        self,
        prompts: Any,
        sampling_params: Any = None,
        *,
        use_tqdm: bool = True,
        lora_request: Any = None,
    ) -> list[RequestOutput]:
        assert self._stand_in.alive == 1, "the engine was shut down"
        loras = list(lora_request) if isinstance(lora_request, list | tuple) else [lora_request] * len(prompts)
        if len(loras) != len(prompts):
            raise VLLMValidationError(
                f"The lengths of prompts ({len(prompts)}) and lora_request ({len(loras)}) must be the same."
            )
        tokens = [prompt["prompt_token_ids"] for prompt in prompts]
        self._stand_in.calls.append((tokens, list(sampling_params), loras))
        self._schedule(loras)
        return [self._output(*one) for one in zip(tokens, sampling_params, loras, strict=True)]

    def _schedule(self, loras: list[LoRARequest | None]) -> None:
        """Requests with more adapters than have room wait for their turn, as in vLLM's scheduler."""
        running: set[int] = set()
        for lora in filter(None, loras):
            if len(running) == self._options.get("max_loras", 1) and lora.lora_int_id not in running:
                self._stand_in.waits += 1
                continue
            running.add(lora.lora_int_id)

    def _output(self, tokens: list[int], settings: SamplingParams, lora: LoRARequest | None) -> RequestOutput:
        longest = self.model_config.max_model_len
        if not tokens:
            raise VLLMValidationError("The decoder prompt cannot be empty")
        if len(tokens) >= longest:
            raise VLLMValidationError(
                f"The decoder prompt (length {len(tokens)}) is longer than the maximum model length of {longest}."
            )
        seed = settings.seed if settings.temperature > 0 else None
        facts = json.dumps([Path(self._model).name, self._adapter(lora), tokens, seed])
        digest = hashlib.sha256(facts.encode()).digest()
        words = [VOICES[byte % len(VOICES)] for byte in digest[:6]][: min(settings.max_tokens or 16, longest)]
        return RequestOutput(tokens, [Output(" " + " ".join(words) + " ", list(range(len(words))))])

    def _adapter(self, lora: LoRARequest | None) -> str:
        if lora is None:
            return ""
        if not self._options.get("enable_lora"):
            raise VLLMValidationError(f"Got lora_request {lora} but LoRA is not enabled!")
        if self._by_number.setdefault(lora.lora_int_id, lora.lora_path) != lora.lora_path:
            raise AssertionError("one id for two adapters: vLLM would take the first for both")
        config = json.loads((Path(lora.lora_path) / "adapter_config.json").read_text())
        rank, most = max(config["r"], *(config.get("rank_pattern") or {}).values(), 0), self._options["max_lora_rank"]
        if rank > most:
            raise ValueError(f"LoRA rank {rank} is greater than max_lora_rank {most}.")
        if config.get("use_dora"):
            raise ValueError("vLLM does not yet support DoRA.")
        return Path(lora.lora_path).name
