"""The ``modplural`` command: `app` lists the files that hold a command or a group; the others are what these share."""

from model_wrappers.cli.entry import main

__all__ = ["main"]
