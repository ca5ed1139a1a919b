"""What each backend of the harness can do: one table, by the names of their classes.

The harness is not imported for it. A test compares the table with every backend that the harness has registered: a new
one has to be entered here before it is relied on.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

OPENAI_KEY = "OPENAI_API_KEY"


@dataclass(frozen=True)
class Abilities:
    """What a backend can do.

    Attributes:
        is_api: Whether it asks a server; else the model runs in this process.
        asked_here: Whether `RemoteModel` can send its requests: it generates and scores as ``TemplateAPI`` does.
        chats_only: Whether it takes chats, and no plain prompts.
        openai_chat: Whether it asks for chat completions of the OpenAI protocol.
        takes_seeds: Whether a request may hold a seed; a server that is given one need not honour it.
        draws_itself: Whether it draws random numbers by itself; else they come from torch's generator.
        scores: Whether it gives log-likelihoods.
        scored_models: The only models for which it gives them; None where it does so for all.
        scores_together: Whether it scores several answers to a prompt at the cost of about one.
        library: Library that runs the model in this process, to which further arguments are handed.
        key_variable: Environment variable that holds the key of its server.
    """

    is_api: bool = False
    asked_here: bool = False
    chats_only: bool = False
    openai_chat: bool = False
    takes_seeds: bool = False
    draws_itself: bool = False
    scores: bool = False
    scored_models: tuple[str, ...] | None = None
    scores_together: bool = False
    library: Literal["transformers", "vllm"] | None = None
    key_variable: str = OPENAI_KEY

    def scores_model(self, model: object) -> bool:
        """Whether it gives log-likelihoods for the model of this name."""
        return self.scores and (self.scored_models is None or model in self.scored_models)


_WRITES = Abilities()
_SCORES = Abilities(scores=True)
_TRANSFORMERS = Abilities(scores=True, scores_together=True, library="transformers")
_VLLM = Abilities(scores=True, scores_together=True, library="vllm", draws_itself=True, takes_seeds=True)
_API = Abilities(is_api=True, asked_here=True, takes_seeds=True, draws_itself=True, scores=True)
_OPENAI_CHAT = replace(_API, chats_only=True, openai_chat=True, scores=False)

BACKENDS: Mapping[str, Abilities] = {
    # Its server refuses fields that it does not know, a seed among them.
    "AnthropicChat": replace(_OPENAI_CHAT, openai_chat=False, takes_seeds=False, key_variable="ANTHROPIC_API_KEY"),
    "AnthropicLM": _WRITES,
    "AzureOpenaiChatCompletionsLM": replace(_OPENAI_CHAT, key_variable="AZURE_OPENAI_API_KEY"),
    "DummyLM": _SCORES,
    "GGUFLM": _SCORES,
    "HFAudioLM": _TRANSFORMERS,
    "HFLM": _TRANSFORMERS,
    "HFMultimodalLM": _TRANSFORMERS,
    "HabanaLM": _TRANSFORMERS,
    "IPEXForCausalLM": _TRANSFORMERS,
    "LiteLLMChatCompletion": _OPENAI_CHAT,
    "LocalChatCompletion": _OPENAI_CHAT,
    "LocalCompletionsAPI": _API,
    "MambaLMWrapper": _TRANSFORMERS,
    "MegatronLMEval": _SCORES,
    "Mistral3LM": _TRANSFORMERS,
    "NeMoLM": _SCORES,
    "NeuronModelForCausalLM": _SCORES,
    "ONNXRuntimeGenAILM": _SCORES,
    "ONNXRuntimeLM": _SCORES,
    "OpenAIChatCompletion": _OPENAI_CHAT,
    "OpenAICompletionsAPI": replace(_API, scored_models=("babbage-002", "davinci-002")),
    "OptimumLM": _TRANSFORMERS,
    "SGLANGGENERATEAPI": _API,
    "SGLangLM": Abilities(scores=True, scores_together=True),
    "ScriptedLM": Abilities(scores=True, scores_together=True),
    "SteeredModel": _TRANSFORMERS,
    "TRTLLM": _SCORES,
    "TemplateAPI": _API,
    "TextSynthLM": _SCORES,
    "VLLM": _VLLM,
    "VLLM_VLM": _VLLM,
    "WatsonxLLM": _SCORES,
    "WindowsML": _SCORES,
}
"""Name of a backend's class -> what it can do."""


def abilities_of(kind: type) -> Abilities:
    """Look up what a backend can do.

    A class that is not in the table can do what its nearest ancestor in the table can. Methods that it overrides below
    that ancestor are its own: a generating or scoring method of its own is not replaced by `RemoteModel`, and a class
    with a ``loglikelihood`` of its own gives log-likelihoods. A class that knows better has a class attribute
    ``abilities``.

    Args:
        kind: Class of the backend.
    """
    own: set[str] = set()
    for ancestor in inspect.getmro(kind):
        stated = vars(ancestor).get("abilities")
        found = stated if isinstance(stated, Abilities) else BACKENDS.get(ancestor.__name__)
        if found is not None:
            return _overridden(found, own)
        own |= vars(ancestor).keys()
    return Abilities(scores=callable(getattr(kind, "loglikelihood", None)))


def _overridden(known: Abilities, own: set[str]) -> Abilities:
    if own & {"generate_until", "_loglikelihood_tokens"}:
        known = replace(known, asked_here=False)
    return replace(known, scores=True, scored_models=None) if "loglikelihood" in own else known


FROM_PRETRAINED_ARGUMENTS = (
    *("_commit_hash", "_from_auto", "_from_pipeline", "adapter_kwargs", "adapter_name", "allow_all_kernels"),
    *("attn_implementation", "device_map", "device_mesh", "distributed_config", "dtype", "experts_implementation"),
    *("generation_config", "gguf_file", "kernel_config", "key_mapping", "load_in_4bit", "load_in_8bit", "max_memory"),
    *("offload_buffers", "offload_folder", "output_loading_info", "proxies", "quantization_config", "rope_scaling"),
    *("state_dict", "subfolder", "torch_dtype", "tp_plan", "tp_size", "tqdm_class", "trust_remote_code"),
    *("use_kernels", "variant"),
)
"""Arguments that ``from_pretrained`` of transformers takes without declaring them; ``HFLM`` hands them on."""
