"""The trace file when it cannot be written to its end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from model_wrappers.cli.app import app
from model_wrappers.collaboration.trace import TraceWriter, read_trace
from plural_tasks.utils.errors import ModPluralError


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


LONG = "cces2016-whiteadv-a-question-whose-id-is-longer-than-a-terminal-is-wide-by-far-and-must-be-whole"
PROMPT = json.dumps([{"role": "system", "content": "Be fair."}, {"role": "user", "content": "One line.\nAnother one."}])


def record(**changes: object) -> dict[str, object]:
    return {
        "task": "plural_surveys_steerable",
        "doc_id": 0,
        "id": LONG,
        "mode": "steerable",
        "question": "Do you agree?",
        "attribute": "x",
        "options": ["Yes", "No"],
        "fallbacks": [],
        "messages": [{"community": "left", "text": "We do.", "tokens": None}],
        "selected": "left",
        "distribution": [0.75, 0.25],
        "option_mass": 0.9,
        "prompts": [PROMPT],
        "prompt_tokens": [None],
        **changes,
    }


def trace(folder: Path) -> Path:
    path = folder / "trace.jsonl"
    TraceWriter(path, {"run_id": "run1", "method": "moe", "pool": "p"}).write(
        [record(), *(record(id=f"d{number}") for number in range(7)), record(task="plural_surveys_distributional")]
    )
    # One document in two orders of its options: two records.
    TraceWriter(path, {"run_id": "run2", "method": "moe", "pool": "p"}).write([record(id="d0"), record(id="d0")])
    return path


def invoke(*arguments: str) -> str:
    return CliRunner().invoke(app, ["trace", *arguments], env={"COLUMNS": "80"}, catch_exceptions=False).stdout


def test_a_list_tells_runs_apart_and_cuts_no_id(tmp_path) -> None:
    assert invoke("list", str(trace(tmp_path))).splitlines() == [
        "run run1  method moe, pool p, documents 9",
        f"  plural_surveys_steerable  8: {LONG}, d0, d1, d2, d3, d4 and 2 more",
        f"  plural_surveys_distributional  1: {LONG}",
        "",
        "run run2  method moe, pool p, documents 1",
        "  plural_surveys_steerable  1: d0",
    ]


def test_a_document_without_weights_and_counts_has_no_columns_for_them(tmp_path) -> None:
    shown = invoke("show", str(trace(tmp_path)), "--run", "run1", "--id", LONG, "--prompts")
    assert shown.splitlines()[0] == f"plural_surveys_steerable / {LONG}"
    assert "weight" not in shown
    assert "┃ community ┃ message ┃" in shown
    assert "prompt to the base LLM, with the message of left" in shown
    lines = [line.strip("│ ") for line in shown.splitlines()]
    at = lines.index("system:")
    assert lines[at : at + 6] == ["system:", "Be fair.", "", "user:", "One line.", "Another one."]


def test_every_prompt_says_whose_it_is(tmp_path) -> None:
    path = tmp_path / "trace.jsonl"
    rows = [{"community": name, "weight": 0.5, "shares": [0.5, 0.5]} for name in ("left", "right")]
    made = record(distributions=rows, prompts=["of the left", "of the right"], prompt_tokens=[3, 3])
    TraceWriter(path, {"run_id": "r", "method": "modplural", "pool": "p"}).write([made])
    shown = invoke("show", str(path), "--prompts")
    assert "weight" in shown
    first, second = shown.index("1 of 2: left"), shown.index("2 of 2: right")
    assert first < shown.index("of the left") < second < shown.index("of the right")
