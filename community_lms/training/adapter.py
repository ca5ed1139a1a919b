"""The model that is trained: a frozen backbone with a LoRA adapter on it."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftConfig, PeftModel, TaskType, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.pytorch_utils import Conv1D

from community_lms.training.config import TrainConfig
from community_lms.training.encode import PadLeft, with_branches
from community_lms.training.record import portable_path
from community_lms.weights.embedded import install_hint, resolve_weights
from community_lms.weights.precision import has_native_bfloat16
from plural_tasks.utils.errors import ModPluralError, one_line, unknown_name

WEIGHTS = "adapter_model.safetensors"
SETTINGS = "adapter_config.json"

RECOMPILATIONS = 32
"""How often torch may compile a layer anew before it gives up and says nothing."""


def load_tokenizer(config: TrainConfig) -> Any:
    """The backbone's tokenizer.

    Raises:
        ModPluralError: If it cannot be loaded, or has no token that ends a text.
    """
    path = resolve_weights(config.backbone.path)
    if os.path.isabs(path) and not Path(path).is_dir():
        raise ModPluralError(f"backbone {path}: there is no such folder.")
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, revision=config.backbone.revision)
    except (OSError, ValueError, ImportError) as error:
        raise _unreadable(config, error) from error
    if tokenizer.eos_token_id is None:
        raise ModPluralError(f"backbone {path}: its tokenizer has no eos_token, so no comment would ever end.")
    return tokenizer


def build_model(config: TrainConfig) -> Any:
    """The backbone with a new adapter, or with the one to go on from; only the adapter can be trained.

    Raises:
        ModPluralError: If the backbone or the first adapter cannot be loaded, or they do not fit.
    """
    path = resolve_weights(config.backbone.path)
    try:
        model = AutoModelForCausalLM.from_pretrained(
            path,
            revision=config.backbone.revision,
            dtype=dtype_of(config),
            attn_implementation=attention_of(config),
        )
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        raise _unreadable(config, error) from error
    start = f"init_from {config.init_from.path}" if config.init_from else "lora"
    torch.manual_seed(config.seed)  # the new adapter's weights
    try:
        adapted = _with_adapter(config, model)
        next(iter(adapted.peft_config.values())).base_model_name_or_path = path  # checkpoints look for it
    except ModPluralError:
        raise
    except Exception as error:  # peft raises whatever names, shapes, files and the Hub raise
        raise ModPluralError(f"{start}: no adapter can be put on {path} ({one_line(error)[:300]}).") from error
    adapted.config.use_cache = False  # keys and values would be copied for a next token that never comes
    if config.compile:
        compile_layers(adapted)
    return adapted


def compile_layers(model: Any) -> None:
    """Compile the backbone's layers in place, for batches of any shape; names of modules and weights stay as they are.

    Raises:
        ModPluralError: If it must be done with a C++ compiler and there is none, or the backbone names no layers.
    """
    if on_cpu() and not has_cpp_compiler():
        raise ModPluralError(
            "compile: found no C++ compiler (g++, clang++ or CXX); install one, or set compile: false."
        )
    names = model.get_base_model()._no_split_modules or ()
    layers = [module for module in model.modules() if type(module).__name__ in names]
    if not layers:
        raise ModPluralError(f"compile: {type(model.get_base_model()).__name__} names no layers; set compile: false.")
    # One compilation for each of: with adapter or without, gradient or none, in training or not, mask or none.
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, RECOMPILATIONS)
    for layer in layers:
        layer.compile(dynamic=True)


def has_cpp_compiler() -> bool:
    """Whether there is a C++ compiler, which torch.compile needs on CPUs."""
    named = os.environ.get("CXX")
    return any(shutil.which(name) for name in (*((named,) if named else ()), "g++", "clang++"))


def _with_adapter(config: TrainConfig, model: Any) -> Any:
    cast = config.adapter_precision == "float32"
    if config.init_from is None:
        return get_peft_model(model, _lora(config, model), autocast_adapter_dtype=cast)
    first = config.init_from
    if os.path.isabs(first.path) and not Path(first.path).is_dir():
        raise ModPluralError(f"init_from {first.path}: there is no such folder.")
    shape = PeftConfig.from_pretrained(first.path, revision=first.revision)
    _check_shape(config, shape)
    shape.inference_mode = False
    if "dropout" in config.lora.model_fields_set:
        shape.lora_dropout = config.lora.dropout
    return PeftModel.from_pretrained(
        model, first.path, revision=first.revision, config=shape, is_trainable=True, autocast_adapter_dtype=cast
    )


def _check_shape(config: TrainConfig, shape: Any) -> None:
    """Compare what ``lora`` says with the adapter to go on from; what is not said is not compared."""
    found = {
        "rank": getattr(shape, "r", None),
        "alpha": getattr(shape, "lora_alpha", None),
        "layers": shape.layers_to_transform and tuple(shape.layers_to_transform),
        "target_modules": shape.target_modules and tuple(sorted(shape.target_modules)),
    }
    for name, value in found.items():
        wanted = getattr(config.lora, name)
        if name == "target_modules":
            if wanted is None:  # all linear layers, which an adapter lists by name
                continue
            wanted = tuple(sorted(wanted))
        if name in config.lora.model_fields_set and wanted != value:
            raise ModPluralError(
                f"init_from {config.init_from and config.init_from.path}: has {name} {value}, lora.{name} is {wanted}; "
                "take it out of lora, or give the same."
            )


def _lora(config: TrainConfig, model: Any) -> LoraConfig:
    lora = config.lora
    linear = linear_names(model)
    for name in lora.target_modules or ():
        if not any(full == name or full.endswith(f".{name}") for full, _ in model.named_modules()):
            raise unknown_name("module", name, linear, where="lora.target_modules")
    targets: Any = list(lora.target_modules) if lora.target_modules else "all-linear"
    if lora.layers is not None:
        count = model.config.num_hidden_layers
        beyond = [layer for layer in lora.layers if layer >= count]
        if beyond:
            raise ModPluralError(f"lora.layers: found {beyond[0]}, the backbone has layers 0 to {count - 1}.")
        targets = targets if isinstance(targets, list) else linear  # peft takes layers with names only
    return LoraConfig(
        task_type=TaskType.CAUSAL_LM,
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=targets,
        layers_to_transform=list(lora.layers) if lora.layers is not None else None,
    )


def linear_names(model: Any) -> list[str]:
    """Names of the backbone's linear layers but the output layer, each once."""
    head = model.get_output_embeddings()
    linear = {
        name.rsplit(".", 1)[-1]
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear | Conv1D) and module is not head
    }
    return sorted(linear)


