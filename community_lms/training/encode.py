"""Records -> token ids with labels: the backbone's chat template, and loss on the comment alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

IGNORED = -100
"""Label of a token without loss, as in PyTorch's cross entropy."""

Example = dict[str, Any]


def encode(
    records: Iterable[Mapping[str, str]], tokenizer: Any, max_length: int, *, together: int = 1
) -> Iterator[Example]:
    """Encode records one by one.

    Args:
        records: Records with ``prompt`` and ``comment``; see `community_lms.training.corpus`.
        tokenizer: The backbone's tokenizer.
        max_length: Longest example in tokens.
        together: Number of consecutive records with the same prompt that make one example, where they are not
            too long for it.

    Yields:
        ``input_ids`` (length L <= max_length), ``answer`` (the number of tokens at the end that are comment, 1..L-1),
        ``replies`` (how many of these belong to each record) and ``length`` (L >= 2). Plain text gives an example for
        each piece. Where there are several replies, the prompt's last token stands again before each but the first,
        because each reply's first token is predicted from it; it counts to the reply, and bears no loss.
    """
    for prompt, group in groupby(records, key=lambda record: record["prompt"]):
        if prompt:
            question = _prompt_tokens(prompt, tokenizer)
            replies = ([*_text_tokens(record["comment"], tokenizer), tokenizer.eos_token_id] for record in group)
            yield from _conversations(question, replies, max_length, together if question else 1)
        else:
            for record in group:
                yield from _pieces(record["comment"], tokenizer, max_length)


def render(prompt: str, tokenizer: Any) -> str:
    """The prompt as the community will see it when it is asked: one user turn, or plain text without a template."""
    if getattr(tokenizer, "chat_template", None) is None:
        return f"{prompt}\n\n"
    turns = [{"role": "user", "content": prompt}]
    return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))


def _prompt_tokens(prompt: str, tokenizer: Any) -> list[int]:
    """Tokens of the rendered prompt, without an end token: the reply goes on from here."""
    templated = getattr(tokenizer, "chat_template", None) is not None
    question = list(tokenizer(render(prompt, tokenizer), add_special_tokens=not templated, verbose=False)["input_ids"])
    return question[:-1] if not templated and question and question[-1] == tokenizer.eos_token_id else question


def _conversations(
    question: list[int], replies: Iterable[list[int]], max_length: int, together: int
) -> Iterator[Example]:
    """Examples of one prompt, each with as many replies as are wanted and fit."""
    current: list[list[int]] = []
    for reply in replies:
        branch = [*question[-1:], *reply]
        full = len(question) + sum(map(len, current)) + len(branch) > max_length
        if current and (full or len(current) == together):
            yield _conversation(question, current, max_length)
            current = []
        current.append(branch if current else reply)
    if current:
        yield _conversation(question, current, max_length)


def _conversation(question: list[int], replies: list[list[int]], max_length: int) -> Example:
    """One example; of a single reply that is too long the end is cut, and then the beginning of its prompt."""
    answer_tokens = [token for reply in replies for token in reply][: max_length - 1]
    question = question[-(max_length - len(answer_tokens)) :]
    length = len(question) + len(answer_tokens)
    answer = min(len(answer_tokens), length - 1)
    lengths = [len(reply) for reply in replies] if len(replies) > 1 else [answer]
    return {"input_ids": [*question, *answer_tokens], "answer": answer, "replies": lengths, "length": length}


def _pieces(text: str, tokenizer: Any, max_length: int) -> Iterator[Example]:
    tokens = _text_tokens(text, tokenizer, start=True)
    if tokens[-1:] != [tokenizer.eos_token_id]:
        tokens = [*tokens, tokenizer.eos_token_id]
    if tokenizer.bos_token_id is not None and tokens[0] != tokenizer.bos_token_id:
        tokens = [tokenizer.bos_token_id, *tokens]
    for start in range(0, len(tokens), max_length):
        piece = tokens[start : start + max_length]
        if len(piece) > 1:
            answer = len(piece) - 1
            yield {"input_ids": piece, "answer": answer, "replies": [answer], "length": len(piece)}


