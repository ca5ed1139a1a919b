"""The ``modplural`` command."""

from __future__ import annotations

import sys

from plural_tasks.utils.errors import ModPluralError


def main() -> None:
    """Run the command; an error of the user's input is one line and exit code 1."""
    if sys.argv[1:2] == ["eval"]:
        from model_wrappers.cli.evaluate import run_harness

        run_harness(sys.argv[2:])
        return
    from model_wrappers.cli.app import app

    try:
        app()
    except ModPluralError as error:
        from model_wrappers.cli.budget import told

        raise SystemExit(told(error)) from None


__all__ = ["main"]
