"""The one error type that users see, and how it is shown."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Iterable
from types import TracebackType
from typing import Any

from plural_tasks.utils.secrets import redact

TRACEBACK_VARIABLE = "MODPLURAL_TRACEBACK"


class ModPluralError(ValueError):
    """Input that modplural cannot use.

    The message is one sentence or two: where, what was found, what was expected, how to mend it.
    """


def nearest(name: str, valid: Iterable[str]) -> str | None:
    """Return the valid name closest to ``name``, or None when nothing is close."""
    matches = difflib.get_close_matches(str(name), sorted(valid), n=1, cutoff=0.6)
    return matches[0] if matches else None


def unknown_name(kind: str, name: object, valid: Iterable[str], *, where: str = "") -> ModPluralError:
    """Build the error for a name outside a closed set.

    Args:
        kind: What the name stands for, for example ``"pool"``.
        name: The name that was found.
        valid: All names that would have been accepted.
        where: Place of the mistake (file, option); put in front of the message.
    """
    names = sorted(valid)
    close = nearest(str(name), names)
    hint = f" Did you mean {close!r}?" if close else ""
    listing = ", ".join(names) if len(names) <= 24 else ", ".join(names[:24]) + f", … ({len(names)} in all)"
    prefix = f"{where}: " if where else ""
    return ModPluralError(f"{prefix}unknown {kind} {str(name)!r}.{hint} Valid: {listing}.")


def one_line(error: BaseException) -> str:
    """Return the message of ``error`` on a single line, without keys, which servers and clients repeat."""
    return " ".join(redact(str(error)).split())


def show_errors_in_one_line() -> None:
    """Make an uncaught `ModPluralError` end the process with one line instead of a traceback.

    The harness owns the command line, so this is done through ``sys.excepthook``: the exit code stays 1, a caller
    of the Python interface still catches the exception, and ``MODPLURAL_TRACEBACK=1`` brings the traceback back.
    """
    previous = sys.excepthook
    if getattr(previous, "_modplural", False):
        return

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> Any:
        if isinstance(error, ModPluralError) and not os.environ.get(TRACEBACK_VARIABLE):
            print(f"modplural: error: {one_line(error)}", file=sys.stderr)
            return None
        return previous(kind, error, trace)

    hook._modplural = True  # type: ignore[attr-defined]
    sys.excepthook = hook
