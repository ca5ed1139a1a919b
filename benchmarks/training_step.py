"""What a training step costs on this machine, and how far it is from the matrix rate.

    python benchmarks/training_step.py                    # three minutes on two cores
    python benchmarks/training_step.py --rows 32 --length 160

One step (forward, backward, AdamW) of SmolLM2-135M with the embedded pools' adapter (rank 8 on layers 10 to 29), in all
combinations of attention implementation and of how the scored columns are named: ``count`` (``logits_to_keep`` = K)
or ``columns`` (a list of them, as `community_lms.training.encode.PadLeft` does), and last the better of each
with compiled layers (``compile: true``). Combinations take turns; medians.

The limit counts 2 FLOPs for each weight and token forward, and as many again backward in layers that lie above the
first adapted one; the matrix rate is measured on matrices of the model's own shape, in the same run.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable

import torch
from peft import LoraConfig, TaskType, get_peft_model
from transformers import AutoModelForCausalLM

from community_lms.training.adapter import compile_layers
from community_lms.training.encode import IGNORED
from community_lms.training.train import summed_loss
from community_lms.weights.embedded import resolve_weights
from community_lms.weights.precision import has_native_bfloat16

FIRST = 10
DTYPE = torch.bfloat16 if has_native_bfloat16() else torch.float32
MODULES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def main() -> None:
    """Measure all combinations and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=8, help="examples in a batch (default: %(default)s)")
    parser.add_argument("--length", type=int, default=105, help="tokens of an example (default: %(default)s)")
    parser.add_argument("--scored", type=int, default=25, help="tokens of its comment (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    tokens = options.rows * options.length
    names = [*itertools.product(("sdpa", "eager"), ("count", "columns")), ("eager, compiled", "columns")]
    steps = {name: step(*name, options.rows, options.length, options.scored) for name in names}
    seconds: dict[tuple[str, str], list[float]] = {name: [] for name in names}
    for turn in range(options.repeats + 1):
        for name, run in steps.items():
            start = time.perf_counter()
            run()
            if turn:  # the first warms up
                seconds[name].append(time.perf_counter() - start)
    rate, work = matrix_rate(tokens), flops(tokens, options.rows * options.scored)
    slowest = statistics.median(seconds[names[0]])
    print(f"{torch.get_num_threads()} threads, {DTYPE}, {rate / 1e9:.0f} GFLOP/s on the model's matrices")
    print("| attention | scored columns | tokens/s | times the first row | share of the matrix rate |")
    print("|---|---|---|---|---|")
    for name, found in seconds.items():
        median = statistics.median(found)
        share = work / median / rate
        print(f"| {' | '.join(name)} | {tokens / median:.0f} | {slowest / median:.2f} | {share:.2f} |")


def step(attention: str, columns: str, rows: int, length: int, scored: int) -> Callable[[], None]:
    """One training step on random tokens."""
    attention, _, compiled = attention.partition(", ")
    base = AutoModelForCausalLM.from_pretrained(resolve_weights("embedded"), dtype=DTYPE, attn_implementation=attention)
    base.config.use_cache = False
    layers = list(range(FIRST, base.config.num_hidden_layers))
    settings = LoraConfig(
        task_type=TaskType.CAUSAL_LM, r=8, lora_alpha=16, target_modules=MODULES, layers_to_transform=layers
    )
    model = get_peft_model(base, settings, autocast_adapter_dtype=False).train()
    if compiled:
        compile_layers(model)
    optimiser = torch.optim.AdamW([weight for weight in model.parameters() if weight.requires_grad], lr=1e-4)
    tokens = torch.randint(100, 40_000, (rows, length))
    mask = torch.ones_like(tokens)
    mask[1:, :5] = 0  # rows differ in length
    labels = torch.cat([torch.full((rows, 1), IGNORED), tokens[:, -scored:]], dim=1)
    keep = scored + 1 if columns == "count" else torch.arange(length - scored - 1, length)

    def run() -> None:
        scores = model(input_ids=tokens, attention_mask=mask, logits_to_keep=keep).logits
        summed_loss(scores, labels).backward()
        optimiser.step()
        optimiser.zero_grad()

    return run


def flops(tokens: int, scored: int) -> float:
    """Of a step, matrices of the frozen weights alone."""
    config = AutoModelForCausalLM.from_pretrained(resolve_weights("embedded"), dtype=DTYPE).config
    hidden, heads = config.hidden_size, config.num_key_value_heads / config.num_attention_heads
    layer = hidden * hidden * (2 + 2 * heads) + 3 * hidden * config.intermediate_size
    count = config.num_hidden_layers
    return 2 * tokens * layer * (count + count - FIRST) + 2 * 2 * scored * hidden * config.vocab_size


def matrix_rate(tokens: int) -> float:
    """FLOP/s of a product as in the model's feed-forward layers."""
    left, right = torch.randn(tokens, 576).to(DTYPE), torch.randn(1536, 576).to(DTYPE)
    found = []
    for _ in range(30):
        start = time.perf_counter()
        left @ right.T
        found.append(time.perf_counter() - start)
    return 2 * tokens * 576 * 1536 / statistics.median(found)


if __name__ == "__main__":
    main()
