"""The trace file when it cannot be written to its end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from model_wrappers.trace import TraceWriter, read_trace
from plural_tasks.errors import ModPluralError


def test_a_full_disk_is_told_in_one_line_and_earlier_lines_stay(tmp_path, monkeypatch) -> None:
    path = tmp_path / "trace.jsonl"
    writer = TraceWriter(path, {"run_id": "r", "task": "t"})
    writer.write([{"id": "1"}])

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", full)
        with pytest.raises(ModPluralError) as caught:
            writer.write([{"id": "2"}])
    assert str(caught.value) == f"trace: {path} cannot be written (No space left on device)."
    assert [*read_trace(path)] == [json.loads('{"run_id": "r", "task": "t", "id": "1"}')]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_disk_that_fills_while_lines_are_flushed(tmp_path) -> None:
    writer = TraceWriter(tmp_path / "trace.jsonl", {"task": "t"})
    writer.path = Path("/dev/full")
    with pytest.raises(ModPluralError, match=r"trace: /dev/full cannot be written \(No space left on device\)\."):
        writer.write([{"id": "1"}])
