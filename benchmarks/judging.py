"""Measure what judging a whole Overton run at once saves against judging it pair by pair.

The same pairs go through the same weights in the same process in three ways: pair by pair through the pipeline of
transformers, as the published evaluation does; in batches as they come; and through the judge, which judges equal pairs
once and puts inputs of like length together. Equal pairs come from the answers being split in two ways, for the
corrected and the published figures, which mostly agree. Without --checkpoint the NLI weights are random: a small
DeBERTa-v2 with the architecture of the default judge. That says nothing about scores, but the work is the same. The
embedding judge runs with the weights of its package where that is installed.

    python benchmarks/judging.py
    python benchmarks/judging.py --situations 200 --json judging.json
    python benchmarks/judging.py --outputs run.json --checkpoint microsoft/deberta-v2-xlarge-mnli --device cuda
"""

import argparse
import json
import platform
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from plural_tasks.judges import load_judge
from plural_tasks.judges.base import Pair
from plural_tasks.judges.embedding import EmbeddingJudge, packaged
from plural_tasks.judges.judging import judge_answers
from plural_tasks.judges.nli import DEFAULT, NLIJudge
from plural_tasks.sources import SOURCES, locate, read_items

DEFAULT_SHAPE = (24, 1536, 6144, 512)
"""Layers, width, inner width and relative positions of the default judge's checkpoint."""

OPENINGS = (
    "It is worth asking what follows for everybody involved.",
    "There are several sides to this.",
    "In the end it depends on the circumstances.",
    "Reasonable people disagree about this.",
)


def synthetic_run(situations: int, seed: int) -> tuple[list[list[str]], list[str]]:
    """Explanations and answers of the shape of a published run: 2-11 values, 3-12 sentences.

    The words are those of the embedded situations. A third of the answers open with one of a few stock phrases, as
    models' answers do.
    """
    source = SOURCES["embedded_overton"]
    items = read_items(source, locate(source, None))
    reasons = [value.explanation for item in items for value in item.values]
    words = [word.strip(".,;").lower() for reason in reasons for word in reason.split()]
    rng = random.Random(seed)

    def sentence() -> str:
        return " ".join(rng.choices(words, k=rng.randint(6, 35))).capitalize() + "."

    explanations = [[rng.choice(reasons) for _ in range(rng.randint(2, 11))] for _ in range(situations)]
    answers = []
    for _ in range(situations):
        opening = [rng.choice(OPENINGS)] if rng.random() < 1 / 3 else []
        answers.append(" ".join([*opening, *(sentence() for _ in range(rng.randint(3, 12)))]))
    return explanations, answers


def run_of(file: Path) -> tuple[list[list[str]], list[str]]:
    """Explanations and answers of a file in the format of the published outputs."""
    rows = json.loads(file.read_text(encoding="utf-8"))
    return [row["explanation"] for row in rows], [row["output"] or "" for row in rows]


def pairs_of(explanations: Sequence[Sequence[str]], answers: Sequence[str]) -> list[Pair]:
    """All pairs that judging the run asks for, both directions, duplicates included."""
    judge = load_judge("scripted")
    judge_answers(judge, explanations, answers)
    return list(judge.calls[0])


