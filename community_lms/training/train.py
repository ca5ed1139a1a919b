"""Train a community LM: records in, LoRA adapter out; interrupted runs go on where the last checkpoint stood."""

from __future__ import annotations

import logging
import math
import os
import warnings
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainingArguments

from community_lms.training.adapter import build_model, check_branches, check_packing, dtype_of, load_tokenizer, on_cpu
from community_lms.training.callbacks import (
    CHECKPOINTS,
    CheckpointKeeper,
    Progress,
    ResumableOrder,
    RunClock,
    last_checkpoint,
)
from community_lms.training.config import TrainConfig
from community_lms.training.data import EncodedCorpus, load_or_encode
from community_lms.training.encode import IGNORED, Pack, PadLeft, with_branches
from community_lms.training.optimizer import MasterAdamW
from community_lms.training.record import RUN_INFO
from community_lms.training.run_folder import CONFIG, ENCODED, close_folder, open_folder
from plural_tasks.utils.errors import ModPluralError

logger = logging.getLogger(__name__)

MEASUREMENTS = 10
"""Measurements of the held-out loss in a run, where the configuration does not say."""

__all__ = ["CONFIG", "CommunityTrainer", "summed_loss", "train"]


class CommunityTrainer(Trainer):
    """transformers' trainer with a held-out loss per token, and an order of examples that can be drawn again."""

    control: Any

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Measure the mean negative log-likelihood per token of the held-out comments, in nats."""
        sums = torch.zeros(2, dtype=torch.float64)
        self.model.eval()
        with torch.inference_mode():
            for counted, batch in self._held_out_batches():
                inputs = self._prepare_inputs(batch)
                labels = inputs.pop("labels")
                loss = summed_loss(self.model(**inputs).logits, labels)
                if counted:
                    sums += torch.tensor([float(loss), float((labels[:, 1:] != IGNORED).sum())], dtype=torch.float64)
        self.model.train()
        total, tokens = self.accelerator.reduce(sums.to(self.args.device), reduction="sum").tolist()
        metrics = {"eval_loss": total / tokens}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _held_out_batches(self) -> Any:
        """This process's batches. All processes run equally many; what only fills up is not counted."""
        size, each = self.args.per_device_eval_batch_size, self.args.world_size
        mine = list(range(self.args.process_index, len(self.eval_dataset), each))
        batches = [mine[start : start + size] for start in range(0, len(mine), size)]
        needed = math.ceil(math.ceil(len(self.eval_dataset) / each) / size)
        listed = batches + [[0]] * (needed - len(batches))
        loader = DataLoader(self.eval_dataset, batch_sampler=listed, collate_fn=self.data_collator)
        return ((place < len(batches), batch) for place, batch in enumerate(loader))

    def _load_from_checkpoint(self, *args: Any, **settings: Any) -> None:
        precisions = [weight.dtype for weight in self.model.parameters()]
        super()._load_from_checkpoint(*args, **settings)
        for weight, precision in zip(self.model.parameters(), precisions, strict=True):
            weight.data = weight.data.to(precision)  # peft reads adapters as float32

    def _prepare_inputs(self, inputs: Any) -> Any:
        prepared = super()._prepare_inputs(inputs)
        return with_branches(prepared, self.accelerator.unwrap_model(self.model).dtype)

    def _get_train_sampler(self, train_dataset: Any = None) -> ResumableOrder:
        # Several processes must draw the same order, and their global generators part with the first dropout.
        generator = torch.Generator().manual_seed(self.args.seed) if self.args.world_size > 1 else None
        lengths = list((train_dataset if train_dataset is not None else self.train_dataset)["length"])
        size = self.args.train_batch_size * self.args.gradient_accumulation_steps
        order = ResumableOrder(size, lengths=lengths, generator=generator)
        for callback in self.callback_handler.callbacks:
            if isinstance(callback, CheckpointKeeper):
                callback.follow(order)
        return order


