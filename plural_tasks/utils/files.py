"""Files are written whole or not at all, and JSON has no NaN."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from plural_tasks.utils.errors import ModPluralError


def write_text(path: Path, text: str, *, encoding: str = "utf-8") -> None:
    """Write a text; a file that is there is replaced in one step, and stays as it was when writing fails.

    Raises:
        ModPluralError: If the file cannot be written; names it.
    """
    _write(path, [text], encoding)


def write_lines(path: Path, lines: Iterable[str]) -> int:
    """Write lines as they come, in one step as `write_text` does; return their number.

    Raises:
        ModPluralError: If the file cannot be written; names it.
    """
    return _write(path, (line + "\n" for line in lines), "utf-8")


def write_json(path: Path, data: Any) -> None:
    """Write indented JSON, as `json_ready` makes it, in one step as `write_text` does.

    Raises:
        ModPluralError: If the file cannot be written; names it.
    """
    write_text(path, json.dumps(json_ready(data), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def json_ready(value: Any) -> Any:
    """Return ``value`` as strict JSON has it: what is not finite is null, a tuple is a list, a key is text."""
    if isinstance(value, Mapping):
        return {str(name): json_ready(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_ready(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _write(path: Path, parts: Iterable[str], encoding: str) -> int:
    scratch, count = None, 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding=encoding, newline="", dir=path.parent, delete=False) as file:
            scratch = file.name
            for part in parts:
                file.write(part)
                count += 1
        os.chmod(scratch, 0o644)
        os.replace(scratch, path)
    except OSError as error:
        raise ModPluralError(f"{path}: cannot be written ({error.strerror}).") from error
    finally:
        if scratch is not None:
            Path(scratch).unlink(missing_ok=True)
    return count
