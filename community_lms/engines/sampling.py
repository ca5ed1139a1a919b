"""Nucleus sampling whose random numbers belong to the message, not to the batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from transformers import LogitsProcessor

from community_lms.spec import Decoding


class KeyedSampler(LogitsProcessor):  # type: ignore[misc]
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
        probabilities = torch.softmax(scores.float() / self._decoding.temperature, dim=-1)
        ordered, tokens = probabilities.sort(dim=-1, descending=True, stable=True)
        cumulative = ordered.cumsum(dim=-1)
        kept = (cumulative - ordered) < self._decoding.top_p  # the first token always stays
        mass = (ordered * kept).sum(dim=-1, keepdim=True)
        target = self._uniform[:, self._step, None].to(scores.device) * mass
        rank = (cumulative <= target).sum(dim=-1, keepdim=True)
        rank = torch.minimum(rank, kept.sum(dim=-1, keepdim=True) - 1)
        self._step += 1
        picked = torch.full_like(scores, float("-inf"))
        return picked.scatter(1, tokens.gather(1, rank), 0.0)  # type: ignore[return-value]