def on_cpu() -> bool:
    """Whether a run trains on CPUs: accelerate joins processes there only where it is told that they are meant."""
    asked = os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes")
    return asked or not torch.accelerator.is_available()


def attention_of(config: TrainConfig) -> str | None:
    """The backbone's attention on this machine; None leaves it to transformers."""
    if config.attention != "auto":
        return config.attention
    return "eager" if on_cpu() else None


def dtype_of(config: TrainConfig) -> torch.dtype:
    """The backbone's precision on this machine."""
    if config.precision != "auto":
        return getattr(torch, config.precision)
    if torch.cuda.is_available():
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    return torch.bfloat16 if has_native_bfloat16() else torch.float32


def check_packing(model: Any) -> None:
    """Make sure that the backbone keeps packed examples apart.

    Two rows differ in their first example only; the scores of the second must be the same.

    Raises:
        ModPluralError: If they are not: attention, or the state of a recurrent model, crosses examples.
    """
    size = 6
    tokens = torch.arange(2 * size, device=model.device)[None] % model.config.get_text_config().vocab_size
    other = tokens.clone()
    other[:, :size] = tokens[:, :size].flip(1)
    positions = torch.arange(size, device=model.device).repeat(2)[None]
    training = model.training
    model.eval()
    with torch.inference_mode():
        first, second = (model(input_ids=row, position_ids=positions).logits[:, size:] for row in (tokens, other))
    model.train(training)
    if not torch.allclose(first, second, rtol=1e-3, atol=1e-3):
        raise ModPluralError(
            f"packing: {type(model.get_base_model()).__name__} with {model.config._attn_implementation} attention does "
            "not keep packed examples apart; set packing: false."
        )


def check_branches(model: Any) -> None:
    """Make sure that the backbone lets each of several replies to a prompt see the prompt and itself alone.

    Raises:
        ModPluralError: If the scores of a second reply are not those that it has without the first.
    """
    tokens = [place % model.config.get_text_config().vocab_size for place in range(3, 12)]
    prompt, first, second = tokens[:3], tokens[3:6], tokens[6:]
    both = {"input_ids": [*prompt, *first, prompt[-1], *second], "answer": 7, "replies": [3, 4]}
    alone = {"input_ids": [*prompt, *second], "answer": 3, "replies": [3]}
    found = []
    training = model.training
    model.eval()
    for example in (both, alone):
        batch = {name: value.to(model.device) for name, value in PadLeft(0)([example]).items()}
        del batch["labels"]
        with torch.inference_mode():
            found.append(model(**with_branches(batch, model.dtype)).logits[:, -3:])
    model.train(training)
    if not torch.allclose(*found, rtol=1e-2, atol=1e-2 * float(found[1].abs().max())):
        raise ModPluralError(
            f"replies_together: {type(model.get_base_model()).__name__} with {model.config._attn_implementation} "
            "attention does not keep replies apart; set replies_together: 1."
        )


def save_adapter(model: Any, config: TrainConfig, folder: Path, *, state_dict: Any = None) -> None:
    """Write the adapter as peft does, in the precision that the configuration asks for, without machine paths.

    Each file appears whole. ``state_dict`` has the weights where the model's own are spread over processes.

    Raises:
        ModPluralError: If a weight is not finite, or the folder cannot be written.
    """
    peft_config = next(iter(model.peft_config.values()))
    peft_config.base_model_name_or_path = portable_path(config.backbone.path)
    peft_config.revision = config.backbone.revision
    peft_config.inference_mode = True
    if isinstance(peft_config.target_modules, set):
        peft_config.target_modules = sorted(peft_config.target_modules)  # a set is written in another order each time
    try:
        folder.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".adapter-", dir=folder))
        try:
            model.save_pretrained(scratch, state_dict=state_dict, save_embedding_layers=False)
            _finish(scratch, config)
            for name in (WEIGHTS, SETTINGS):
                os.chmod(scratch / name, 0o644)
                os.replace(scratch / name, folder / name)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        raise ModPluralError(f"{folder}: the adapter cannot be written ({error.strerror}).") from error


def _finish(scratch: Path, config: TrainConfig) -> None:
    tensors = load_file(scratch / WEIGHTS)
    if not all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
        raise ModPluralError(
            f"{config.community}: the training diverged (weights are not finite), no adapter is written. "
            f"Lower learning_rate (now {config.learning_rate}) or raise warmup, and begin again with --fresh."
        )
    if config.save_precision == "bfloat16":
        tensors = {name: tensor.to(torch.bfloat16) for name, tensor in tensors.items()}
        save_file(tensors, scratch / WEIGHTS, metadata={"format": "pt"})


def _unreadable(config: TrainConfig, error: Exception) -> ModPluralError:
    path = config.backbone.path
    return ModPluralError(f"backbone {path}: cannot be loaded ({one_line(error)[:300]}).{install_hint(path)}")
