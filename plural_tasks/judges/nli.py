"""Entailment by any sequence-classification checkpoint of natural language inference (NLI)."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from plural_tasks.judges.base import Entailment, JudgeCounts, Pair, judge_once
from plural_tasks.judges.cache import JudgementCache
from plural_tasks.judges.checkpoint import (
    SHORTEST_LIMIT,
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

DEFAULT = "microsoft/deberta-v2-xlarge-mnli"
"""The judge of the published value coverage (Feng et al., 2024)."""

_LABEL_SETS = ({"entailment", "neutral", "contradiction"}, {"entailment", "notentailment"})

logger = logging.getLogger(__name__)


class NLIJudge:
    """Reads the probabilities of a checkpoint's labels.

    The weights are loaded when the first pair is judged that the cache does not hold.

    Attributes:
        counts: What was done so far.
    """

    directional = True

    def __init__(
        self,
        checkpoint: str = DEFAULT,
        *,
        labels: str | Sequence[str] | None = None,
        batch_size: int | None = None,
        device: str | None = None,
        dtype: str = "float32",
        max_length: int | None = None,
        cache: str | Path | None = None,
        progress: bool = True,
    ) -> None:
        """Find the checkpoint, read its labels and load its tokenizer.

        Args:
            checkpoint: A folder, ``OWNER/NAME`` or ``OWNER/NAME@REVISION`` on the Hub.
            labels: Names of the outputs, in order, where the checkpoint's configuration does not say them: a sequence,
                or a text with commas, of ``entailment``, ``neutral``, ``contradiction`` or ``not_entailment``.
            batch_size: Pairs in one forward pass; by default 8 on a CPU, 64 elsewhere.
            device: Torch device; by default the accelerator if there is one.
            dtype: ``float32`` (the published figures'; the checkpoint is *saved* in 16 bit), ``bfloat16``, ``float16``.
            max_length: Tokens after which a pair is cut; by default what the checkpoint can read.
            cache: SQLite file that keeps every judgement, committed batch by batch; None keeps none.
            progress: Show a bar with counts and an estimate.

        Raises:
            ModPluralError: If the checkpoint cannot be found, does not name its labels, or an option is wrong.
        """
        if max_length is not None:
            check_whole(SHORTEST_LIMIT, max_length=max_length)
        self._dtype = pick_dtype(dtype)
        self._device = pick_device(device)
        self._checkpoint = resolve(checkpoint)
        self.name, self.revision = self._checkpoint.name, self._checkpoint.revision
        self.counts = JudgeCounts()
        self._config, self._tokenizer = self._checkpoint.config_and_tokenizer()
        self._places = label_places(
            self._config.id2label if labels is None else labels, self._config.num_labels, self.name
        )
        self._limit = min(longest_input(self._config, self._tokenizer), max_length or math.inf)
        self._batch_size = pick_batch_size(batch_size, self._device, on_cpu=8, elsewhere=64)
        self._progress = progress
        identity = {"revision": self.revision, "labels": self._places, "dtype": dtype, "max_length": self._limit}
        self._cache = JudgementCache(cache, identity) if cache is not None else None

    def entail(self, pairs: Sequence[Pair]) -> list[Entailment]:
        """Return what the checkpoint says; see `plural_tasks.judges.base.Judge.entail`."""
        return judge_once(pairs, self._judge_all, self.counts)

    def _judge_all(self, pairs: list[Pair]) -> list[Entailment]:
        found = self._cache.get(pairs) if self._cache is not None else {}
        todo = [pair for pair in pairs if pair not in found]
        self.counts.remembered += len(found)
        if todo:
            self._compute(todo, found)
        return [found[pair] for pair in pairs]

    def _compute(self, pairs: list[Pair], found: dict[Pair, Entailment]) -> None:
        """Judge ``pairs`` longest first and add what comes out to ``found`` and, batch by batch, to the cache."""
        tokens = lengths_once(self._tokenizer, [text for pair in pairs for text in pair])
        special = self._tokenizer.num_special_tokens_to_add(pair=True)
        lengths = [tokens[premise] + tokens[hypothesis] + special for premise, hypothesis in pairs]
        self._report_cuts(lengths)

        def run(places: list[int]) -> None:
            batch = [pairs[place] for place in places]
            judged = list(zip(batch, self._forward(batch), strict=True))
            if self._cache is not None:
                self._cache.put(judged)
            found.update(judged)
            self.counts.computed += len(batch)

        run_batches(lengths, self._batch_size, run, name=self.name, unit="pair", progress=self._progress)

    def _forward(self, batch: list[Pair]) -> list[Entailment]:
        premises, hypotheses = map(list, zip(*batch, strict=True))
        options = {"padding": True, "truncation": True, "max_length": self._limit, "return_tensors": "pt"}
        encoded = self._tokenizer(premises, hypotheses, **options).to(self._device)
        logits = self._model(**encoded).logits.float()
        if not logits.isfinite().all():
            raise ModPluralError(
                f"judge {self.name}: gives no finite numbers in {str(self._dtype).removeprefix('torch.')}; "
                "give dtype=float32 or another checkpoint."
            )
        return [
            Entailment(**{label: row[place] for label, place in self._places.items()})
            for row in logits.softmax(dim=-1).tolist()
        ]

    def _report_cuts(self, lengths: list[int]) -> None:
        n, cut = len(lengths), sum(length > self._limit for length in lengths)
        self.counts.truncated += cut
        if cut:
            logger.warning("judge %s: %d of %d pairs exceed %d tokens and are cut", self.name, cut, n, self._limit)

    @cached_property
    def _model(self) -> Any:
        from transformers import AutoModelForSequenceClassification

        model, report = self._checkpoint.load(
            AutoModelForSequenceClassification, dtype=self._dtype, output_loading_info=True
        )
        # transformers fills what is missing with random numbers.
        if report["missing_keys"]:
            missing = sorted(report["missing_keys"])
            raise ModPluralError(
                f"judge {self.name}: holds no weights for {missing[0]} ({len(missing)} missing), expected a checkpoint "
                "trained for sequence classification."
            )
        return model.to(self._device).eval()


def label_places(labels: str | Sequence[str] | Mapping[int, str], n_outputs: int, name: str) -> dict[str, int]:
    """Return where the outputs ``entailment``, ``neutral`` and ``contradiction`` stand, those of them that there are.

    Args:
        labels: Names in any case: in order, as a sequence or a text with commas, or by place as in ``id2label``.
        n_outputs: Number of outputs that the checkpoint has.
        name: The checkpoint, for the error.

    Raises:
        ModPluralError: If they are neither these three nor ``entailment`` and ``not_entailment``, one for each output.
    """
    if isinstance(labels, str):
        labels = labels.split(",")
    found = dict(labels) if isinstance(labels, Mapping) else dict(enumerate(labels))
    places = {re.sub("[^a-z]", "", str(label).lower()): int(place) for place, label in found.items()}
    if set(places) not in _LABEL_SETS or not len(places) == len(found) == n_outputs:
        raise ModPluralError(
            f"judge {name}: its {n_outputs} outputs are called {', '.join(map(str, found.values()))}; expected "
            "entailment, neutral and contradiction, or entailment and not_entailment. If it is trained for entailment, "
            "give their order, for example labels=contradiction,neutral,entailment."
        )
    return {label: place for label, place in places.items() if label != "notentailment"}
