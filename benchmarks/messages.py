"""How fast communities speak: the published way, both engines of local weights, and the engine without modplural.

    python benchmarks/messages.py                      # four minutes on two cores
    python benchmarks/messages.py --out messages.json  # figures with machine and versions

SmolLM2-135M with the embedded community ``liberal``, on questions of the shipped surveys, in one process, taking turns;
medians over rounds of tokens generated a second, prompts included in the time.

- ``published``: as the published code does: transformers, float32, one prompt at a time.
- ``peft``, ``openvino``: the engines, with store and keys, as a run asks them.
- ``bare openvino``: the compiled graph with rendered prompts, without store, requests and keys.

The limit takes 2 FLOPs for each weight and token at this machine's matrix rate, and for each decoding step the weights
and the batch's keys and values once from memory at its copying rate, whichever takes longer; the rates are measured in
the same run.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openvino
import torch
import transformers
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from community_lms.ask import Asker
from community_lms.embedded import resolve_weights
from community_lms.engines import make_engine
from community_lms.engines.chat_text import render
from community_lms.engines.lora_matrices import read_matrices
from community_lms.engines.openvino_backbone import Backbone
from community_lms.message import MessageRequest
from community_lms.precision import has_native_bfloat16
from community_lms.spec import Weights
from community_lms.store import MessageStore
from model_wrappers.plan import make_plan

LOW = has_native_bfloat16()
COMMUNITY = "liberal"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=64, help="messages of a round (default: %(default)s)")
    parser.add_argument("--published", type=int, default=6, help="of them in the published way (default: %(default)s)")
    parser.add_argument("--tokens", type=int, default=48, help="longest message (default: %(default)s)")
    parser.add_argument("--temperature", type=float, default=0.3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    requests = asked(options.count, options.tokens, options.temperature)
    spoken: list[list[list[int]]] = []
    ways = {
        "published": published(requests[: options.published]),
        "peft": engine("peft", requests, 16),
        "openvino": engine("openvino", requests, len(requests)),
        "bare openvino": bare(requests, spoken),
    }
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(options.rounds + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            tokens = way(turn)
            if turn:  # the first warms up
                speeds[name].append(tokens / (time.perf_counter() - start))
    medians = {name: statistics.median(found) for name, found in speeds.items()}
    rates = {"matrix": matrix_rate(), "copy": copy_rate()}
    prompt, best = limit(requests, [len(tokens) for tokens in spoken[-1]], **rates)
    facts = {
        "machine": f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads",
        "bfloat16": LOW,
        "versions": {
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "openvino": openvino.__version__,
        },
        "messages": len(requests),
        "prompt_tokens": prompt,
        "message_tokens": statistics.mean(map(len, spoken[-1])),
        "rates": rates,
        "limit": best,
        "tokens_per_second": medians,
        "times_published": {name: value / medians["published"] for name, value in medians.items()},
    }
    speeds_of = f"{rates['matrix'] / 1e9:.0f} GFLOP/s, {rates['copy'] / 1e9:.0f} GB/s"
    lengths = f"prompts of {prompt:.0f} tokens, messages of {facts['message_tokens']:.0f}"
    print(f"{facts['machine']}, {speeds_of}; {lengths}; limit {best:.0f} tokens/s")
    print("| way | tokens/s | times published | share of the limit |")
    print("|---|---|---|---|")
    for name, value in medians.items():
        print(f"| {name} | {value:.0f} | {value / medians['published']:.1f} | {value / facts['limit']:.3f} |")
    if options.out:
        options.out.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def asked(count: int, tokens: int, temperature: float) -> list[MessageRequest]:
    """What a run asks the community."""
    plan = make_plan(
        ["plural_surveys_distributional", "plural_embedded_overton"],
        MessageStore(None),
        communities=COMMUNITY,
        message_engine="peft",
        message_max_new_tokens=tokens,
        message_temperature=temperature,
    )
    unique = {request.key: request for request in plan.requests()}
    return [*unique.values()][:count]


def published(requests: list[MessageRequest]) -> Callable[[int], int]:
    """One prompt at a time in float32."""
    path, adapter = resolve_weights("embedded"), requests[0].community.adapter
    assert adapter is not None
    tokenizer = AutoTokenizer.from_pretrained(path)
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
    model = PeftModel.from_pretrained(model, adapter.path).eval()
    decoding = requests[0].decoding

    def run(_: int) -> int:
        made = 0
        for request in requests:
            encoded = tokenizer(render(tokenizer, request.turns), return_tensors="pt", add_special_tokens=False)
            with torch.inference_mode():
                output = model.generate(
                    **encoded,
                    max_new_tokens=decoding.max_new_tokens,
                    do_sample=True,
                    temperature=decoding.temperature,
                    top_p=decoding.top_p,
                    pad_token_id=tokenizer.eos_token_id,
                )
            made += output.shape[1] - encoded["input_ids"].shape[1]
        return made

    return run


def engine(name: str, requests: list[MessageRequest], batch: int) -> Callable[[int], int]:
    """As a run asks: keys, store and all; every turn into a new store."""
    made = make_engine(name, batch_size=batch, device="cpu", dtype="bfloat16" if LOW else "float32")

    def run(_: int) -> int:
        store = MessageStore(None)
        asker = Asker(store, batch_size=batch, show_progress=False, engines={requests[0].engine: made})
        asker.ask(requests)
        store.close()
        return asker.counts.tokens

    return run


def bare(requests: list[MessageRequest], spoken: list[list[list[int]]]) -> Callable[[int], int]:
    """The graph alone; the tokens of every turn are added to ``spoken``."""
    adapter = requests[0].community.adapter
    assert adapter is not None
    backbone = Backbone(Weights(path="embedded"), low=LOW, whole=not LOW)
    backbone.become(read_matrices(adapter))
    prompts = [render(backbone.tokenizer, request.turns) for request in requests]
    keys = [request.key for request in requests]

    def run(_: int) -> int:
        spoken.append([tokens for tokens, _ in backbone.generate(prompts, keys, requests[0].decoding)])
        return sum(map(len, spoken[-1]))

    return run


def limit(requests: list[MessageRequest], said: list[int], matrix: float, copy: float) -> tuple[float, float]:
    """Mean length of prompts, and tokens a second that arithmetic and memory allow for messages of these lengths."""
    path = resolve_weights("embedded")
    tokenizer = AutoTokenizer.from_pretrained(path)
    lengths = [len(tokenizer(render(tokenizer, request.turns))["input_ids"]) for request in requests]
    config: Any = transformers.AutoConfig.from_pretrained(path)
    width = config.hidden_size
    kept = 2 * config.num_key_value_heads * config.head_dim
    layer = width * (width * 2 + kept) + 3 * width * config.intermediate_size
    inner, outer = layer * config.num_hidden_layers, width * config.vocab_size
    size = 2 if LOW else 4
    seconds = 2 * inner * sum(lengths) / matrix
    for step in range(max(said)):
        rows = [length + step for length, tokens in zip(lengths, said, strict=True) if tokens > step]
        state = sum(rows) * kept * config.num_hidden_layers * size
        seconds += max(2 * (inner + outer) * len(rows) / matrix, ((inner + outer) * size + state) / copy)
    return statistics.mean(lengths), sum(said) / seconds


def matrix_rate() -> float:
    """FLOPs a second of a large product."""
    dtype = torch.bfloat16 if LOW else torch.float32
    one, other = (torch.randn(2048, 2048).to(dtype) for _ in range(2))
    return 2 * 2048**3 / _best(lambda: one @ other)


def copy_rate() -> float:
    """Bytes a second read from memory in a sum of 512 MB."""
    block = torch.ones(128 * 1024 * 1024)
    return block.numel() * 4 / _best(block.sum)


def _best(run: Callable[[], Any]) -> float:
    times = []
    for _ in range(8):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    main()