def summed_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross entropy summed over the labelled tokens.

    Args:
        logits: B x at least K x vocabulary; the last K columns count.
        labels: B x K; column k + 1 is predicted from column k, `IGNORED` bears no loss.
    """
    scores = logits[:, -labels.shape[1] :][:, :-1]
    wanted = labels[:, 1:]
    kept = wanted != IGNORED
    return torch.nn.functional.cross_entropy(scores[kept].float(), wanted[kept], reduction="sum")


def _loss(outputs: Any, labels: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
    logits = outputs["logits"] if isinstance(outputs, dict) else outputs[0]
    count = num_items_in_batch if num_items_in_batch is not None else (labels[:, 1:] != IGNORED).sum()
    return summed_loss(logits, labels) / count


def train(config: TrainConfig, *, fresh: bool = False) -> Path:
    """Train, or go on; return the adapter's folder.

    A run that finished is not repeated. One that was interrupted goes on from its last whole checkpoint, with the same
    order, dropout and optimiser state, so that its losses are those of an uninterrupted run. Under `accelerate launch`
    all processes call this; the first of them writes.

    Args:
        config: What to train.
        fresh: Throw away what an earlier run left in the output folder.

    Raises:
        ModPluralError: If the folder holds a run with other settings or cannot be written, corpus or backbone cannot be
            used, or the training diverges.
    """
    output = Path(config.output or config.community)
    processes = PartialState(cpu=on_cpu())
    started = int(os.environ.get("WORLD_SIZE", "1"))
    if started > processes.num_processes:  # they would write to one folder unawares
        raise ModPluralError(f"{started} processes were started but do not know of each other; use accelerate launch.")
    if processes.is_main_process:
        open_folder(config, output, fresh=fresh)
    processes.wait_for_everyone()
    if (output / RUN_INFO).is_file():
        logger.info("%s is trained already", output)
        return output
    with warnings.catch_warnings():  # peft asks for a name that transformers gave up
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing.*", category=FutureWarning)
        try:
            _run(config, output, processes)
        except torch.OutOfMemoryError as error:
            raise ModPluralError(
                f"{config.community}: the device has too little memory; lower batch_size (now {config.batch_size}; "
                "raise gradient_accumulation in turn) or max_length, or set gradient_checkpointing: true."
            ) from error
    return output


def _run(config: TrainConfig, output: Path, processes: PartialState) -> None:
    checkpoint = last_checkpoint(output)
    clock = RunClock(checkpoint)
    tokenizer = load_tokenizer(config)
    model = build_model(config)  # before the corpus is read: what does not fit shows at once
    with processes.main_process_first():
        data = load_or_encode(config, tokenizer, output / ENCODED)
    keeper = CheckpointKeeper(output, clock, checkpoint)
    trainer = CommunityTrainer(
        model=model,
        args=_arguments(config, data, output, start=checkpoint is None),
        train_dataset=data.training,
        eval_dataset=data.held_out,
        data_collator=Pack() if config.packing else PadLeft(_pad(tokenizer)),
        compute_loss_func=_loss,
        optimizer_cls_and_kwargs=_optimizer(config),
        callbacks=[keeper, Progress(config.community)],
    )
    trainer.remove_callback(PrinterCallback)
    if config.packing and not trainer.is_fsdp_enabled:  # its weights are not in place yet
        check_packing(trainer.model)
    if config.replies_together > 1 and not trainer.is_fsdp_enabled:
        check_branches(trainer.model)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    weights = trainer.accelerator.get_state_dict(trainer.model) if trainer.is_fsdp_enabled else None
    if processes.is_main_process:
        close_folder(config, trainer, output, clock, data.facts, state_dict=weights)
    processes.wait_for_everyone()


def _arguments(config: TrainConfig, data: EncodedCorpus, output: Path, *, start: bool) -> TrainingArguments:
    together = config.batch_size * config.gradient_accumulation * PartialState().num_processes
    steps = config.max_steps or math.ceil(config.epochs * math.ceil(len(data.training) / together))
    measure = config.evaluate_every or max(1, steps // MEASUREMENTS)
    cuda = torch.cuda.is_available() and not on_cpu()
    recompute = cuda if config.gradient_checkpointing is None else config.gradient_checkpointing
    arguments = TrainingArguments(
        output_dir=str(output / CHECKPOINTS),
        num_train_epochs=config.epochs,
        max_steps=config.max_steps or -1,
        per_device_train_batch_size=config.batch_size,
        per_device_eval_batch_size=config.batch_size,
        gradient_accumulation_steps=config.gradient_accumulation,
        learning_rate=config.learning_rate,
        lr_scheduler_type=config.schedule,
        warmup_steps=config.warmup,  # below 1: a share of the steps
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        seed=config.seed,
        data_seed=config.seed,
        bf16=cuda and dtype_of(config) is torch.bfloat16,
        fp16=cuda and dtype_of(config) is torch.float16,
        remove_unused_columns=False,
        label_names=["labels"],
        eval_strategy="no" if data.held_out is None else "steps",
        eval_on_start=start and data.held_out is not None,
        eval_steps=measure,
        save_strategy="steps",
        save_steps=config.save_every or measure,
        save_total_limit=2,
        logging_steps=max(1, min(measure, steps // 50)),
        logging_nan_inf_filter=False,  # a loss that is not finite is not replaced by another
        include_num_input_tokens_seen="all" if config.packing else "non_padding",
        dataloader_pin_memory=cuda,
        ddp_find_unused_parameters=False,
        disable_tqdm=True,  # `Progress` shows it
        use_cpu=on_cpu(),
        report_to="none",
        **_recompute(recompute),
    )
    arguments._n_gpu = min(1, arguments.n_gpu)  # one process, one GPU; `accelerate launch` starts more
    return arguments


def _optimizer(config: TrainConfig) -> tuple[type[torch.optim.Optimizer], dict[str, Any]] | None:
    """Optimiser of an adapter of low precision; None leaves it to the trainer, as under FSDP, which spreads weights."""
    if config.adapter_precision == "float32" or os.environ.get("ACCELERATE_USE_FSDP", "").lower() in ("1", "true"):
        return None
    return MasterAdamW, {"lr": config.learning_rate}


def _recompute(wanted: bool) -> dict[str, Any]:
    known = TrainingArguments.__dataclass_fields__
    name = "activation_checkpointing" if "activation_checkpointing" in known else "gradient_checkpointing"
    return {name: True, f"{name}_kwargs": {"use_reentrant": False}} if wanted else {name: False}


def _pad(tokenizer: Any) -> int:
    return int(tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id)
