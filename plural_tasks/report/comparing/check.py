"""Refuse to set side by side what was not measured alike."""

from __future__ import annotations

import ast
import hashlib
import json
import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from plural_tasks.report.reading.runs import Run, TaskRun
from plural_tasks.report.reading.samples import LoggedDocument, read_document
from plural_tasks.report.reading.values import is_constant, series
from plural_tasks.utils.errors import ModPluralError

_SCORING = (
    "output_type",
    "description",
    "target_delimiter",
    "gen_prefix",
    "generation_kwargs",
    "doc_to_text",
    "doc_to_choice",
    "doc_to_target",
    "process_results",
    "filter_list",
    "metric_list",
    "repeats",
)
_SHOWN_BY_DOCUMENTS = ("plural_data", "plural_permutations", "plural_judge", "plural_judge_args")
"""Options whose effect the documents and their figures show: data, orders of options, name of the judge."""

_NOISE = 0.01
"""Judges give other last digits on other machines."""


def check_comparable(runs: Sequence[Run]) -> None:
    """Check that every task's rows are of the same task version, scoring and documents.

    Raises:
        ModPluralError: On the first difference, naming the runs, the task and what differs.
    """
    first: dict[str, tuple[Run, TaskRun]] = {}
    for run in runs:
        for name, task in run.tasks.items():
            reference, wanted = first.setdefault(name, (run, task))
            difference = difference_of(task, wanted) if task is not wanted else ""
            if difference:
                raise ModPluralError(
                    f"run {run.label!r} cannot stand beside run {reference.label!r}: task {name!r}: {difference}"
                )


def difference_of(task: TaskRun, wanted: TaskRun) -> str:
    """What keeps two runs of a task from being compared, in a sentence with the way out; "" when nothing does."""
    if task.version != wanted.version:
        return f"found version {task.version}, the other has {wanted.version}; evaluate both with one version."
    ours, theirs = scoring(task), scoring(wanted)
    parts = [part for part in sorted({*ours, *theirs}) if ours.get(part) != theirs.get(part)]
    if parts:
        return f"they are asked or scored in different ways ({_sides(parts, ours, theirs)}); evaluate both alike."
    return _documents(task, wanted) or _results(task, wanted)


def scoring(task: TaskRun) -> dict[str, Any]:
    """What decides how a task is asked and scored, read from its configuration: JSON, fit for comparing.

    Of functions, which the harness dumps as source, only what they do counts: no docstring, comment or layout. The
    tasks of modplural raise their version when their scoring changes, so theirs do not count: that a function was
    rewritten sets no two releases apart.
    """
    config = dict(task.config)
    if "plural_source" in (config.get("dataset_kwargs") or {}):
        config.pop("process_results", None)
        config["metric_list"] = [metric["metric"] for metric in config.get("metric_list") or ()]
    found = {part: _plain(config[part]) for part in _SCORING if config.get(part) is not None}
    metadata = config.get("metadata")
    given = {**(config.get("dataset_kwargs") or {}), **(metadata if isinstance(metadata, Mapping) else {})}
    options = {
        name: _plain(value)
        for name, value in given.items()
        if name.startswith("plural_") and name not in _SHOWN_BY_DOCUMENTS
    }
    judges = sorted({str(document.values["judge"]) for document in task.documents if "judge" in document.values})
    return {**found, **options, **({"judge": judges} if judges else {})}


def digest(value: Any) -> str:
    """SHA-256 of JSON in its canonical form."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def documents_digest(documents: Sequence[LoggedDocument]) -> str:
    """SHA-256 over ids and hashes of documents, whatever their order."""
    return digest(sorted((document.id, document.digest) for document in documents))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, str):
        return _code(value)
    return value


def _code(text: str) -> str:
    """Source without docstrings, comments and layout; what is no function, without memory addresses."""
    if not re.match(r"\s*(?:@|def\b|async\b|class\b)", text):
        return re.sub(r" at 0x[0-9a-f]+", "", text)
    try:
        tree = ast.parse(textwrap.dedent(text))
    except SyntaxError:
        return text
    for node in ast.walk(tree):
        if (
            isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
            and ast.get_docstring(node) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def _sides(parts: Sequence[str], ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    """Name what differs; a short value is shown, of a long one only the name."""
    sides = ((part, repr(ours.get(part, "nothing")), repr(theirs.get(part, "nothing"))) for part in parts)
    return ", ".join(
        f"{part}: {mine} against {other}" if len(mine) + len(other) <= 160 else part for part, mine, other in sides
    )


def _documents(task: TaskRun, wanted: TaskRun) -> str:
    ours = {document.id: document.digest for document in task.documents}
    theirs = {document.id: document.digest for document in wanted.documents}
    if set(ours) != set(theirs):
        lacks, more = sorted(set(theirs) - set(ours)), sorted(set(ours) - set(theirs))
        said = [f"it lacks {len(lacks)} (first: {lacks[0]!r})"] if lacks else []
        said += [f"it has {len(more)} more (first: {more[0]!r})"] if more else []
        return (
            f"found {len(ours)} documents, the other has {len(theirs)}: {', '.join(said)}; evaluate both with the same "
            "--limit or --samples and the same data."
        )
    changed = sorted(name for name in ours if ours[name] != theirs[name])
    if not changed:
        return ""
    one, other = read_document(task.samples, changed[0]), read_document(wanted.samples, changed[0])
    fields = [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]
    hint = " (options are shown in other orders: plural_permutations)" if fields == ["orders"] else ""
    return (
        f"{len(changed)} of {len(ours)} documents differ, {changed[0]!r} in {', '.join(fields) or 'its hash'}{hint}; "
        "evaluate both on the same data with one version."
    )


def _results(task: TaskRun, wanted: TaskRun) -> str:
    """Say which constant answer has other figures: it knows no model, so that scoring differs; "" for none."""
    shared = {*task.documents[0].values} & {*wanted.documents[0].values}
    for metric in sorted(name for name in shared if is_constant(name)):
        ours, theirs = series(task.documents, metric), series(wanted.documents, metric)
        pairs = zip(ours or (), theirs or (), strict=True)
        if any(not (math.isnan(a) and math.isnan(b)) and not math.isclose(a, b, abs_tol=_NOISE) for a, b in pairs):
            return (
                f"the constant answer {metric} has other figures, so scoring differs; evaluate both with one version."
            )
    return ""
