"""The configuration of a training run: validated data, read from a YAML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from community_lms.pools.spec import Name, Weights, as_weights
from community_lms.training.cleaning import Cleaning
from community_lms.training.corpus import Corpus
from community_lms.weights.embedded import EMBEDDED_MODELS
from plural_tasks.schema import Text
from plural_tasks.utils.checked import Checked, parse, read_yaml
from plural_tasks.utils.errors import ModPluralError

Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0.0, lt=1.0)]
Precision = Literal["auto", "float32", "bfloat16", "float16"]


class Lora(Checked):
    """Shape of the adapter (Hu et al. 2021, arXiv 2106.09685).

    Attributes:
        rank: Rank of the update of each adapted matrix.
        alpha: The update is scaled by ``alpha / rank``.
        dropout: Dropout on the adapter's input, 0..1.
        target_modules: Names of the adapted modules; None takes all linear layers but the output layer.
        layers: Only these layers of the backbone, counted from 0; None takes all. Layers below the first adapted one
            need no backward pass.
    """

    rank: Positive = 16
    alpha: Annotated[float, Field(gt=0.0)] = 32.0
    dropout: Share = 0.05
    target_modules: tuple[Text, ...] | None = None
    layers: tuple[Annotated[int, Field(ge=0)], ...] | None = None


class TrainConfig(Checked):
    """Everything that decides a community LM's weights. The defaults suit a backbone of 7B on one GPU of 24 GB.

    Attributes:
        community: Name of the community, as in a pool file.
        description: The community in a few words.
        backbone: The model under the adapter.
        corpus: Texts of the community; several corpora are joined.
        cleaning: Cleaning of the texts.
        output: Folder of the adapter; by default ``community`` beside the configuration file.
        init_from: An adapter of the same shape to go on from, in place of a new one. Where ``lora`` is given, it must
            say that shape.
        licence: Licence of the weights; by default those of the corpora, joined.
        lora: Shape of the adapter.
        max_length: Longest example in tokens. Longer prompts lose their beginning, longer comments their end, and
            plain text is cut into pieces.
        replies_together: Consecutive records that answer the same prompt make one example, up to so many of them: the
            prompt is computed once, and each reply sees the prompt and itself alone. Losses are those of the records
            one by one; ``batch_size`` counts prompts. Not with ``packing`` or flash attention.
        packing: Put the examples of a batch into one row without padding (positions start anew at each example, and
            attention does not cross; a backbone that cannot do so is refused). Saves work where flash attention serves
            the backbone.
        epochs: Passes over the corpus.
        max_steps: Stop after so many optimiser steps; None leaves it to ``epochs``.
        batch_size: Examples on each device at once.
        gradient_accumulation: Batches before an optimiser step.
        learning_rate: Peak learning rate of AdamW.
        schedule: Shape in which the learning rate goes down.
        warmup: Share of the steps in which it goes up.
        weight_decay: Weight decay of AdamW.
        max_grad_norm: Gradients are clipped to this norm.
        seed: Seed of weights, order and dropout.
        precision: Precision of the backbone's weights; ``auto`` is bfloat16 where the device has it, else float32.
        attention: transformers' implementation; ``auto`` is ``eager`` on CPUs, where it is the faster one
            for comments of usual length (README.md), else what transformers takes by itself.
        compile: Compile the backbone's layers (torch.compile): faster on CPUs, after about a minute (README.md). Losses
            differ by rounding from those of a run without.
        adapter_precision: Precision of the adapter while it is trained; the optimiser moves float32 weights all the
            same (but under FSDP).
        save_precision: Precision of the adapter's file.
        gradient_checkpointing: Recompute activations in the backward pass; None does so on GPUs.
        holdout: Share of the corpus that is never trained on; the loss is measured there.
        holdout_limit: The loss is measured on so many held-out records at most, the first of each corpus.
        evaluate_every: Optimiser steps between two measurements of the held-out loss; None measures ten times.
        save_every: Optimiser steps between two checkpoints; None saves whenever it measures.
    """

    community: Name
    description: Text
    backbone: Weights
    corpus: tuple[Corpus, ...]
    cleaning: Cleaning = Cleaning()
    output: Text | None = None
    init_from: Weights | None = None
    licence: str = ""
    lora: Lora = Lora()
    max_length: Annotated[int, Field(ge=16)] = 1024
    replies_together: Positive = 1
    packing: bool = False
    epochs: Annotated[float, Field(gt=0.0)] = 2.0
    max_steps: Positive | None = None
    batch_size: Positive = 8
    gradient_accumulation: Positive = 4
    learning_rate: Annotated[float, Field(gt=0.0)] = 2e-4
    schedule: Literal["cosine", "linear", "constant_with_warmup"] = "cosine"
    warmup: Share = 0.03
    weight_decay: Annotated[float, Field(ge=0.0)] = 0.0
    max_grad_norm: Annotated[float, Field(gt=0.0)] = 1.0
    seed: Annotated[int, Field(ge=0)] = 0
    precision: Precision = "auto"
    attention: Literal["auto", "eager", "sdpa", "flash_attention_2", "flash_attention_3", "flex_attention"] = "auto"
    compile: bool = False
    adapter_precision: Literal["float32", "bfloat16"] = "float32"
    save_precision: Literal["float32", "bfloat16"] = "float32"
    gradient_checkpointing: bool | None = None
    holdout: Share = 0.02
    holdout_limit: Positive = 500
    evaluate_every: Positive | None = None
    save_every: Positive | None = None

    _short_form = field_validator("backbone", "init_from", mode="before")(as_weights)

    @field_validator("corpus", mode="before")
    @classmethod
    def _one_corpus(cls, value: Any) -> Any:
        listed = value if isinstance(value, list | tuple) else [value]
        return [{"path": entry} if isinstance(entry, str) else entry for entry in listed]

    @model_validator(mode="after")
    def _check(self) -> TrainConfig:
        if not self.corpus:
            raise ValueError("corpus is empty; name at least one file or data set.")
        if self.replies_together > 1:
            if self.packing:
                raise ValueError("replies_together and packing cannot both be used; leave one of them out.")
            if self.attention not in ("auto", "eager", "sdpa"):
                raise ValueError(f"replies_together needs eager or sdpa attention, attention is {self.attention}.")
        return self


def read_config(path: Path, overrides: dict[str, Any] | None = None) -> TrainConfig:
    """Read a training configuration; relative paths in it are looked up beside the file.

    Args:
        path: YAML file.
        overrides: Fields to set in place of the file's; of a mapping (``lora``) only the fields that it names.

    Raises:
        ModPluralError: If the file is missing or malformed, or a field is unknown or has a bad value.
    """
    data = read_yaml(path)
    if not isinstance(data, dict):
        raise ModPluralError(
            f"{path}: found {type(data).__name__}, expected a mapping with community, backbone, corpus."
        )
    config = parse(TrainConfig, _merged(data, overrides or {}), where=str(path))
    corpora = tuple(entry.model_copy(update={"path": _beside(entry.path, path)}) for entry in config.corpus)
    changes: dict[str, Any] = {"corpus": corpora, "output": _output(config, path, overrides or {})}
    for name in ("backbone", "init_from"):
        weights = getattr(config, name)
        if weights is not None:
            changes[name] = weights.model_copy(update={"path": _beside(weights.path, path)})
    return config.model_copy(update=changes)


def _merged(data: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    merged = dict(data)
    for name, value in overrides.items():
        both = isinstance(value, dict) and isinstance(merged.get(name), dict)
        merged[name] = {**merged[name], **value} if both else value
    return merged


def _output(config: TrainConfig, path: Path, overrides: dict[str, Any]) -> str:
    if "output" in overrides:  # from the command line: relative to where the user stands
        return str(overrides["output"])
    return str(path.parent / (config.output or config.community))


def _beside(name: str, path: Path) -> str:
    """A file beside the configuration; what is not there is a name on the Hub, or an error later."""
    if name in EMBEDDED_MODELS:
        return name
    if name.startswith((".", "/", "~")) or (path.parent / name).exists():
        return str((path.parent / Path(name).expanduser()).resolve())
    return name
