"""Log-likelihoods from a base LLM that transformers holds, without what the harness's own way computes in vain.

That way takes the logits of every position and the softmax over all of them, reads a context again for each
continuation of several tokens, and pads by number of rows. Here a context is read once for all continuations, what
prompts of one call have in common from the start is read once for all of them, only the positions that are scored
reach the vocabulary, and batches hold a number of tokens, not of rows. Tokens, truncation and results are the
harness's, up to rounding (its softmax is in the model's own precision, here it is in float32).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch

from model_wrappers.base.token_trees import PAIR, TokenRow, Tokens, lay_out
from plural_tasks.utils.errors import ModPluralError
from plural_tasks.utils.progress import bar

if TYPE_CHECKING:
    from torch import Tensor

logger = logging.getLogger(__name__)

Scored = tuple[float, bool]

BATCH_TOKENS = {"cpu": 2048}
"""Tokens of a batch, padding included, by kind of device; others take `MOST_TOKENS`."""
MOST_TOKENS = 16384
TOLERANCE = {torch.float32: 1e-3}
"""How far log-likelihoods of a shared row may be from those of a sequence alone; other precisions `LOOSE`."""
LOOSE = 0.25
ROUNDING = 2
"""Units of rounding by which logits may be from exact ones to be taken for the same."""
TAKES_A_MASK = ("sdpa", "eager")
"""Attention that takes a mask of what each token sees."""


def suits(base: Any) -> bool:
    """Whether a model is the harness's own ``hf`` model: causal, not wrapped, and not spread over processes."""
    from lm_eval.models.huggingface import HFLM
    from transformers import AutoModelForCausalLM

    if type(base) is not HFLM or base.backend != "causal" or base.AUTO_MODEL_CLASS is not AutoModelForCausalLM:
        return False
    config = getattr(base.model, "active_peft_config", None)
    soft_prompt = config is not None and config.is_prompt_learning
    spread = "FSDP" in str(getattr(getattr(base, "accelerator", None), "distributed_type", ""))
    return not (base.enable_thinking or soft_prompt or spread) and base.model.get_output_embeddings() is not None


