"""Find the harness's output and read it: one results file and the samples beside it are one run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from plural_tasks.report.reading.facts import Facts, read_facts, tell_apart
from plural_tasks.report.reading.samples import LoggedDocument, read_samples
from plural_tasks.utils.checked import read_json
from plural_tasks.utils.errors import ModPluralError

_DATE = re.compile(r"_(?P<date>\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?)\.json$")


@dataclass(frozen=True)
class TaskRun:
    """What one run did on one task.

    Attributes:
        name: Name of the task.
        version: ``metadata.version`` of its configuration.
        shots: Number of few-shot examples.
        original: Number of documents that the task has; more than ``documents`` when the run was limited.
        config: The configuration as the harness dumped it.
        reported: The harness's own aggregates: metric (or ``metric,filter``, see `Document.values`) -> figure or text.
        directions: Metric -> whether higher is better; None where neither direction is.
        documents: Ordered by id.
        samples: The file they were read from.
        sha256: Digest of that file.
    """

    name: str
    version: str
    shots: int
    original: int
    config: Mapping[str, Any]
    reported: Mapping[str, Any]
    directions: Mapping[str, bool | None]
    documents: tuple[LoggedDocument, ...]
    samples: Path
    sha256: str

    @property
    def mode(self) -> str:
        """The mode that its documents state; "" for tasks that are not modplural's."""
        return self.documents[0].fields.get("mode", "")


@dataclass(frozen=True)
class Run:
    """One results file.

    Attributes:
        label: Name of the row in reports; unique among the runs that were read together.
        path: The results file.
        facts: What the run says of itself.
        tasks: Task name -> what was done on it, in the file's order.
        data: The whole results file.
    """

    label: str
    path: Path
    facts: Facts
    tasks: Mapping[str, TaskRun]
    data: Mapping[str, Any]


def read_runs(arguments: Sequence[str], *, newest: bool = False, tasks: Sequence[str] = ()) -> list[Run]:
    """Read runs from the places that a user names.

    Args:
        arguments: Each a results file, or a folder (at any depth) with results files, of which each is a run;
            ``label=PATH`` names the run.
        newest: Take only the newest results file of each argument.
        tasks: Read only the samples of these tasks; all by default.

    Raises:
        ModPluralError: If there is no results file, one of the files cannot be used, or two runs have one label.
    """
    found: list[tuple[str, Path]] = []
    for argument in arguments:
        label, path = _split(argument)
        paths = find_results(path)
        if newest:
            paths = paths[-1:]
        if label and len(paths) > 1:
            raise ModPluralError(
                f"{argument}: the label stands for one run, but {path} holds {len(paths)} results files. "
                "Name one of them, or take the newest with --newest."
            )
        found += [(label, place) for place in paths]
    _check_once([place for _, place in found])
    runs = [read_run(place, label=label, tasks=tasks) for label, place in found]
    labels = tell_apart([run.facts for run in runs], [run.label for run in runs])
    return [replace(run, label=label) for run, label in zip(runs, labels, strict=True)]


def _split(argument: str) -> tuple[str, Path]:
    label, sign, rest = argument.partition("=")
    if sign and not Path(argument).expanduser().exists():
        if not label.strip() or not rest:
            raise ModPluralError(f"RUN {argument!r}: expected PATH or label=PATH.")
        return label.strip(), Path(rest).expanduser()
    return "", Path(argument).expanduser()


def _check_once(paths: Sequence[Path]) -> None:
    seen: set[Path] = set()
    for path in paths:
        if path.resolve() in seen:
            raise ModPluralError(f"{path}: is named twice; name every run once.")
        seen.add(path.resolve())


def find_results(path: Path) -> list[Path]:
    """Results files at a place, the oldest first.

    Args:
        path: A results file, whatever its name, or a folder: there the date in the name tells a results file.

    Raises:
        ModPluralError: If there is none, or the file holds samples.
    """
    if path.is_file():
        if path.suffix == ".jsonl":
            raise ModPluralError(
                f"{path}: holds samples; name the results file beside it (results_<date>.json) or the folder."
            )
        return [path]
    if not path.is_dir():
        raise ModPluralError(f"{path}: there is no such file or folder; expected what lm_eval --output_path was given.")
    dated = [(match["date"], place) for place in path.rglob("*.json") if (match := _DATE.search(place.name))]
    if not dated:
        raise ModPluralError(
            f"{path}: holds no results file (results_<date>.json); expected what lm_eval --output_path was given."
        )
    return [place for _, place in sorted(dated)]


def read_run(path: Path, *, label: str = "", tasks: Sequence[str] = ()) -> Run:
    """Read one results file and the samples beside it.

    Raises:
        ModPluralError: If a file is missing, broken, cut, or does not belong to the others; names the file.
    """
    data = read_json(path)
    parts = ("results", "configs", "config", "versions")
    if not isinstance(data, Mapping) or not all(isinstance(data.get(part), Mapping) for part in parts):
        raise ModPluralError(f"{path}: is no results file of lm-eval (it lacks one of {', '.join(parts)}).")
    names = [name for name in data["results"] if name in data["configs"]]  # groups have results but no configuration
    if not names:
        raise ModPluralError(f"{path}: holds no result of any task.")
    wanted = [name for name in names if not tasks or name in tasks]
    facts = read_facts(data)
    return Run(label, path, facts, {name: _read_task(path, data, name) for name in wanted}, data)


def _read_task(path: Path, data: Mapping[str, Any], name: str) -> TaskRun:
    place = _samples_path(path, name)
    counts = data.get("n-samples", {}).get(name, {})
    samples = read_samples(
        place, expected=counts.get("effective"), task_hash=data.get("task_hashes", {}).get(name), results=path
    )
    reported, directions = data["results"][name], data.get("higher_is_better", {}).get(name, {})
    return TaskRun(
        name=name,
        version=str(data["versions"].get(name)),
        shots=int(data.get("n-shot", {}).get(name) or 0),
        original=int(counts.get("original") or len(samples.documents)),
        config=data["configs"][name],
        reported={samples.short(key): value for key, value in reported.items() if "," in key},
        directions={key: value for key, value in directions.items() if value is None or isinstance(value, bool)},
        documents=samples.documents,
        samples=place,
        sha256=samples.sha256,
    )


def _samples_path(results: Path, task: str) -> Path:
    """The samples file of a task; one of the same date, or the only one beside a results file that was renamed."""
    match = _DATE.search(results.name)
    if match:
        place = results.with_name(f"samples_{task}_{match['date']}.jsonl")
        found = [place] if place.is_file() else []
    else:
        dated = re.compile(rf"samples_{re.escape(task)}(?:_\d{{4}}-[\d.T-]+)?\.jsonl")
        found = sorted(place for place in results.parent.iterdir() if dated.fullmatch(place.name))
    if len(found) > 1:
        raise ModPluralError(
            f"{results}: {len(found)} samples files of task {task!r} lie beside it and its name has no date that tells "
            "which is its own; give it back the name that lm_eval wrote."
        )
    if not found:
        raise ModPluralError(
            f"{results}: the samples of task {task!r} are missing (samples_{task}_<date>.jsonl beside it). "
            "lm_eval writes them with --log_samples: run it again with that option."
        )
    return found[0]