def small_deberta(folder: Path, texts: Sequence[str]) -> str:
    """Save a DeBERTa-v2 of six layers with random weights, and a tokenizer trained on ``texts``."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import DebertaV2Config, DebertaV2ForSequenceClassification, DebertaV2Tokenizer

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=8000, special_tokens=special, unk_token="[UNK]", show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    vocabulary = [(piece, score) for piece, score in json.loads(tokenizer.to_str())["model"]["vocab"]]
    config = DebertaV2Config(
        vocab_size=len(vocabulary),
        **{"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 6, "intermediate_size": 1536},
        **{"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 256},
        **{"norm_rel_ebd": "layer_norm", "share_att_key": True, "position_biased_input": False, "type_vocab_size": 0},
        id2label={0: "CONTRADICTION", 1: "NEUTRAL", 2: "ENTAILMENT"},
        label2id={"CONTRADICTION": 0, "NEUTRAL": 1, "ENTAILMENT": 2},
    )
    DebertaV2ForSequenceClassification(config).save_pretrained(folder)
    DebertaV2Tokenizer(vocab=vocabulary, model_max_length=512).save_pretrained(folder)
    return str(folder)


def seconds(work: Callable[[], Any], times: float = 1.0) -> tuple[dict[str, float], Any]:
    """Wall-clock and processor time of a call, both multiplied by ``times``, and what it returned.

    Processor time is what other programs on the machine disturb less; on a GPU it says nothing.
    """
    wall, processor = time.perf_counter(), time.process_time()
    found = work()
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    return {"seconds": wall * times, "processor_seconds": processor * times}, found


def way(time: dict[str, float], n_pairs: int, slow: dict[str, float] | None = None) -> dict[str, float]:
    """Times with the rate, and how many times as fast as ``slow`` it is."""
    row = {**time, "pairs_per_second": n_pairs / time["seconds"]}
    if slow is not None:
        row["ratio"] = slow["seconds"] / time["seconds"]
        row["processor_ratio"] = slow["processor_seconds"] / time["processor_seconds"]
    return row


def flop(shape: tuple[int, int, int, int], batches: Sequence[Sequence[int]]) -> float:
    """Floating-point operations of the forward passes of batches, two for a multiply-add.

    Counted are, in each layer, the products of a token (queries, keys, values, output, the feed-forward part), the two
    of attention, and the disentangled attention of DeBERTa: relative positions are projected to keys and queries once
    a batch, whatever its size, and multiplied with every token. Embeddings and head are left out.

    Args:
        shape: Layers, width, inner width, number of relative positions (0 for other architectures).
        batches: Lengths in tokens, every batch padded to its longest.
    """
    layers, width, inner, positions = shape
    total = 0.0
    for batch in batches:
        tokens, squares = len(batch) * max(batch), len(batch) * max(batch) ** 2
        total += 2 * tokens * (4 * width**2 + 2 * width * inner) + 4 * squares * width
        total += 2 * positions * 2 * width**2 + 2 * tokens * positions * 2 * width
    return layers * total


def in_batches(lengths: Sequence[int], batch_size: int) -> list[Sequence[int]]:
    """Cut a list into batches."""
    return [lengths[start : start + batch_size] for start in range(0, len(lengths), batch_size)]


def padding(batches: Sequence[Sequence[int]]) -> float:
    """Share of the tokens that are padding."""
    return 1 - sum(map(sum, batches)) / sum(len(batch) * max(batch) for batch in batches)


def published(judge: NLIJudge, pairs: Sequence[Pair]) -> list[float]:
    """Entailment of each pair by the pipeline of transformers, one call a pair."""
    from transformers import pipeline

    options = {"model": judge._model, "tokenizer": judge._tokenizer, "device": judge._model.device}
    single = pipeline("text-classification", top_k=None, **options)
    found = []
    for premise, hypothesis in pairs:
        labels = single({"text": premise, "text_pair": hypothesis})
        found.append(next(label["score"] for label in labels if label["label"].lower() == "entailment"))
    return found


def as_they_come(judge: NLIJudge, pairs: list[Pair]) -> None:
    """Judge the pairs in batches, in their order, duplicates too."""
    import torch

    with torch.inference_mode():
        for batch in in_batches(pairs, judge._batch_size):
            judge._forward(list(batch))


def nli_figures(checkpoint: str, pairs: list[Pair], args: argparse.Namespace) -> dict[str, Any]:
    """Times of the three ways, their ratios, padding and FLOP."""
    judge = NLIJudge(checkpoint, batch_size=args.batch_size, device=args.device, dtype=args.dtype, progress=False)
    judge.entail(pairs[:16])
    published(judge, pairs[:4])
    sample = random.Random(0).sample(range(len(pairs)), min(args.sample, len(pairs)))
    share = len(pairs) / len(sample)
    # Half of the slow way comes first and half last, so that a change of the machine's speed meets all.
    halves = [[pairs[place] for place in sample[::2]], [pairs[place] for place in sample[1::2]]]
    first, scores = seconds(lambda: published(judge, halves[0]), times=share)
    plain, _ = seconds(lambda: as_they_come(judge, pairs))
    fast, judged = seconds(lambda: judge.entail(pairs))
    last, _ = seconds(lambda: published(judge, halves[1]), times=share)
    slow = {name: first[name] + last[name] for name in first}
    return {
        "pairs": len(pairs),
        "unique": len(set(pairs)),
        "batch_size": judge._batch_size,
        "pair_by_pair": {**way(slow, len(pairs)), "pairs_timed": len(sample)},
        "batches_as_they_come": way(plain, len(pairs), slow),
        "judge": way(fast, len(pairs), slow),
        "largest_difference": max(
            abs(judged[place].entailment - score) for place, score in zip(sample[::2], scores, strict=True)
        ),
        **work_figures(judge, pairs, fast["seconds"]),
    }


def work_figures(judge: NLIJudge, pairs: list[Pair], time_taken: float) -> dict[str, Any]:
    """Tokens, padding and FLOP of the judge's pass, and what they would be with the default judge's checkpoint."""
    encoded = judge._tokenizer(*map(list, zip(*pairs, strict=True)), truncation=True)["input_ids"]
    lengths = [len(ids) for ids in encoded]
    ordered = sorted(dict(zip(pairs, lengths, strict=True)).values(), reverse=True)
    batches = in_batches(ordered, judge._batch_size)
    config = judge._model.config
    positions = 2 * config.position_buckets if getattr(config, "relative_attention", False) else 0
    shape = (config.num_hidden_layers, config.hidden_size, config.intermediate_size, positions)
    work, alone = flop(shape, batches), flop(shape, in_batches(lengths, 1))
    default = flop(DEFAULT_SHAPE, batches)
    return {
        "mean_tokens": sum(lengths) / len(lengths),
        "padding": {"as_they_come": padding(in_batches(lengths, judge._batch_size)), "judge": padding(batches)},
        "tflop": {"pair_by_pair": alone / 1e12, "judge": work / 1e12},
        "gflop_per_second": work / time_taken / 1e9,
        "default_judge": {
            "checkpoint": DEFAULT,
            "tflop": default / 1e12,
            "hours": default / work * time_taken / 3600,
        },
    }


def embedding_figures(pairs: list[Pair], args: argparse.Namespace) -> dict[str, Any]:
    """Times of the embedding judge: all pairs at once, and pair by pair."""
    judge = EmbeddingJudge(device=args.device, progress=False)
    judge.entail(pairs[:64])
    sample = random.Random(0).sample(pairs, min(args.sample, len(pairs)))
    slow, _ = seconds(lambda: [judge.entail([pair]) for pair in sample], times=len(pairs) / len(sample))
    fast, _ = seconds(lambda: judge.entail(pairs))
    texts = len({text for pair in pairs for text in pair})
    return {
        "pairs": len(pairs),
        "texts": texts,
        "pair_by_pair": {**way(slow, len(pairs)), "pairs_timed": len(sample)},
        "judge": {**way(fast, len(pairs), slow), "texts_per_second": texts / fast["seconds"]},
    }


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Return all figures."""
    import torch

    explanations, answers = run_of(args.outputs) if args.outputs else synthetic_run(args.situations, args.seed)
    pairs = pairs_of(explanations, answers)
    figures: dict[str, Any] = {
        **{"machine": platform.machine(), "torch": torch.__version__, "threads": torch.get_num_threads()},
        **{"situations": len(answers), "dtype": args.dtype, "device": args.device},
    }
    with nullcontext() if args.checkpoint else tempfile.TemporaryDirectory() as folder:
        texts = sorted({text for pair in pairs for text in pair})
        checkpoint = args.checkpoint or small_deberta(Path(str(folder)), texts)
        figures["nli"] = nli_figures(checkpoint, pairs, args)
    if packaged():
        figures["embedding"] = embedding_figures(pairs, args)
    return figures


