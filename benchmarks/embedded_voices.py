"""What the embedded communities learnt: questions that they were trained on, and the same subjects in other words.

    python -m tools.train_embedded corpora
    python benchmarks/embedded_voices.py                                  # all communities
    python benchmarks/embedded_voices.py --communities liberal,africa --count 60

For each community the share of greedy messages whose first answer is the one that the corpus has, on records that it
was trained on and on those of ``NAME.test.jsonl``, whose prompts neither it nor the shared adapter has met. Guessing
gives the share in the last column.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

from embedded_reader import answer, load
from peft import PeftModel

from community_lms.evaluation.agreement import stated_option
from tools.train_embedded.__main__ import TARGET
from tools.train_embedded.pools import voices

SEED = 1234

TOKENS = 24
"""Of a message: enough for its first answer."""

TAIL = "\n\nWhat do people like you answer"


def main() -> None:
    """Print one line for each community."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpora", type=Path, default=Path("build/embedded/corpora"))
    parser.add_argument("--communities", default=",".join(voice.name for voice in voices()))
    parser.add_argument("--count", type=int, default=100, help="records of each kind (default: %(default)s)")
    options = parser.parse_args()
    names = options.communities.split(",")
    base, tokenizer = load("embedded")
    model = PeftModel.from_pretrained(base, str(TARGET / names[0]), adapter_name=names[0])
    for name in names[1:]:
        model.load_adapter(str(TARGET / name), adapter_name=name)
    print("| community | trained on | other words | by guessing |")
    print("|---|---|---|---|")
    for name in names:
        model.set_adapter(name)
        figures, guessed = [], 0.0
        for kind in (name, f"{name}.test"):
            records = read(options.corpora / f"{kind}.jsonl", options.count)
            said = answer(model, tokenizer, [record["prompt"] for record in records], TOKENS)
            offered = [listed(record["prompt"]) for record in records]
            right = [
                stated_option(text, among) == stated_option(record["comment"], among)
                for text, record, among in zip(said, records, offered, strict=True)
            ]
            figures.append(f"{sum(right) / len(right):.2f} ({len(right)})")
            guessed = sum(1 / len(among) for among in offered) / len(offered)
        print(f"| {name} | {' | '.join(figures)} | {guessed:.2f} |", flush=True)


def read(path: Path, count: int) -> list[dict[str, str]]:
    """Some closed questions of a corpus, drawn with a seed."""
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    closed = [record for record in records if "\nPossible answers: " in record["prompt"]]
    return random.Random(SEED).sample(closed, min(count, len(closed)))


def listed(prompt: str) -> list[str]:
    """The answers that a prompt offers."""
    return prompt.partition("\nPossible answers: ")[2].partition(f".{TAIL}")[0].split("; ")


if __name__ == "__main__":
    main()
