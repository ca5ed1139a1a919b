"""The trace: one JSON line for every document with its messages, prompts and answers, and a readable view of it."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from plural_tasks.utils.checked import read_text
from plural_tasks.utils.errors import ModPluralError

logger = logging.getLogger(__name__)


class TraceWriter:
    """Adds lines to a trace file; earlier runs' lines stay."""

    def __init__(self, path: str | Path, run: dict[str, Any]) -> None:
        """Open the file for appending.

        Args:
            path: The file.
            run: Facts of the run, put into every line (``run_id``, ``method``, …).

        Raises:
            ModPluralError: If the file cannot be written.
        """
        self.path = Path(path).expanduser()
        self._run = run
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab+") as file:
                if file.tell() and _last_byte(file) != b"\n":  # a run was killed while it wrote
                    file.write(b"\n")
        except OSError as error:
            raise ModPluralError(f"trace: {self.path} cannot be written ({error.strerror}).") from error

    def write(self, records: list[dict[str, Any]]) -> None:
        """Add one line for each record.

        Raises:
            ModPluralError: If the file cannot be written, for example because the disk is full.
        """
        try:
            with self.path.open("a", encoding="utf-8") as file:
                for record in records:
                    file.write(json.dumps({**self._run, **record}, ensure_ascii=False) + "\n")
        except OSError as error:
            raise ModPluralError(f"trace: {self.path} cannot be written ({error.strerror}).") from error


def read_trace(path: str | Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a trace file.

    A line that is no JSON, as a killed run leaves one, is passed over with a warning.

    Raises:
        ModPluralError: If the file cannot be read, holds a JSON line that is no trace record, or no record at all.
    """
    file = Path(path).expanduser()
    broken: list[str] = []
    count = 0
    for number, line in enumerate(read_text(file).split("\n"), start=1):  # splitlines() would also split at U+2028
        if not line:
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            broken.append(f"{file}:{number}: is not a JSON line ({error.msg}).")
            continue
        if not isinstance(record, dict) or "task" not in record:
            raise ModPluralError(f"{file}:{number}: is no trace record (it names no task).")
        count += 1
        yield record
    if broken and not count:
        raise ModPluralError(broken[0])
    for problem in broken:
        logger.warning("%s It is passed over.", problem)


def _last_byte(file: IO[bytes]) -> bytes:
    file.seek(-1, os.SEEK_END)
    return file.read(1)
