"""Whether weights or data lie on this machine or on the Hub."""

from __future__ import annotations

import os
from pathlib import Path

from community_lms.weights.embedded import EMBEDDED_MODELS


def is_local(path: str, *, files: bool = False) -> bool:
    """Does a path mean a place on this machine, rather than an embedded model or a repository of the Hub?

    What is written as a path (``./mine``, ``~/mine``, ``/data/mine``) is one, whether or not anything is there. Another
    name (``org/mine``) is one where a folder of that name lies here, for then the loaders take it.

    Args:
        path: Of weights or of a corpus.
        files: Whether a file counts as well as a folder. It does for a corpus; weights are folders, and their loaders
            look on the Hub for any other name.
    """
    if path in EMBEDDED_MODELS:
        return False
    if path.startswith((".", "/", "~")) or os.path.isabs(path):
        return True
    return Path(path).exists() if files else Path(path).is_dir()
