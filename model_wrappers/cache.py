"""Make the harness's ``--use_cache`` harmless.

Its key is the prompt alone. Two documents with one prompt and two attributes, two methods, or two pools would be given
each other's answers, in the same file and without a word. So nothing is read from it and nothing is written; the
message store keeps what is expensive, under a key that says what it is.
"""

from __future__ import annotations

import logging
from typing import Any

logger = logging.getLogger(__name__)

WARNING = (
    "--use_cache is not used: its key is the prompt alone, so it would mix up attributes, methods and pools. "
    "The harness still makes its file and says that it looks there, but it stays empty. "
    "Community messages are kept in the message store (messages=PATH) whatever this option says."
)


def disable_response_cache(cache_hook: Any) -> None:
    """Turn the database behind the hook (shared with the harness's `CachingLM`) into one that holds nothing."""
    database = getattr(cache_hook, "dbdict", None)
    if database is None:
        return
    logger.warning(WARNING)
    kind = type(database)
    inert = {
        "__contains__": lambda self, key: False,
        "__setitem__": lambda self, key, value: None,
    }
    database.__class__ = type(f"Inert{kind.__name__}", (kind,), inert)
