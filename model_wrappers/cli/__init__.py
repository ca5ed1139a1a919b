"""The ``modplural`` command: `app` is the table of contents, and every other file holds one command or one group."""

from model_wrappers.cli.entry import main

__all__ = ["main"]
