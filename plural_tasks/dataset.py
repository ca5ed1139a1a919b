"""The harness's ``custom_dataset`` hook: a source's name in, `datasets` splits out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plural_tasks.docs import to_doc
from plural_tasks.metrics.permutations import option_orders
from plural_tasks.schema import Item
from plural_tasks.sources import SOURCES, locate, read_items
from plural_tasks.utils.errors import ModPluralError, show_errors_in_one_line, unknown_name

if TYPE_CHECKING:
    from datasets import Dataset

OPTIONS = ("plural_data", "plural_permutations", "plural_judge", "plural_judge_args")
"""What a user may set by ``--metadata``; a task's YAML states its defaults under ``metadata``."""


def load(
    plural_source: str, plural_data: Any = None, plural_permutations: Any = 1, **others: Any
) -> dict[str, Dataset]:
    """Load the documents of one source.

    Called by the harness with the task's ``dataset_kwargs`` and with all ``--metadata`` and ``--model_args``, which
    is why other keywords are ignored and why the names used here carry a prefix.

    Args:
        plural_source: Key of `plural_tasks.sources.SOURCES`.
        plural_data: A file, folder, address or mapping to read instead of the default place
            (``--metadata plural_data=PATH``); see `plural_tasks.sources.locate`.
        plural_permutations: In how many orders each question's options are shown
            (`plural_tasks.metrics.permutations.option_orders`).
        **others: Not read; a misspelt ``plural_…`` is refused.

    Returns:
        The split ``test``, and ``train`` where the source has one.

    Raises:
        ModPluralError: If an option cannot be used, or the data cannot be found or used.
    """
    show_errors_in_one_line()
    for name in others:
        if name.startswith("plural_") and name not in OPTIONS:
            raise unknown_name("option", name, OPTIONS, where="--metadata")
    count = _whole_number(plural_permutations)
    if plural_source not in SOURCES:
        raise unknown_name("source", plural_source, SOURCES, where="dataset_kwargs.plural_source")
    from datasets import Dataset

    source = SOURCES[plural_source]
    items = read_items(source, locate(source, plural_data))
    splits = {split: [_doc(item, count) for item in items if item.split == split] for split in ("train", "test")}
    if not splits["test"]:
        raise ModPluralError(f"source {plural_source!r}: no item of the split 'test' was found.")
    return {split: Dataset.from_list(docs) for split, docs in splits.items() if docs}


def _doc(item: Item, count: int) -> dict[str, Any]:
    doc = to_doc(item)
    return {**doc, "orders": [list(order) for order in option_orders(len(doc["options"]), count, seed=item.id)]}


def _whole_number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ModPluralError(f"plural_permutations: found {value!r}, expected a whole number of at least 1.")
    return value
