"""Nucleus sampling whose random numbers belong to the message, not to the batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from transformers import LogitsProcessor

from community_lms.pools.spec import Decoding

_HEADS = (64, 512)
"""Numbers of most likely tokens that are sorted first, in steps; to sort a whole vocabulary costs more than a small
model's forward pass."""


class KeyedSampler(LogitsProcessor):
    """Picks each next token by inverting the cumulative distribution at a number drawn from the message's key.

    Used with greedy decoding: all scores but the picked token's become -inf. Temperature and top-p mean what they
    mean in Holtzman et al. 2020 (arXiv 1904.09751): the smallest set of most likely tokens whose mass reaches top-p.
    """

    def __init__(self, keys: Sequence[str], decoding: Decoding) -> None:
        """Draw ``max_new_tokens`` uniform numbers for each of the ``keys`` (hexadecimal digests)."""
        streams = [np.random.default_rng(int(key, 16)).random(decoding.max_new_tokens) for key in keys]
        self._uniform = torch.tensor(np.stack(streams), dtype=torch.float32)
        self._decoding = decoding
        self._step = 0

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """Mask all but one token of ``scores``, shape (batch, vocabulary)."""
        return torch.full_like(scores, float("-inf")).scatter(1, self.pick(scores), 0.0)

    def keep(self, rows: torch.Tensor) -> None:
        """Keep these rows of the batch and drop the others, whose messages have ended."""
        self._uniform = self._uniform[rows]

    def pick(self, scores: torch.Tensor) -> torch.Tensor:
        """Pick the next token of each row of ``scores``, shape (batch, vocabulary) -> (batch, 1)."""
        scaled = scores.float() / self._decoding.temperature
        uniform = self._uniform[:, self._step, None].to(scores.device)
        self._step += 1
        total = scaled.logsumexp(dim=-1, keepdim=True)
        picked = torch.zeros(len(scaled), 1, dtype=torch.long, device=scaled.device)
        rows = torch.arange(len(scaled), device=scaled.device)
        whole = scaled.shape[-1]
        for size in (*(size for size in _HEADS if size < whole), whole):
            # Rows of a flat distribution, whose nucleus reaches beyond the head, are looked at again, at last in full.
            left = scaled[rows] if len(rows) < len(scaled) else scaled
            head = left.topk(size, dim=-1) if size < whole else left.sort(dim=-1, descending=True, stable=True)
            found, enough = self._pick(head.values, head.indices, total[rows], uniform[rows])
            enough |= size == whole
            picked[rows[enough]] = found[enough]
            rows = rows[~enough]
            if not len(rows):
                break
        return picked

    def _pick(
        self, scaled: torch.Tensor, tokens: torch.Tensor, total: torch.Tensor, uniform: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Pick one token of each row of descending scores; also return which rows hold their whole nucleus."""
        shares = (scaled - total).exp()
        cumulative = shares.cumsum(dim=-1)
        kept = (cumulative - shares) < self._decoding.top_p  # the first token always stays
        enough = cumulative[:, -1] >= self._decoding.top_p
        mass = (shares * kept).sum(dim=-1, keepdim=True)
        rank = (cumulative <= uniform * mass).sum(dim=-1, keepdim=True)
        rank = torch.minimum(rank, kept.sum(dim=-1, keepdim=True) - 1)
        return tokens.gather(1, rank), enough
