"""How well the embedded base LLM reads: made-up examples that the reader was not trained on, by kind.

    python benchmarks/embedded_reader.py                        # the embedded base LLM
    python benchmarks/embedded_reader.py --base embedded        # SmolLM2-135M as it comes
    python benchmarks/embedded_reader.py --base DIR --count 100 # an adapter of `tools.train_embedded`

Prints for each kind (`tools/train_embedded/README.md`) the share of greedy answers that are the letter or number asked
for, what guessing would give, and of how many examples. Where there are several targets, letters in the shares of a
group, the most frequent one is right, and any of them where several are equally frequent.
"""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from community_lms.training.encode import render
from community_lms.weights.embedded import EMBEDDED_MODELS, resolve_weights
from community_lms.weights.precision import has_native_bfloat16
from tools.train_embedded.reader import MAKERS, all_themes, brief_records, pick_records

SEED = 1234
"""Not the recipe's: other draws of stances, options and lists."""

BATCH = 16
Examples = list[tuple[str, list[str]]]
"""Prompts and their targets."""


def main() -> None:
    """Print one line for each kind."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", default="embedded_reader", help="an embedded model, or a folder with a reader")
    parser.add_argument("--count", type=int, default=200, help="examples of each kind (default: %(default)s)")
    options = parser.parse_args()
    model, tokenizer = load(options.base)
    print("| kind | right | by guessing | examples |")
    print("|---|---|---|---|")
    for kind, examples in kinds(options.count):
        answers = answer(model, tokenizer, [prompt for prompt, _ in examples])
        right = sum(said in wanted(targets) for said, (_, targets) in zip(answers, examples, strict=True))
        guessed = sum(1 / choices(prompt) for prompt, _ in examples)
        print(f"| {kind} | {right / len(examples):.2f} | {guessed / len(examples):.2f} | {len(examples)} |", flush=True)


def wanted(targets: list[str]) -> set[str]:
    """The most frequent targets."""
    counts = Counter(targets)
    return {target for target, count in counts.items() if count == max(counts.values())}


def kinds(count: int) -> Iterator[tuple[str, Examples]]:
    """Examples of every kind that has a right answer; lists of people also by length."""
    for name, records in (("brief", brief_records), ("pick", pick_records)):
        by_prompt = groupby(records(count, SEED), key=lambda record: record["prompt"])
        yield name, [(prompt, [record["comment"] for record in group]) for prompt, group in by_prompt]
    themes, rng = all_themes(), random.Random(SEED)
    for name in ("told", "survey", "reasoned", "select", "route"):
        made = [MAKERS[name](themes, rng) for _ in range(count)]
        yield name, made
        if name in ("select", "route"):
            yield f"{name}, eleven people", [one for one in made if choices(one[0]) == 11]


def choices(prompt: str) -> int:
    """How many letters or numbers there are to choose from."""
    return len(set(re.findall(r"^([A-Z]|\d+)\. ", prompt, flags=re.MULTILINE)))


def load(base: str) -> tuple[Any, Any]:
    """The model, with the adapter merged where ``base`` is one."""
    dtype = torch.bfloat16 if has_native_bfloat16() else torch.float32
    path = resolve_weights(base if base in EMBEDDED_MODELS else "embedded")
    model = AutoModelForCausalLM.from_pretrained(path, dtype=dtype)
    if base not in EMBEDDED_MODELS:
        model = PeftModel.from_pretrained(model, str(Path(base))).merge_and_unload()
    return model.eval(), AutoTokenizer.from_pretrained(path, padding_side="left")


def answer(model: Any, tokenizer: Any, prompts: list[str], tokens: int = 3) -> list[str]:
    """Greedy answers of so many tokens at most, without white space and full stops at the ends."""
    answers = {}
    order = sorted(range(len(prompts)), key=lambda place: len(prompts[place]))
    for start in range(0, len(order), BATCH):
        places = order[start : start + BATCH]
        texts = [render(prompts[place], tokenizer) for place in places]
        batch = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
        with torch.inference_mode():
            made = model.generate(**batch, max_new_tokens=tokens, do_sample=False, pad_token_id=tokenizer.pad_token_id)
        said = tokenizer.batch_decode(made[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
        answers.update(zip(places, (text.strip(" .\n") for text in said), strict=True))
    return [answers[place] for place in range(len(prompts))]


if __name__ == "__main__":
    main()
