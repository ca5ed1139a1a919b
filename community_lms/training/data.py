"""The encoded corpus of a run, on disk: made once, memory-mapped, so that it may be larger than memory."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import datasets
from datasets.exceptions import DatasetGenerationError

from community_lms.training.config import TrainConfig
from community_lms.training.corpus import Part, stream
from community_lms.training.encode import Example, encode
from community_lms.training.record import corpus_digest
from community_lms.training.tally import Tally
from plural_tasks.utils.checked import read_json
from plural_tasks.utils.errors import ModPluralError
from plural_tasks.utils.files import write_json

logger = logging.getLogger(__name__)

FACTS = "facts.json"
"""What was read; where it is, both parts are whole."""

_FEATURES = datasets.Features(
    {
        "input_ids": datasets.List(datasets.Value("int32")),
        "answer": datasets.Value("int32"),
        "replies": datasets.List(datasets.Value("int32")),
        "length": datasets.Value("int32"),
    }
)


@dataclass(frozen=True)
class Data:
    """Examples of `community_lms.training.encode.encode`, as Arrow tables.

    Attributes:
        training: Those that are trained on; at least one.
        held_out: Those on which the loss is measured; None where there are none.
        facts: ``documents``, ``held_out_documents``, ``dropped`` (reason -> number) and ``sha256`` of the corpus.
    """

    training: Any
    held_out: Any
    facts: dict[str, Any]


def load_or_encode(config: TrainConfig, tokenizer: Any, folder: Path) -> Data:
    """Read the examples in ``folder``, or make them there. One process at a time may do so.

    Raises:
        ModPluralError: If the corpus cannot be read, is another one than the run began with, or leaves nothing to
            train on.
    """
    found = corpus_digest(config)
    if (folder / FACTS).is_file():
        facts = read_json(folder / FACTS)
        if facts["sha256"] != found:
            raise ModPluralError(
                f"{', '.join(corpus.path for corpus in config.corpus)}: the corpus was changed since this run began. "
                "Choose another output, or --fresh to begin again."
            )
    else:
        shutil.rmtree(folder, ignore_errors=True)
        facts = None
    tally = Tally()
    training = _table(config, tokenizer, folder, "train", found, tally)
    if training is None:
        raise ModPluralError(
            f"{_texts(tally)} held out and none is left to train on; lower holdout ({config.holdout})."
        )
    held_out = _table(config, tokenizer, folder, "held_out", found, Tally()) if config.holdout else None
    if facts is None:
        facts = {
            "documents": tally.kept - tally.held_out,
            "held_out_documents": tally.held_out,
            "dropped": dict(tally.dropped),
            "sha256": found,
        }
        write_json(folder / FACTS, facts)
    if held_out is None and config.holdout:
        logger.warning("%s: nothing of the corpus is held out, so no held-out loss is measured.", config.community)
    return Data(training, held_out, facts)


def _table(config: TrainConfig, tokenizer: Any, folder: Path, part: Part, name: str, tally: Tally) -> Any:
    """One part as a table, or None if it is empty. Where it is made anew, ``tally`` counts the whole corpus."""
    limit = None if part == "train" else -(-config.holdout_limit // len(config.corpus))
    examples = _examples(config, tokenizer, part, limit, tally)
    first = next(examples, None)
    if first is None:  # datasets makes no empty table
        return None
    try:
        return datasets.Dataset.from_generator(
            lambda: chain([first], examples),
            features=_FEATURES,
            cache_dir=str(folder),
            split=datasets.NamedSplit(part),
            fingerprint=f"{part}-{name[:16]}",
        )
    except DatasetGenerationError as error:  # around whatever the generator raised
        if isinstance(error.__cause__, ModPluralError):
            raise error.__cause__ from None
        raise


def _examples(config: TrainConfig, tokenizer: Any, part: Part, limit: int | None, tally: Tally) -> Iterator[Example]:
    for corpus in config.corpus:
        records = stream(corpus, part=part, holdout=config.holdout, seed=config.seed, cleaning=config.cleaning)
        yield from encode(islice(records, limit), tokenizer, config.max_length, together=config.replies_together)
        tally += records.tally


def _texts(tally: Tally) -> str:
    return f"corpus: all {tally.kept} texts are" if tally.kept != 1 else "corpus: its only text is"