def report(figures: dict[str, Any]) -> str:
    """The figures as text."""
    nli = figures["nli"]
    lines = [
        f"{figures['situations']} situations, {nli['pairs']} pairs, {nli['unique']} different, "
        f"{nli['mean_tokens']:.0f} tokens on average; batches of {nli['batch_size']}, {figures['dtype']}, "
        f"{figures['threads']} threads",
        f"{'':<32}{'seconds':>10}{'pairs/s':>10}{'ratio':>8}{'ratio, CPU time':>17}{'padding':>9}",
        line("NLI, pair by pair (published)", nli["pair_by_pair"]),
        line("NLI, batches as they come", nli["batches_as_they_come"], nli["padding"]["as_they_come"]),
        line("NLI, the judge", nli["judge"], nli["padding"]["judge"]),
    ]
    if "embedding" in figures:
        found = figures["embedding"]
        lines += [line("MiniLM, pair by pair", found["pair_by_pair"]), line("MiniLM, the judge", found["judge"])]
    default, duplicates = nli["default_judge"], nli["pairs"] / nli["unique"]
    lines += [
        f"NLI, the judge: {nli['judge']['ratio']:.2f} = {duplicates:.2f} (equal pairs once) x "
        f"{nli['judge']['ratio'] / duplicates:.2f} (batches of like length)",
        f"largest difference of a score from the published way: {nli['largest_difference']:.1e}",
        f"pair by pair {nli['tflop']['pair_by_pair']:.2f} TFLOP, the judge {nli['tflop']['judge']:.2f} TFLOP at "
        f"{nli['gflop_per_second']:.0f} GFLOP/s",
        f"{default['checkpoint']} on the same pairs: {default['tflop']:.0f} TFLOP, "
        f"{default['hours']:.1f} h at that rate",
    ]
    return "\n".join(lines)


def line(name: str, row: dict[str, float], padding_share: float | None = None) -> str:
    """One row of the table."""
    shown = "" if padding_share is None else f"{padding_share:.1%}"
    return (
        f"{name:<32}{row['seconds']:>10.1f}{row['pairs_per_second']:>10.1f}{row.get('ratio', 1.0):>8.2f}"
        f"{row.get('processor_ratio', 1.0):>17.2f}{shown:>9}"
    )


def main() -> None:
    """Measure, print the table, and write the figures where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--situations", type=int, default=20, help="situations of the made-up run (default 20)")
    parser.add_argument("--outputs", type=Path, metavar="JSON", help="a run in the published format instead")
    parser.add_argument("--checkpoint", help="NLI checkpoint (default: random weights)")
    parser.add_argument("--sample", type=int, default=300, help="pairs timed one by one (default 300)")
    parser.add_argument("--batch-size", type=int, help="pairs in one forward pass (default: the judge's)")
    parser.add_argument("--dtype", default="float32", help="float32, bfloat16 or float16")
    parser.add_argument("--device", default="cpu", help="torch device (default cpu)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the made-up run")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures to this file, too")
    args = parser.parse_args()
    figures = measure(args)
    print(report(figures))
    if args.json:
        args.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
