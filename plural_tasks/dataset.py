"""The harness's ``custom_dataset`` hook: a source's name in, a `datasets` split out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plural_tasks.docs import to_doc
from plural_tasks.errors import show_errors_in_one_line, unknown_name
from plural_tasks.sources import SOURCES, locate, read_items

if TYPE_CHECKING:
    from datasets import Dataset


def load(plural_source: str, plural_data: Any = None, **others: Any) -> dict[str, Dataset]:
    """Load the documents of one source.

    Called by the harness with the task's ``dataset_kwargs`` and with all ``--metadata`` and ``--model_args``, which
    is why other keywords are ignored and why the two names used here carry a prefix.

    Args:
        plural_source: Key of `plural_tasks.sources.SOURCES`.
        plural_data: A file, folder, address or mapping to read instead of the default place
            (``--metadata plural_data=PATH``); see `plural_tasks.sources.locate`.
        **others: Not read; a misspelt ``plural_…`` is refused.

    Returns:
        One split, ``test``.

    Raises:
        ModPluralError: If the data cannot be found or used.
    """
    show_errors_in_one_line()
    for name in others:
        if name.startswith("plural_"):
            raise unknown_name("option", name, ["plural_data", "plural_source"], where="--metadata")
    if plural_source not in SOURCES:
        raise unknown_name("source", plural_source, SOURCES, where="dataset_kwargs.plural_source")
    from datasets import Dataset

    source = SOURCES[plural_source]
    items = read_items(source, locate(source, plural_data))
    return {"test": Dataset.from_list([to_doc(item) for item in items])}