def _text_tokens(text: str, tokenizer: Any, *, start: bool = False) -> list[int]:
    """Tokens of what somebody wrote: where it spells a control token (``</s>``), that is text as any other."""
    encoded = tokenizer(text, add_special_tokens=start, split_special_tokens=True, verbose=False)
    return list(encoded["input_ids"])


class PadLeft:
    """Batches padded on the left, so that the comments end together and only their columns need scores.

    Returns ``input_ids``, ``attention_mask`` (B x L), ``labels`` (B x K) and ``logits_to_keep``, the last K columns,
    where K is one more than the longest comment: the scores in column k predict the label in column k + 1. The columns
    are listed and not counted: for a slice of the hidden states, which is not contiguous, PyTorch copies the output
    layer once for every row of the batch (``benchmarks/training_step.py``). Where an example has several replies there
    are ``position_ids`` and ``branches`` (B x L), too; see `branch_mask`.
    """

    def __init__(self, pad_token_id: int) -> None:
        """Make the collator; ``pad_token_id`` fills the rows, and is seen by nobody."""
        self.pad = pad_token_id

    def __call__(self, examples: Sequence[Example]) -> dict[str, Any]:
        """Collate examples of `encode`."""
        import torch

        width = max(len(example["input_ids"]) for example in examples)
        keep = max(example["answer"] for example in examples) + 1
        rooms = [width - len(example["input_ids"]) for example in examples]
        batch = {
            "input_ids": [
                [self.pad] * room + list(one["input_ids"]) for room, one in zip(rooms, examples, strict=True)
            ],
            "attention_mask": [[0] * room + [1] * (width - room) for room in rooms],
            "labels": [[IGNORED] * (keep - example["answer"]) + _labels(example) for example in examples],
            "logits_to_keep": list(range(width - keep, width)),
        }
        if any(len(example["replies"]) > 1 for example in examples):
            laid = [_branches(example) for example in examples]
            batch["branches"] = [[0] * room + branches for room, (branches, _) in zip(rooms, laid, strict=True)]
            batch["position_ids"] = [[0] * room + places for room, (_, places) in zip(rooms, laid, strict=True)]
        return {name: torch.tensor(value) for name, value in batch.items()}


def _labels(example: Example) -> list[int]:
    """Labels of the comment's columns; the prompt's token before each reply but the first bears no loss."""
    tokens = list(example["input_ids"][-example["answer"] :])
    start = example["replies"][0]
    for length in example["replies"][1:]:
        tokens[start] = IGNORED
        start += length
    return tokens


def _branches(example: Example) -> tuple[list[int], list[int]]:
    """For each token the number of its reply, 0 for the prompt, and its position in prompt and reply."""
    before = len(example["input_ids"]) - example["answer"] - 1  # tokens of the prompt that all replies see
    branches, places = [0] * before, list(range(before))
    for number, length in enumerate(example["replies"], start=1):
        size = length + (number == 1)  # the first reply follows the prompt's last token itself
        branches += [number] * size
        places += range(before, before + size)
    return branches, places


def branch_mask(attention_mask: Any, branches: Any) -> Any:
    """Attention mask by which a token sees earlier tokens of the prompt and of its own reply.

    Args:
        attention_mask: B x L; 0 for tokens that fill up.
        branches: B x L; 0 for the prompt that replies share, else the number of the reply.

    Returns:
        B x 1 x L x L, True where the row's token sees the column's.
    """
    import torch

    same = (branches[:, None, :] == 0) | (branches[:, None, :] == branches[:, :, None])
    return (torch.tril(same) & (attention_mask[:, None, :] != 0))[:, None]


def with_branches(batch: dict[str, Any], dtype: Any) -> dict[str, Any]:
    """A batch of `PadLeft` as the model takes it: with a mask of whom each token sees, where there are ``branches``.

    transformers takes a mask of four dimensions as it is, and adds it to the scores; ``dtype`` is the model's.
    """
    import torch

    branches = batch.pop("branches", None)
    if branches is not None:
        seen = branch_mask(batch["attention_mask"], branches)
        nothing = torch.zeros(seen.shape, dtype=dtype, device=seen.device)
        batch["attention_mask"] = nothing.masked_fill(~seen, torch.finfo(dtype).min)
    return batch


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
