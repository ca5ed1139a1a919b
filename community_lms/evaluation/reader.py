"""Likelihoods of texts under community LMs, by the engine that generates messages. Loads torch."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from tqdm import tqdm

from community_lms.engines.chat_text import render
from community_lms.engines.peft import PeftEngine
from community_lms.evaluation.perplexity import Reading
from community_lms.evaluation.texts import EvaluationText
from community_lms.generation.request import prompt_turns
from community_lms.pools.spec import Community
from plural_tasks.utils.errors import ModPluralError

Encoded = tuple[list[int], list[int]]
"""Tokens of the context, at least one, and tokens that are predicted."""


class PerplexityReader(PeftEngine):
    """Reads texts as each member of a pool: one backbone in memory, adapters switched on and off.

    Attributes:
        cut: Texts that were longer than the room and lost their end, by the last call of `read`.
    """

    def __init__(
        self,
        *,
        batch_size: int = 16,
        max_length: int = 1024,
        batch_tokens: int = 4096,
        device: str | None = None,
        dtype: str = "auto",
        show_progress: bool = True,
    ) -> None:
        """Make the reader.

        Args:
            batch_size: Texts read at once.
            max_length: Tokens of context and text together. Half of it is the text's: what is longer loses its end, and
                a longer context its beginning, so that all readers of a backbone predict the same tokens.
            batch_tokens: Tokens read at once at most, padding included.
            device: Torch device; None takes a GPU if there is one, else the CPU.
            dtype: Precision of the weights; ``auto`` is the one they were saved in. ``bfloat16`` halves time
                and memory, and moves perplexities by about 1 %.
            show_progress: Show a bar with counts and an estimate.
        """
        super().__init__(batch_size=batch_size, device=device, dtype=dtype)
        self._dtype = dtype
        self.cut = 0
        self._max_length = max_length
        self._batch_tokens = batch_tokens
        self._show_progress = show_progress

    def read(self, member: Community, documents: Sequence[EvaluationText], label: str = "") -> list[Reading]:
        """Return the negative log-likelihood of each document's comment and end token, in order.

        Raises:
            ModPluralError: If the member has no weights here (an endpoint) or cannot be loaded.
        """
        weights = member.checkpoint or member.backbone
        if weights is None:
            raise ModPluralError(f"community {member.name!r} is an {member.kind}, which gives no likelihoods of texts.")
        self._load(weights, member.name)
        encoded = [self._encode_document(member, document) for document in documents]
        scores = [0.0] * len(documents)
        with (
            self._active(member),
            torch.inference_mode(),
            tqdm(
                total=len(documents), desc=label or member.name, unit="text", disable=not self._show_progress
            ) as progress,
        ):
            for places in self._batches(encoded):
                found = self._forward([encoded[place] for place in places])
                for place, score in zip(places, found, strict=True):
                    scores[place] = score
                progress.update(len(places))
        return [
            Reading(score, len(said), document.bytes)
            for score, (_, said), document in zip(scores, encoded, documents, strict=True)
        ]

    def _encode_document(self, member: Community, document: EvaluationText) -> Encoded:
        """The context is what the member is asked, as a message engine asks it, or the token that begins a text."""
        comment = self._tokenizer(document.comment, add_special_tokens=False)["input_ids"]
        said = [*comment, self._tokenizer.eos_token_id]
        limit = min(self._max_length, getattr(self._model.config, "max_position_embeddings", None) or self._max_length)
        kept = said[: limit // 2]
        self.cut += len(kept) < len(said)
        return self._context(member, document.prompt)[-(limit - len(kept)) :], kept

    def _context(self, member: Community, prompt: str) -> list[int]:
        turns = [turn for turn in prompt_turns(member, prompt) if turn[1]]
        if not turns:
            begin = self._tokenizer.bos_token_id
            return [self._tokenizer.eos_token_id if begin is None else begin]
        templated = getattr(self._tokenizer, "chat_template", None) is not None
        tokens = list(self._tokenizer(render(self._tokenizer, turns), add_special_tokens=not templated)["input_ids"])
        if not templated and tokens[-1] == self._tokenizer.eos_token_id:
            tokens.pop()  # some tokenizers close every text; the comment goes on from here
        return tokens

    def _batches(self, encoded: Sequence[Encoded]) -> Iterator[list[int]]:
        """Places of documents, longest first (an overflow shows at once), so that little is padded."""
        order = sorted(range(len(encoded)), key=lambda place: -_length(encoded[place]))
        while order:
            size = max(1, min(self.batch_size, self._batch_tokens // _length(encoded[order[0]])))
            yield order[:size]
            order = order[size:]

    def _forward(self, batch: Sequence[Encoded]) -> list[float]:
        width = max(map(_length, batch))
        first = (
            min(len(context) for context, _ in batch) - 1
        )  # this place predicts the first token of all that bear loss
        pad = self._tokenizer.pad_token_id
        ids = torch.tensor([[*context, *said] + [pad] * (width - len(context) - len(said)) for context, said in batch])
        mask = torch.tensor([[1] * _length(one) + [0] * (width - _length(one)) for one in batch])
        logits = self._logits(ids.to(self._model.device), mask.to(self._model.device), width - first)
        scores = []
        for row, (context, said) in zip(logits, batch, strict=True):
            start = len(context) - 1 - first
            labels = torch.tensor(said, device=row.device)
            losses = torch.nn.functional.cross_entropy(row[start : start + len(said)].float(), labels, reduction="none")
            scores.append(float(losses.double().sum()))
        return scores

    def _logits(self, ids: torch.Tensor, mask: torch.Tensor, keep: int) -> Any:
        """Scores at the last ``keep`` places, shape (batch, keep, vocabulary); no others are computed if possible."""
        model = self._model.get_base_model() if self._adapters else self._model
        settings = {"logits_to_keep": keep} if "logits_to_keep" in inspect.signature(model.forward).parameters else {}
        output = self._model(input_ids=ids, attention_mask=mask, use_cache=False, **settings)
        return output.logits[:, -keep:]


def _length(encoded: Encoded) -> int:
    return len(encoded[0]) + len(encoded[1])
