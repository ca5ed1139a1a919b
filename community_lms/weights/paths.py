"""Tell weights and data on this machine from those on the Hub."""

from __future__ import annotations

import os
from pathlib import Path

from community_lms.weights.embedded import EMBEDDED_MODELS


def is_local(path: str, *, files: bool = False) -> bool:
    """Whether a path is one on this machine, and no embedded model or repository of the Hub.

    A name that is written as a path (``./mine``, ``~/mine``, ``/data/mine``) is one, whether or not it exists. Any
    other name (``org/mine``) is one if a folder of that name exists here, for then the loaders take it.

    Args:
        path: Path of weights or of a corpus.
        files: Whether a file counts as well as a folder. It does for a corpus; weights are folders, and their loaders
            look on the Hub for any other name.
    """
    if path in EMBEDDED_MODELS:
        return False
    if path.startswith((".", "/", "~")) or os.path.isabs(path):
        return True
    return Path(path).exists() if files else Path(path).is_dir()
