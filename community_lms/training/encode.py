"""Records -> token ids with labels: the backbone's chat template, and loss on the comment alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

IGNORED = -100
"""Label of a token without loss, as in PyTorch's cross entropy."""

Example = dict[str, Any]


def encode(records: Iterable[Mapping[str, str]], tokenizer: Any, max_length: int) -> Iterator[Example]:
    """Encode records one by one.

    Args:
        records: With ``prompt`` and ``comment``; see `community_lms.training.corpus`.
        tokenizer: The backbone's.
        max_length: Longest example in tokens.

    Yields:
        ``input_ids`` (length L <= max_length), ``answer`` (the number of tokens at the end that bear loss, 1..L-1) and
        ``length`` (L >= 2). A record with a prompt gives one example, plain text one for each piece.
    """
    for record in records:
        if record["prompt"]:
            yield _conversation(record["prompt"], record["comment"], tokenizer, max_length)
        else:
            yield from _pieces(record["comment"], tokenizer, max_length)


def render(prompt: str, tokenizer: Any) -> str:
    """The prompt as the community will see it when it is asked: one user turn, or plain text without a template."""
    if getattr(tokenizer, "chat_template", None) is None:
        return f"{prompt}\n\n"
    turns = [{"role": "user", "content": prompt}]
    return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))


def _conversation(prompt: str, comment: str, tokenizer: Any, max_length: int) -> Example:
    templated = getattr(tokenizer, "chat_template", None) is not None
    asked = tokenizer(render(prompt, tokenizer), add_special_tokens=not templated, verbose=False)["input_ids"]
    if not templated and asked and asked[-1] == tokenizer.eos_token_id:
        asked = asked[:-1]
    said = [*_said(comment, tokenizer, add_special_tokens=False), tokenizer.eos_token_id]
    said = said[: max_length - 1]
    asked = asked[-(max_length - len(said)) :]
    length = len(asked) + len(said)
    return {"input_ids": [*asked, *said], "answer": min(len(said), length - 1), "length": length}


def _pieces(text: str, tokenizer: Any, max_length: int) -> Iterator[Example]:
    tokens = _said(text, tokenizer, add_special_tokens=True)
    if tokens[-1:] != [tokenizer.eos_token_id]:
        tokens = [*tokens, tokenizer.eos_token_id]
    if tokenizer.bos_token_id is not None and tokens[0] != tokenizer.bos_token_id:
        tokens = [tokenizer.bos_token_id, *tokens]
    for start in range(0, len(tokens), max_length):
        piece = tokens[start : start + max_length]
        if len(piece) > 1:
            yield {"input_ids": piece, "answer": len(piece) - 1, "length": len(piece)}


def _said(text: str, tokenizer: Any, *, add_special_tokens: bool) -> list[int]:
    """Tokens of what somebody wrote: where it spells a control token (``</s>``), that is text as any other."""
    encoded = tokenizer(text, add_special_tokens=add_special_tokens, split_special_tokens=True, verbose=False)
    return list(encoded["input_ids"])


class PadLeft:
    """Batches padded on the left, so that the comments end together and only their columns need scores.

    Returns ``input_ids``, ``attention_mask`` (B x L), ``labels`` (B x K) and ``logits_to_keep`` = K, where K is one
    more than the longest comment: the scores in column k predict the label in column k + 1.
    """

    def __init__(self, pad_token_id: int) -> None:
        """Make the collator; ``pad_token_id`` fills the rows, and is seen by nobody."""
        self.pad = pad_token_id

    def __call__(self, examples: Sequence[Example]) -> dict[str, Any]:
        """Collate examples of `encode`."""
        import torch

        width = max(len(example["input_ids"]) for example in examples)
        keep = max(example["answer"] for example in examples) + 1
        ids, mask, labels = [], [], []
        for example in examples:
            tokens, answer = example["input_ids"], example["answer"]
            room = width - len(tokens)
            ids.append([self.pad] * room + list(tokens))
            mask.append([0] * room + [1] * len(tokens))
            labels.append([IGNORED] * (keep - answer) + list(tokens[-answer:]))
        return {
            "input_ids": torch.tensor(ids),
            "attention_mask": torch.tensor(mask),
            "labels": torch.tensor(labels),
            "logits_to_keep": keep,
        }


class Pack:
    """Batches in one row: positions start anew at each example, by which transformers keeps attention apart.

    Returns ``input_ids``, ``position_ids``, ``labels`` (each 1 x the sum of lengths), and ``logits_to_keep`` = 0, which
    keeps all columns. The first token of an example bears no loss, so that none is predicted from its neighbour.
    """

    def __call__(self, examples: Sequence[Example]) -> dict[str, Any]:
        """Collate examples of `encode`."""
        import torch

        ids: list[int] = []
        positions: list[int] = []
        labels: list[int] = []
        for example in examples:
            tokens, answer = example["input_ids"], example["answer"]
            ids.extend(tokens)
            positions.extend(range(len(tokens)))
            labels.extend([IGNORED] * (len(tokens) - answer) + list(tokens[-answer:]))
        return {
            "input_ids": torch.tensor([ids]),
            "position_ids": torch.tensor([positions]),
            "labels": torch.tensor([labels]),
            "logits_to_keep": 0,
        }
