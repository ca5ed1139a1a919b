"""Methods by tasks: what `modplural compare` works out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from plural_tasks.metrics.groups import GROUP_FIELDS
from plural_tasks.report.comparing.agreement import RouteAgreement, agreements
from plural_tasks.report.comparing.check import check_comparable
from plural_tasks.report.comparing.figures import (
    RESAMPLES,
    Column,
    RunFigure,
    SubgroupFigure,
    best,
    columns,
    constants,
    figure,
    groups,
    versus,
)
from plural_tasks.report.reading.facts import Facts
from plural_tasks.report.reading.runs import Run, TaskRun
from plural_tasks.report.reading.samples import LoggedDocument
from plural_tasks.report.reading.values import main_metric
from plural_tasks.schema import MODES
from plural_tasks.utils.errors import ModPluralError, unknown_name

_SMALLEST = 10
"""Documents of a group; a field that puts most documents into smaller ones is taken only when it is asked for."""


@dataclass(frozen=True)
class RunSummary:
    """A row's run: its label, facts, results file, and few-shot examples by task."""

    label: str
    facts: Facts
    path: str
    shots: Mapping[str, int]


@dataclass(frozen=True)
class TaskComparison:
    """Every run's figures on one task.

    Attributes:
        name: Name of the task.
        mode: Mode of its documents; "" for tasks that are not modplural's.
        version: Task version, the same for all rows.
        main: The metric that stands for the task.
        judge: Name of the judge; "" where there is none.
        n: Number of documents evaluated.
        original: Number of documents that the task has.
        clusters: Number of questions among those evaluated.
        figures: Runs first, in their order, each with all its metrics; then constant answers, in units of ``main``.
        fallbacks: Label -> share of documents whose answer could not be used.
        group_field: Document field that makes the subgroups; "" where there are none.
        groups: The main figure of every run in every subgroup.
        agreements: How far runs that differ in the elicitation route alone agree.
        agreement_notes: A sentence for each pair of routes that differs in more.
    """

    name: str
    mode: str
    version: str
    main: str
    judge: str
    n: int
    original: int
    clusters: int
    figures: tuple[RunFigure, ...]
    fallbacks: Mapping[str, float]
    group_field: str
    groups: tuple[SubgroupFigure, ...]
    agreements: tuple[RouteAgreement, ...] = ()
    agreement_notes: tuple[str, ...] = ()

    def of(self, row: str, metric: str = "") -> RunFigure | None:
        """The figure of a row; the main one unless another is named."""
        wanted = metric or self.main
        return next((one for one in self.figures if (one.row, one.metric, one.constant) == (row, wanted, False)), None)

    @property
    def metrics(self) -> list[str]:
        """All metrics of runs, the main one first."""
        names = dict.fromkeys(found.metric for found in self.figures if not found.constant)
        return [self.main, *(name for name in names if name != self.main)]

    def constant(self, name: str) -> RunFigure | None:
        """A constant answer's figure."""
        return next((found for found in self.constants if found.row == name), None)

    @property
    def constants(self) -> list[RunFigure]:
        """The constant answers."""
        return [found for found in self.figures if found.constant]


@dataclass(frozen=True)
class Comparison:
    """Runs side by side on all their tasks; ``baseline`` is the label of the run that differences are taken from."""

    runs: tuple[RunSummary, ...]
    baseline: str
    tasks: tuple[TaskComparison, ...]


def compare(
    runs: Sequence[Run],
    *,
    baseline: str | None = None,
    by: str | None = None,
    tasks: Sequence[str] = (),
    resamples: int = RESAMPLES,
) -> Comparison:
    """Set runs side by side.

    Args:
        runs: What `plural_tasks.report.reading.runs.read_runs` returns.
        baseline: Label of the run that differences are measured against; the first one by default.
        by: Document field that makes subgroups; by default the first of `GROUP_FIELDS` with at least two groups.
        tasks: Only these tasks; all by default.
        resamples: Draws for the intervals of aggregates; 0 leaves these out.

    Raises:
        ModPluralError: If there is no run, a name is unknown, or rows cannot be compared.
    """
    if not runs:
        raise ModPluralError("there is no run to compare.")
    labels = [run.label for run in runs]
    if baseline is not None and baseline not in labels:
        raise unknown_name("run", baseline, labels, where="--baseline")
    names = _task_names(runs, tasks)
    chosen = baseline or labels[0]
    check_comparable(sorted(runs, key=lambda run: run.label != chosen))
    _check_field(runs, names, by)
    summaries = tuple(
        RunSummary(run.label, run.facts, str(run.path), {name: task.shots for name, task in run.tasks.items()})
        for run in runs
    )
    compared = tuple(_task(name, runs, chosen, by, resamples) for name in _progress(names))
    return Comparison(summaries, chosen, compared)


