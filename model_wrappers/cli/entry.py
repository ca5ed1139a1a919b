"""The ``modplural`` command from its first to its last line."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from model_wrappers.cli.app import app
from plural_tasks.utils.errors import ModPluralError, one_line


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and end the process; an error of the user's input is one line.

    Args:
        arguments: Name of the command and its arguments; by default those of this process.

    Raises:
        SystemExit: Always; status 0 for success, 1 for an error of the input, 2 for an option that cannot be read, 3
            for a budget that is reached, 130 for an interruption that the command can go on from.
    """
    try:
        app(args=None if arguments is None else list(arguments))
    except ModPluralError as error:
        raise SystemExit(report(error)) from None


def report(error: ModPluralError) -> int:
    """Print an error on one line and return the exit status; a budget that is reached has one of its own."""
    from community_lms.remote.budget import BudgetReachedError
    from model_wrappers.cli.budget import REACHED

    reached = isinstance(error, BudgetReachedError)
    print(f"modplural: {'' if reached else 'error: '}{one_line(error)}", file=sys.stderr)
    return REACHED if reached else 1
