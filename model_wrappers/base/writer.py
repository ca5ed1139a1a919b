"""Greedy texts of a base LLM that transformers holds on a CPU, written by OpenVINO several times as fast.

The harness encodes, cuts, sorts and cleans as ever; only the tokens in between come from the graph that communities
speak with (`community_lms.engines.openvino_reader`), after it was seen to compute what the model computes. Texts are
those of the model up to numerical ties. Anything else than greedy decoding is left to transformers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import torch

from community_lms.pools.spec import Weights
from community_lms.weights.precision import cores
from model_wrappers.base import scorer
from plural_tasks.utils.progress import bar, tell_speed

logger = logging.getLogger(__name__)

ROWS = 64
"""Texts written at once, if the user does not ask for more."""
ROOM = 8
"""Free bytes for each weight: for tracing in float32, and for the graph beside the model."""
PROBE = list(range(3, 19))
CLOSE = {torch.float32: 2e-3, torch.bfloat16: 0.05}
"""How far the graph's scores may be from the model's, as a share of the greatest; also the precisions that it has."""
PLAIN = {"attention_mask", "do_sample", "temperature"}
"""Settings that leave decoding greedy."""


def suits(base: Any) -> bool:
    """Whether OpenVINO can write for a model: a whole model of transformers on the CPU, with room for a second copy."""
    if find_spec("openvino") is None or not scorer.suits(base) or base.device.type != "cpu":
        return False
    import psutil

    model = base.model
    size = ROOM * sum(weights.numel() for weights in model.parameters())
    fits = size < psutil.virtual_memory().available
    # With one thread OpenVINO's bfloat16 ends the process.
    threads = model.dtype == torch.float32 or cores() > 1
    return fits and threads and model.dtype in CLOSE and isinstance(base.pretrained, str)


class Writer:
    """Writes for an ``HFLM`` for which `suits` holds."""

    def __init__(self, base: Any) -> None:
        """Make the writer; the graph is traced, or read from the cache, when it is first needed."""
        self.base = base
        self.ready: bool | None = None
        self._reader: Any = None
        self._progress: Any = None
        self._written = 0

    def write(self, instances: Sequence[Any]) -> list[str]:
        """Answer ``generate_until`` requests."""
        shown, self._written = self.base.rank == 0, 0
        with self._in_place(), bar("writing answers", len(instances), " answers", shown=shown) as self._progress:
            return list(self.base.generate_until(list(instances), disable_tqdm=True))

    @contextmanager
    def _in_place(self) -> Iterator[None]:
        """Within, the base LLM's tokens come from here, and its batches are large."""
        base = self.base
        rows = base.batch_size_per_gpu
        base._model_generate = self._generate
        if isinstance(rows, int):
            base.batch_size_per_gpu = max(rows, ROWS)
        try:
            yield
        finally:
            del base._model_generate
            base.batch_size_per_gpu = rows

    def _generate(self, context: torch.Tensor, max_length: int, stop: list[str], **settings: Any) -> torch.Tensor:
        """Stands in for ``HFLM._model_generate``: padded prompts -> prompts and new tokens, padded."""
        sampled = settings.get("do_sample") or settings.get("temperature") or set(settings) - PLAIN
        if sampled or "attention_mask" not in settings or not self._prepared():
            made = type(self.base)._model_generate(self.base, context, max_length, stop, **settings)
            self._count(len(context), made[:, context.shape[1] :].numel())
            return made
        from community_lms.engines.openvino_reader import Greedy, generate

        texts = [row[real > 0].tolist() for row, real in zip(context, settings["attention_mask"], strict=True)]
        written = generate(self._reader, texts, max_length - context.shape[1], Greedy(), self._ends(stop))
        self._count(len(context), sum(map(len, written)))
        pad = self.base.tokenizer.pad_token_id
        width = max(map(len, written))
        new = torch.tensor([tokens + [pad] * (width - len(tokens)) for tokens in written])
        return torch.cat([context, new], dim=1)

    def _count(self, answers: int, tokens: int) -> None:
        self._written += tokens
        self._progress.update(answers)
        tell_speed(self._progress, self._written)

    def _ends(self, stop: list[str]) -> Callable[[list[int]], bool]:
        from community_lms.engines.chat_text import stop_tokens

        tokenizer = self.base.tokenizer
        tokens = stop_tokens(tokenizer, self.base.model.generation_config)
        ending = tokenizer.decode([self.base.eot_token_id])
        texts = [text for text in stop if text and text != ending]
        # A stop text of n characters lies within the last n tokens and the one before.
        longest = max((len(text) for text in texts), default=0) + 1

        def ends(new: list[int]) -> bool:
            if new[-1] in tokens or not texts:
                return new[-1] in tokens
            end = tokenizer.decode(new[-longest:])
            return any(text in end for text in texts)

        return ends

    def _prepared(self) -> bool:
        """Make the graph ready, once; False where OpenVINO cannot run the model, which is said once."""
        if self.ready is None:
            try:
                self._reader = self._read()
                reason = self._differs()
            except Exception as error:  # tracing and compiling raise whatever model and library raise
                reason = str(error)
            self.ready = reason is None
            if reason is not None:
                logger.warning("The base LLM writes through transformers, OpenVINO does not: %s.", reason)
        return self.ready

    def _read(self) -> Any:
        import openvino

        from community_lms.engines.openvino_graph import graph_of
        from community_lms.engines.openvino_reader import Reader

        weights = Weights(path=self.base.pretrained, revision=self.base.revision)
        low = self.base.model.dtype == torch.bfloat16
        return Reader(openvino.Core().read_model(graph_of(weights, whole=not low)), low=low)

    def _differs(self) -> str | None:
        """Why the graph does not stand for the model: adapters, other files or settings that the path does not tell."""
        model = self.base.model
        tokens = [token % model.config.get_text_config().vocab_size for token in PROBE]
        self._reader.begin([len(tokens)])
        found = self._reader.read([0], [tokens])[0]
        with torch.inference_mode():
            wanted = model(input_ids=torch.tensor([tokens])).logits[0, -1].float()
        apart = float((found - wanted).abs().max() / wanted.abs().max())
        return (
            None if apart <= CLOSE[model.dtype] else f"its graph computes something else (scores differ by {apart:.2g})"
        )