def _task_names(runs: Sequence[Run], wanted: Sequence[str]) -> list[str]:
    there: dict[str, TaskRun] = {}
    for run in runs:
        for name, task in run.tasks.items():
            there.setdefault(name, task)
    for name in wanted:
        if name not in there:
            raise unknown_name("task", name, {name for run in runs for name in run.data["configs"]}, where="--task")
    counts = Counter(name for run in runs for name in run.tasks)
    if len(runs) > 1 and max(counts.values(), default=0) < 2:
        listed = "; ".join(f"{run.label}: {', '.join(run.tasks) or 'none'}" for run in runs)
        raise ModPluralError(f"the runs have no task in common ({listed}); there is nothing to compare.")
    kept = [name for name in there if not wanted or name in wanted]
    order = [*MODES, ""]
    return sorted(kept, key=lambda name: order.index(there[name].mode if there[name].mode in MODES else ""))


def _check_field(runs: Sequence[Run], names: Sequence[str], by: str | None) -> None:
    if by is None:
        return
    documents = [task.documents[0] for run in runs for name, task in run.tasks.items() if name in names]
    fields = {name for document in documents for name in document.fields}
    if by not in fields:
        raise unknown_name("field of the documents", by, fields, where="--by")


def _progress(names: Sequence[str]) -> Iterable[str]:
    from tqdm import tqdm

    return tqdm(names, desc="comparing", unit="task", leave=False, disable=None, delay=2)


def _task(name: str, runs: Sequence[Run], baseline: str, by: str | None, resamples: int) -> TaskComparison:
    done = {run.label: run.tasks[name] for run in runs if name in run.tasks}
    table = {label: columns(task, label, where=f"run {label!r}") for label, task in done.items()}
    first = next(iter(done.values()))
    metric = main_metric(first.mode, list(next(iter(table.values()))))
    constant = constants(first, next(iter(table.values()))[metric])
    figures = [
        _figure(found, table, metric, baseline, constant, resamples) for row in table.values() for found in row.values()
    ]
    figures += [figure(found, constant=True) for found in constant]
    field = by if by is not None else _group_field(first.documents)
    agreed, unlike = agreements(name, runs)
    return TaskComparison(
        name=name,
        mode=first.mode,
        version=first.version,
        main=metric,
        judge=str(first.documents[0].values.get("judge", "")),
        n=len(first.documents),
        original=first.original,
        clusters=len({document.cluster for document in first.documents}),
        figures=tuple(figures),
        fallbacks={label: figure(row["fallback_rate"]).value for label, row in table.items() if "fallback_rate" in row},
        group_field=field,
        groups=tuple(
            group for label, row in table.items() if metric in row for group in groups(done[label], row[metric], field)
        ),
        agreements=agreed,
        agreement_notes=unlike,
    )


def _figure(
    found: Column,
    table: Mapping[str, Mapping[str, Column]],
    main: str,
    baseline: str,
    constant: Sequence[Column],
    resamples: int,
) -> RunFigure:
    made = figure(found, resamples=resamples)
    other = table.get(baseline, {}).get(found.metric)
    if other is not None and found.row != baseline:
        made = replace(made, baseline=versus(found, other, resamples=resamples))
    bar = best(constant) if found.metric == main else None
    if bar is not None:
        made = replace(made, best_constant=versus(found, bar, resamples=resamples))
    return made


def _group_field(documents: Sequence[LoggedDocument]) -> str:
    """The first field of `GROUP_FIELDS` that makes two groups large enough to be shown; "" when none does."""
    for field in GROUP_FIELDS:
        sizes = Counter(name for document in documents if (name := document.fields.get(field)))
        large = [size for size in sizes.values() if size >= _SMALLEST]
        if len(large) > 1 and 2 * sum(large) >= len(documents):
            return field
    return ""


def worst(task: TaskComparison, row: str) -> SubgroupFigure | None:
    """The group that fares worst in a row; None where no group is large enough."""
    return next((group for group in task.groups if group.row == row and group.worst), None)


def no_better_than_constant(found: RunFigure) -> bool:
    """Tell whether a run is not shown to be better than the best constant answer."""
    return found.best_constant is not None and found.best_constant.verdict in ("same", "worse")


def is_partial(task: TaskComparison) -> bool:
    """Tell whether fewer documents were evaluated than the task has."""
    return task.n < task.original