class Scorer:
    """Scores continuations with the model of an ``HFLM`` for which `suits` holds."""

    def __init__(self, base: Any) -> None:
        """Make the scorer."""
        self.base = base
        self.model: Any = base.model
        self.share = getattr(self.model.config, "_attn_implementation", "") in TAKES_A_MASK
        self.budget = BATCH_TOKENS.get(base.device.type, MOST_TOKENS)
        self._proved = False

    def score(self, pairs: Sequence[tuple[str, str]], *, show_progress: bool = True) -> list[Scored]:
        """Score ``(context, continuation)`` pairs.

        Returns:
            For each pair the natural log-likelihood of the continuation, and whether every token of it is the most
            likely one.
        """
        encoded = self.encode(pairs)
        asked = [(self._sequence(context, continuation), continuation) for context, continuation in encoded]
        wanted: dict[Tokens, set[Tokens]] = {}
        for sequence, continuation in asked:
            wanted.setdefault(sequence, set()).add(continuation)
        self._warn_of_cuts(encoded)
        found: dict[tuple[Tokens, Tokens], Scored] = {}
        rows = self._rows(list(wanted))
        total = sum(len(row.tokens) for row in rows)
        shown = show_progress and self.base.rank == 0
        with bar(f"scoring {len(wanted)} prompts", total, " tokens", shown=shown) as progress:
            for batch in self._batches(rows):
                found.update(self._score(batch, wanted))
                progress.update(sum(len(row.tokens) for row in batch))
        return [found[one] for one in asked]

    def encode(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[Tokens, Tokens]]:
        """Tokens of contexts and continuations, as the harness splits them; each text is encoded once."""
        split = [_move_spaces(context, continuation) for context, continuation in pairs]
        texts = {text for context, cont in split if context for text in (context, context + cont)}
        tokens = self._encode_texts(sorted(texts))
        made = []
        for context, continuation in split:
            if context:
                whole = tokens[context + continuation]
                made.append((tokens[context], whole[len(tokens[context]) :]))
            else:
                made.append(self._without_context(continuation))
            if not made[-1][1]:
                raise ModPluralError(
                    f"the base LLM's tokenizer makes no token of the answer {continuation!r} after {context[-40:]!r}, "
                    "so that it cannot be scored. Take tasks that are answered by generation, or another base."
                )
        return made

    def _encode_texts(self, texts: list[str]) -> dict[str, Tokens]:
        if not texts:
            return {}
        base = self.base
        first = tuple(base.tok_encode(texts[0]))
        settings = {} if base.add_bos_token is None else {"add_special_tokens": base.add_bos_token}
        together = [tuple(ids) for ids in base.tokenizer(texts, **settings)["input_ids"]]
        start = base.tokenizer.decode(base.prefix_token_id)
        if together[0] != first or any(text.startswith(start) for text in texts):
            return {text: tuple(base.tok_encode(text)) for text in texts}
        return dict(zip(texts, together, strict=True))

    def _without_context(self, continuation: str) -> tuple[Tokens, Tokens]:
        tokens = tuple(self.base.tok_encode(continuation, add_special_tokens=False))
        prefix = self.base.prefix_token_id
        return ((prefix,), tokens) if tokens[0] != prefix else (tokens[:1], tokens[1:])

    def _sequence(self, context: Tokens, continuation: Tokens) -> Tokens:
        """What the model reads: all but the last token, cut on the left to what it can hold."""
        return (context + continuation)[-(self.base.max_length + 1) :][:-1]

    def _warn_of_cuts(self, encoded: Sequence[tuple[Tokens, Tokens]]) -> None:
        contexts = {context: len(continuation) for context, continuation in encoded}
        cut = sum(len(context) + length > self.base.max_length + 1 for context, length in contexts.items())
        if cut:
            logger.warning(
                "%d of %d prompts %s longer than the base LLM can read (%d tokens); cut on the left.",
                *(cut, len(contexts), "is" if cut == 1 else "are", self.base.max_length),
            )

    def lay_out(self, sequences: Sequence[Tokens]) -> list[TokenRow]:
        """Sequences in rows, as is least work for this model."""
        return lay_out(sequences, share=self.share, pair=PAIR / self.model.config.get_text_config().hidden_size)

    def _rows(self, sequences: list[Tokens]) -> list[TokenRow]:
        rows = self.lay_out(sequences)
        if self._proved or not self.share:
            return rows
        shared = next((row for row in reversed(rows) if not row.plain), None)
        if shared is None:
            return rows
        self._proved, self.share = True, self._prove(shared)
        return rows if self.share else self.lay_out(sequences)

    def _prove(self, row: TokenRow) -> bool:
        """Whether the model computes in a shared row what it computes on the sequences alone, within `TOLERANCE`."""
        ends: dict[Tokens, set[Tokens]] = {
            sequence: {(token,) for token in (0, sequence[-1])} for sequence in row.paths
        }
        try:
            together = self._score([row], ends)
        except Exception as error:  # a model that takes no such mask fails in its own way
            logger.warning("The base LLM takes no mask of its own (%s); prompts are scored one by one.", error)
            return False
        alone = self._score(lay_out(list(row.paths), share=False), ends)
        allowed = TOLERANCE.get(self.model.dtype, LOOSE)
        apart = max(abs(together[key][0] - alone[key][0]) for key in alone)
        if apart > allowed:
            logger.warning("The base LLM scores shared prompts otherwise (by %.2g); they are scored one by one.", apart)
        return apart <= allowed

    def _batches(self, rows: Sequence[TokenRow]) -> Iterator[list[TokenRow]]:
        batch: list[TokenRow] = []
        for row in rows:
            # A mask for one row would slow down the plain ones beside it.
            if batch and (row.plain != batch[0].plain or (len(batch) + 1) * len(batch[0].tokens) > self.budget):
                yield batch
                batch = []
            batch.append(row)
        if batch:
            yield batch

    def _score(
        self, batch: Sequence[TokenRow], wanted: dict[Tokens, set[Tokens]]
    ) -> dict[tuple[Tokens, Tokens], Scored]:
        """Score one batch; where memory runs out, by halves."""
        from accelerate.utils.memory import should_reduce_batch_size

        try:
            return self._forward(batch, wanted)
        except RuntimeError as error:
            if len(batch) == 1 or not should_reduce_batch_size(error):
                raise
        self.budget = max(1, self.budget // 2)
        logger.warning("Memory ran out; batches of %d tokens from here on.", self.budget)
        half = len(batch) // 2
        return self._score(batch[:half], wanted) | self._score(batch[half:], wanted)

    def _forward(
        self, batch: Sequence[TokenRow], wanted: dict[Tokens, set[Tokens]]
    ) -> dict[tuple[Tokens, Tokens], Scored]:
        jobs = [
            (sequence, continuation, number, path[len(path) - len(continuation) :])
            for number, row in enumerate(batch)
            for sequence, path in row.paths.items()
            for continuation in wanted[sequence]
        ]
        places = {place: at for at, place in enumerate(sorted({(n, p) for _, _, n, path in jobs for p in path}))}
        logits, hidden = self._logits(batch, list(places))
        totals = torch.logsumexp(logits, dim=-1)
        best = logits.argmax(dim=-1)
        steps = [
            (places[number, p], token) for _, cont, number, path in jobs for p, token in zip(path, cont, strict=True)
        ]
        at, tokens = (torch.tensor(column, device=logits.device) for column in zip(*steps, strict=True))
        values = (self._sharpened(logits[at, tokens], hidden[at], tokens) - totals[at]).tolist()
        hits = (best[at] == tokens).tolist()
        found: dict[tuple[Tokens, Tokens], Scored] = {}
        done = 0
        for sequence, continuation, _, path in jobs:
            upto = done + len(path)
            found[sequence, continuation] = (sum(values[done:upto]), all(hits[done:upto]))
            done = upto
        return found

    def _sharpened(self, logits: Tensor, hidden: Tensor, tokens: Tensor) -> Tensor:
        """The same logits in float32, where the model rounds them to fewer bits.

        Rounded to bfloat16, those of two options are often equal. They are the products of hidden states and rows of
        the last layer, unless the model does more to them, which shows in how far the two are apart.
        """
        head = self.model.get_output_embeddings()
        if hidden.dtype == torch.float32 or not isinstance(head, torch.nn.Linear):
            return logits
        with torch.inference_mode():
            sharp = (hidden.float() * head.weight[tokens].float()).sum(dim=-1)
            if head.bias is not None:
                sharp = sharp + head.bias[tokens].float()
            apart = float((sharp - logits).abs().max() / logits.abs().max().clamp(min=1e-6))
        return sharp if apart <= ROUNDING * torch.finfo(hidden.dtype).eps else logits

    def _logits(self, batch: Sequence[TokenRow], places: Sequence[tuple[int, int]]) -> tuple[Tensor, Tensor]:
        """Logits at ``(row, position)`` places in float32 (places x vocabulary), and the hidden states they come of."""
        inputs = self._inputs(batch)
        rows, positions = (torch.tensor(column, device=self.base.device) for column in zip(*places, strict=True))

        picked: list[Tensor] = []

        def pick(_: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
            device = arguments[0].device
            picked.append(arguments[0][rows.to(device), positions.to(device)])
            return (picked[-1][None], *arguments[1:])

        handle = self.model.get_output_embeddings().register_forward_pre_hook(pick)
        mixed = self.base.mixed_precision_dtype
        try:
            with torch.inference_mode(), torch.autocast(self.base.device.type, mixed, enabled=mixed is not None):
                return self.model(**inputs, use_cache=False).logits[0].float(), picked[-1]
        finally:
            handle.remove()

    def _inputs(self, batch: Sequence[TokenRow]) -> dict[str, Tensor]:
        """Rows padded on the right, which a causal model does not see; with masks and depths if a row needs them."""
        width = max(len(row.tokens) for row in batch)
        device = self.base.device
        ids = torch.zeros((len(batch), width), dtype=torch.long)
        for number, row in enumerate(batch):
            ids[number, : len(row.tokens)] = torch.tensor(row.tokens)
        if all(row.plain for row in batch):
            return {"input_ids": ids.to(device)}
        depths = torch.zeros((len(batch), width), dtype=torch.long)
        seen = torch.eye(width, dtype=torch.bool).repeat(len(batch), 1, 1)
        for number, row in enumerate(batch):
            size = len(row.tokens)
            depths[number, :size] = torch.tensor(row.depths)
            seen[number, :size, :size] = torch.from_numpy(row.seen())
        hidden = torch.finfo(self.model.dtype).min
        mask = torch.zeros(seen.shape, dtype=self.model.dtype).masked_fill(~seen, hidden)[:, None]
        return {"input_ids": ids.to(device), "position_ids": depths.to(device), "attention_mask": mask.to(device)}


def _move_spaces(context: str, continuation: str) -> tuple[str, str]:
    """Spaces at a context's end belong to the continuation, whose first token begins with them."""
    bare = context.rstrip()
    return bare, context[len(bare) :] + continuation
