"""The Overton answers of a run, out of the samples file that lm-eval writes with ``--log_samples``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plural_tasks.utils.checked import read_text
from plural_tasks.utils.errors import ModPluralError, unknown_name

_DATED = re.compile(r"_(\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}\.\d+)\.json$")
_NAME = re.compile(r"^samples_(.+)_\d{4}-\d{2}-\d{2}T[\d.-]+\.jsonl$")


@dataclass(frozen=True)
class OvertonAnswer:
    """What a run said about one document.

    Attributes:
        id: The document's id.
        situation: The document's question.
        cluster: The cluster of its standard errors.
        gold: The document's values and their explanations; two runs must agree on them.
        text: The answer, without surrounding white space; "" for an empty one.
    """

    id: str
    situation: str
    cluster: str
    gold: tuple[tuple[str, ...], ...]
    text: str


def find_samples(run: Path, task: str) -> Path:
    """Return the samples file of ``task`` in a run.

    Args:
        run: A samples file, a results file (the samples of the same date stand beside it), or a folder of one run.
        task: Name of the task.

    Raises:
        ModPluralError: If there is none, or a folder holds several runs' samples of the task.
    """
    if not run.exists():
        raise ModPluralError(f"{run}: no such file or folder; expected what lm_eval wrote to --output_path.")
    if run.suffix == ".jsonl":
        return run
    if run.is_file():
        dated = _DATED.search(run.name)
        if dated is None:
            raise ModPluralError(f"{run}: is neither a samples file (.jsonl) nor a results file with a date (.json).")
        found = [run.parent / f"samples_{task}_{dated[1]}.jsonl"]
        found = [path for path in found if path.is_file()]
    else:
        found = [path for path in sorted(run.rglob("samples_*.jsonl")) if _task_of(path) == task]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(str(path.relative_to(run)) for path in found[:4])
        raise ModPluralError(
            f"{run}: holds {len(found)} samples files of {task} ({names}); name the one that is meant."
        )
    raise _nothing(run, task)


def _nothing(run: Path, task: str) -> ModPluralError:
    folder = run if run.is_dir() else run.parent
    there = {_task_of(path) for path in folder.rglob("samples_*.jsonl")} - {""}
    if there and task not in there:
        return unknown_name("task", task, there, where=str(run))
    return ModPluralError(f"{run}: has no samples of {task}; run lm_eval with --log_samples and --output_path.")


def _task_of(path: Path) -> str:
    found = _NAME.match(path.name)
    return found[1] if found else ""


def read_answers(path: Path) -> list[OvertonAnswer]:
    """Read the answers of a samples file, in its order.

    A document that is there several times (one line for each filter) must have the same answer each time; of several
    repeats the first counts.

    Raises:
        ModPluralError: Naming the line that is no sample of an Overton task, or the file that has none.
    """
    answers: dict[str, OvertonAnswer] = {}
    for number, line in enumerate(read_text(path).split("\n"), start=1):  # splitlines() would also split at U+2028
        if not line.strip():
            continue
        answer = _answer(_record(line, f"{path}:{number}"), f"{path}:{number}")
        if answers.setdefault(answer.id, answer) != answer:
            raise ModPluralError(
                f"{path}:{number}: document {answer.id!r} is there twice with different answers; expected one of each."
            )
    if not answers:
        raise ModPluralError(f"{path}: holds no sample.")
    return list(answers.values())


def _record(line: str, where: str) -> Mapping[str, Any]:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise ModPluralError(f"{where}: is not a JSON line ({error.msg}); was the run cut off?") from error
    if not isinstance(record, dict) or not isinstance(record.get("doc"), dict):
        raise ModPluralError(f"{where}: is no sample of lm_eval (it has no doc).")
    return record


def _answer(record: Mapping[str, Any], where: str) -> OvertonAnswer:
    doc = record["doc"]
    if doc.get("mode") != "overton" or not doc.get("id") or not doc.get("question"):
        raise ModPluralError(
            f"{where}: found a document of mode {doc.get('mode')!r}, expected one of an Overton task of modplural."
        )
    return OvertonAnswer(
        id=str(doc["id"]),
        situation=str(doc["question"]),
        cluster=str(doc.get("cluster") or doc["id"]),
        gold=tuple(tuple(map(str, doc.get(name) or ())) for name in ("values", "explanations")),
        text=_text(record, where),
    )


def _text(record: Mapping[str, Any], where: str) -> str:
    """The answer's text: ``filtered_resps`` is a text, or a list (of lists) where a document has repeats."""
    found = record.get("filtered_resps", record.get("resps"))
    while isinstance(found, list) and found:
        found = found[0]
    if not isinstance(found, str):
        raise ModPluralError(f"{where}: found no generated text in filtered_resps, expected one.")
    return found.strip()
