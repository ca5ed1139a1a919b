"""Checks that results and the trace can be written."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from model_wrappers.doctor.base import Check, Finding, fault, note, ok
from model_wrappers.doctor.visit import Visit

AREA = "output"
ADVICE = "Give a folder that can be written."


def results(visit: Visit) -> Iterator[Finding]:
    """Report whether results can be written."""
    given = visit.config.output_path
    if not given:
        more = "; --methods and --bases need one" if visit.methods or visit.bases else ""
        finding = fault if more else note
        yield finding("results", f"no --output_path: nothing is kept of the run{more}", "Add --output_path FOLDER.")
        return
    path = Path(given).expanduser()
    folder = path.parent if path.suffix in (".json", ".jsonl") else path
    yield _written("results", folder, "--output_path")


def trace(visit: Visit) -> Iterator[Finding]:
    """Report whether the trace can be written."""
    given = visit.settings.trace
    if given is not None:
        yield _written("trace", Path(given).expanduser().parent, "trace in --model_args")


def _written(name: str, folder: Path, option: str) -> Finding:
    """Write into the folder, or into the one that it would be made in; nothing is left behind."""
    there = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    try:
        if not there.is_dir():
            raise NotADirectoryError(0, "is a file, not a folder")
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"modplural")
            file.flush()
    except OSError as error:
        return fault(name, f"{folder} cannot be written ({there}: {error.strerror})", f"{ADVICE} ({option})")
    return ok(name, f"{folder} can be written")


CHECKS = (Check(AREA, "results", ADVICE, results), Check(AREA, "trace", ADVICE, trace))
