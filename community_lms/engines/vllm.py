"""vLLM in this process: one backbone with all its adapters, communities mixed in every batch.

Random numbers are vLLM's own, drawn from a seed for each message: messages are not those of ``peft`` and have keys of
their own. Written against vLLM 0.33 and tested with a stand-in that has its signatures; it was not run on a GPU.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterable, Sequence
from typing import Any

from community_lms.engines.vllm_adapters import Adapters, Room
from community_lms.engines.warning import EngineWarning
from community_lms.messages.message import Message, MessageRequest
from community_lms.pools.spec import Community, Weights
from community_lms.weights.embedded import install_hint, resolve_weights
from plural_tasks.utils.errors import ModPluralError, one_line

logger = logging.getLogger(__name__)

MEMORY = 0.9
"""Share of the GPU's free memory that is taken by default."""


class VLLMEngine:
    """Generates with one `vllm.LLM` at a time; a backbone is freed when the next one is needed.

    A backbone is loaded anew for adapters of a greater rank, or more at once, than it was loaded for.
    """

    name = "vllm"

    def __init__(self, *, batch_size: int = 512, device: str | None = None, dtype: str = "auto") -> None:
        """Make the engine.

        Args:
            batch_size: Messages asked for at once; vLLM schedules them itself.
            device: Not used, vLLM takes the GPUs that CUDA shows.
            dtype: Type of the weights; ``auto`` is the one they were saved in (vLLM halves float32).
        """
        self.batch_size = batch_size
        self.warnings: list[EngineWarning] = []
        self._dtype = dtype
        self._llm: Any = None
        self._loaded: Weights | None = None
        self._room = Room()
        self._adapters = Adapters(self.warnings)

    def speak(self, requests: Sequence[MessageRequest]) -> list[Message]:
        """Generate one message for each request, in one batch (`MessageEngine.speak`)."""
        members = {request.community.name: request.community for request in requests}
        weights = [_weights(member) for member in members.values()]
        if any(other != weights[0] for other in weights):
            raise ValueError("a batch of the engine vllm is of one backbone or checkpoint")
        self._load(weights[0], members.values())
        prompts = [self._prompt(request) for request in requests]
        settings = [_sampling(request) for request in requests]
        adapters = [self._adapters.request(request.community) for request in requests]
        try:
            outputs = self._llm.generate(prompts, settings, use_tqdm=False, lora_request=adapters)
        except Exception as error:  # vLLM's engine may be dead after whatever it raised
            self.close()
            raise ModPluralError(
                f"{_named(members)}: vLLM does not answer ({type(error).__name__}: {one_line(error)[:300]})."
            ) from error
        return [_message(request, output) for request, output in zip(requests, outputs, strict=True)]

    def _prompt(self, request: MessageRequest) -> dict[str, list[int]]:
        """Tokens of the prompt, in the backbone's chat template, cut on the left where a message would not fit."""
        from community_lms.engines.chat_text import render

        tokenizer = self._llm.get_tokenizer()
        templated = getattr(tokenizer, "chat_template", None) is not None
        tokens = list(tokenizer.encode(render(tokenizer, request.turns), add_special_tokens=not templated))
        room = max(1, int(self._llm.model_config.max_model_len) - request.decoding.max_new_tokens)
        if len(tokens) > room:
            logger.warning("A community prompt of %d tokens was cut on the left to %d.", len(tokens), room)
        return {"prompt_token_ids": tokens[-room:]}

    def _load(self, weights: Weights, members: Iterable[Community]) -> None:
        """Load the backbone, unless it is in memory with room for the adapters of these members."""
        library, members = _library(), list(members)
        needed = self._adapters.room_for(members)
        if self._loaded == weights and self._room.holds(needed):
            return
        room = needed.joined(self._room) if self._loaded == weights else needed
        self.close()
        name, path = members[0].name, resolve_weights(weights.path)
        logger.info("Loading %s for the communities", path)
        try:
            self._llm = library.LLM(**self._options(path, weights.revision, room))
        except Exception as error:  # vLLM raises whatever the weights, the GPU or CUDA raise
            raise ModPluralError(
                f"community {name!r}: {path} cannot be loaded by vLLM ({type(error).__name__}: "
                f"{one_line(error)[:300]}).{install_hint(weights.path)}"
            ) from error
        self._loaded, self._room = weights, room

    def _options(self, path: str, revision: str | None, room: Room) -> dict[str, Any]:
        options: dict[str, Any] = {
            "model": path,
            "revision": revision,
            "tokenizer_revision": revision,
            "tokenizer_mode": "hf",  # `render` needs its chat template
            "dtype": self._dtype,
            "enable_prefix_caching": True,
            "max_model_len": -1,  # as long as the weights allow and memory has room for
            "gpu_memory_utilization": _share_of_memory(),
        }
        if room.loras:
            options |= {"enable_lora": True, "max_lora_rank": room.rank, "max_loras": room.loras}
        return options

    def close(self) -> None:
        """Free the backbone and its adapters."""
        llm, self._llm, self._loaded, self._room = self._llm, None, None, Room()
        if llm is None:
            return
        from vllm.distributed.parallel_state import cleanup_dist_env_and_memory

        llm.llm_engine.engine_core.shutdown()
        del llm
        gc.collect()
        cleanup_dist_env_and_memory()


def _library() -> Any:
    try:
        import vllm
    except ImportError as error:
        raise ModPluralError("message engine 'vllm' needs vLLM: pip install 'modplural[vllm]'.") from error
    return vllm


def _weights(community: Community) -> Weights:
    weights = community.checkpoint or community.backbone
    if weights is None:
        raise ModPluralError(
            f"community {community.name!r} is an {community.kind}; the vllm engine has no weights for it."
        )
    return weights


def _sampling(request: MessageRequest) -> Any:
    from vllm import SamplingParams

    decoding = request.decoding
    return SamplingParams(
        temperature=decoding.temperature,
        top_p=decoding.top_p,
        max_tokens=decoding.max_new_tokens,
        seed=request.number,
    )


def _message(request: MessageRequest, output: Any) -> Message:
    first = output.outputs[0]
    return Message(request.community.name, first.text.strip(), len(output.prompt_token_ids or ()), len(first.token_ids))


def _named(members: Iterable[str]) -> str:
    names = list(members)
    return f"community {names[0]!r}" if len(names) == 1 else f"communities {', '.join(map(repr, names))}"


def _share_of_memory() -> float:
    """Share of the GPU's memory to take: `MEMORY`, or as much of what a base LLM in this process has left."""
    import torch

    if not (torch.cuda.is_available() and torch.cuda.is_initialized()):
        return MEMORY
    free, whole = torch.cuda.mem_get_info()
    return float(round(MEMORY * free / whole, 3))
