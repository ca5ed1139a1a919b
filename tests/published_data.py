"""The published files of other projects, which may not be redistributed: tests read them where a copy is at hand."""

import os
from pathlib import Path

import pytest

VARIABLE = "MODPLURAL_TEST_DATA"


def published(name: str) -> Path:
    """Path of a published file or folder; skips the test where no copies are at hand.

    Args:
        name: Relative to the folder that the environment variable MODPLURAL_TEST_DATA names, which holds the folders
            ``modular_pluralism`` and ``moralchoice``.

    Raises:
        FileNotFoundError: The variable is set and there is no such file.
    """
    folder = os.environ.get(VARIABLE)
    if not folder:
        pytest.skip(f"{VARIABLE} is not set: it names a folder with copies of the published files ({name})")
    path = Path(folder).absolute() / name
    if not path.exists():
        raise FileNotFoundError(f"{VARIABLE}={folder}: there is no {name}")
    return path
