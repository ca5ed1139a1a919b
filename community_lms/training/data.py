"""The encoded corpus of a run, on disk: made once, memory-mapped, so that it may be larger than memory."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

import datasets
from datasets.exceptions import DatasetGenerationError

from community_lms.training.config import TrainConfig
from community_lms.training.corpus import Part, stream
from community_lms.training.encode import Example, encode
from community_lms.training.record import corpus_digest
from community_lms.training.tally import CorpusTally
from plural_tasks.utils.checked import read_json
from plural_tasks.utils.errors import ModPluralError
from plural_tasks.utils.files import write_json

logger = logging.getLogger(__name__)

FACTS = "facts.json"
"""Name of the file with the counts of the corpus; it is written last, when both parts are whole."""

_FEATURES = datasets.Features(
    {
        "input_ids": datasets.List(datasets.Value("int32")),
        "answer": datasets.Value("int32"),
        "replies": datasets.List(datasets.Value("int32")),
        "length": datasets.Value("int32"),
    }
)


@dataclass(frozen=True)
class EncodedCorpus:
    """Examples of `community_lms.training.encode.encode`, as Arrow tables.

    Attributes:
        training: Examples to train on; at least one.
        held_out: Examples on which the loss is measured; None without any.
        facts: ``documents``, ``held_out_documents``, ``dropped`` (reason -> number) and ``sha256`` of the corpus.
    """

    training: Any
    held_out: Any
    facts: dict[str, Any]


@dataclass
class _EncodedPart:
    """One part of a run's corpora, encoded.

    Attributes:
        config: The run's settings.
        tokenizer: The backbone's tokenizer.
        part: ``train`` or ``held_out``.
        tally: Counts of the whole corpora, of which the part is taken; they grow with the examples that are read.
    """

    config: TrainConfig
    tokenizer: Any
    part: Part
    tally: CorpusTally = field(default_factory=CorpusTally)

    def table(self, folder: Path, sha256: str) -> Any:
        """Return the table in ``folder`` that was made of the corpora with this digest, or make it; None if empty."""
        examples = self._examples()
        first = next(examples, None)
        if first is None:  # datasets makes no empty table
            return None
        try:
            return datasets.Dataset.from_generator(
                lambda: chain([first], examples),
                features=_FEATURES,
                cache_dir=str(folder),
                split=datasets.NamedSplit(self.part),
                fingerprint=f"{self.part}-{sha256[:16]}",
            )
        except DatasetGenerationError as error:  # around whatever the generator raised
            if isinstance(error.__cause__, ModPluralError):
                raise error.__cause__ from None
            raise

    def _examples(self) -> Iterator[Example]:
        config = self.config
        limit = None if self.part == "train" else -(-config.holdout_limit // len(config.corpus))
        for corpus in config.corpus:
            records = stream(corpus, part=self.part, holdout=config.holdout, seed=config.seed, cleaning=config.cleaning)
            texts = islice(records, limit)
            yield from encode(texts, self.tokenizer, config.max_length, together=config.replies_together)
            self.tally += records.tally


def load_or_encode(config: TrainConfig, tokenizer: Any, folder: Path) -> EncodedCorpus:
    """Read the examples in ``folder``, or make them there. One process at a time may do so.

    Raises:
        ModPluralError: If the corpus cannot be read, is another one than the run began with, or leaves nothing to
            train on.
    """
    sha256 = corpus_digest(config)
    facts = _stored_facts(config, folder, sha256)
    if facts is None:
        shutil.rmtree(folder, ignore_errors=True)
    part = _EncodedPart(config, tokenizer, "train")
    training = part.table(folder, sha256)
    if training is None:
        raise _nothing_to_train_on(part.tally.kept, config.holdout)
    held_out = _EncodedPart(config, tokenizer, "held_out").table(folder, sha256) if config.holdout else None
    if facts is None:
        facts = {
            "documents": part.tally.kept - part.tally.held_out,
            "held_out_documents": part.tally.held_out,
            "dropped": dict(part.tally.dropped),
            "sha256": sha256,
        }
        write_json(folder / FACTS, facts)
    if held_out is None and config.holdout:
        logger.warning("%s: nothing of the corpus is held out, so no held-out loss is measured.", config.community)
    return EncodedCorpus(training, held_out, facts)


def _stored_facts(config: TrainConfig, folder: Path, sha256: str) -> dict[str, Any] | None:
    """Counts of the corpus that ``folder`` holds whole; None if it holds none.

    Raises:
        ModPluralError: If they are of another corpus.
    """
    if not (folder / FACTS).is_file():
        return None
    facts: dict[str, Any] = read_json(folder / FACTS)
    if facts["sha256"] != sha256:
        raise ModPluralError(
            f"{', '.join(corpus.path for corpus in config.corpus)}: the corpus was changed since this run began. "
            "Choose another output, or --fresh to begin again."
        )
    return facts


def _nothing_to_train_on(texts: int, holdout: float) -> ModPluralError:
    which = f"all {texts} texts are" if texts != 1 else "its only text is"
    return ModPluralError(f"corpus: {which} held out and none is left to train on; lower holdout ({holdout}).")
