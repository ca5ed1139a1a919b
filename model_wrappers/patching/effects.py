"""Figures by group with their uncertainty: the groups served worst, and what a patched pool changed for each group."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from plural_tasks.metrics import clustered_interval, clustered_se, effective_clusters
from plural_tasks.metrics.groups import MINIMUM_N
from plural_tasks.report.comparing.check import difference_of
from plural_tasks.report.comparing.compare import compare
from plural_tasks.report.comparing.figures import FEW, LEVEL, SMALL, Column, Versus, columns, mean, verdict, versus
from plural_tasks.report.reading.runs import Run, TaskRun
from plural_tasks.report.reading.values import clipped, main_metric
from plural_tasks.utils.errors import ModPluralError, unknown_name

BREAKDOWNS = {"by_group": "attribute"}
"""Metrics that break a figure down -> the document field that they go by, where the name does not say it."""


@dataclass(frozen=True)
class GroupedTask:
    """A task's main figure, document by document, and the groups of its documents ("" for none)."""

    run: TaskRun
    column: Column
    field: str
    groups: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of the task."""
        return self.run.name


@dataclass(frozen=True)
class ServedGroup:
    """Figure of one group of documents, and its distance from the rest.

    Attributes:
        task: Name of the task.
        metric: Name of the task's main figure.
        higher_is_better: Direction of the figure.
        field: Document field that makes the groups.
        group: Name of the group.
        n: Scored documents of the group.
        clusters: Questions that these belong to.
        value: Mean over the group.
        low: Lower end of its 95 % interval, clustered by question.
        high: Upper end.
        rest: Figure of the group less that of all other documents, with its interval.
    """

    task: str
    metric: str
    higher_is_better: bool
    field: str
    group: str
    n: int
    clusters: int
    value: float
    low: float
    high: float
    rest: Versus


@dataclass(frozen=True)
class Effect:
    """Change that the patch made for one group ("" for all documents), paired by document.

    Attributes:
        task: Name of the task.
        metric: Name of the task's main figure.
        higher_is_better: Direction of the figure.
        group: Name of the group.
        patched: Whether the community was added for this group.
        n: Documents scored both before and after.
        clusters: Questions that these belong to.
        before: Mean before.
        after: Mean after.
        change: After less before, with its interval (not adjusted) and p value.
        adjusted: Holm's p value over all groups of the task; NaN where there is none.
    """

    task: str
    metric: str
    higher_is_better: bool
    group: str
    patched: bool
    n: int
    clusters: int
    before: float
    after: float
    change: Versus
    adjusted: float = math.nan


def read_tasks(run: Run, by: str | None, names: Sequence[str] = ()) -> list[GroupedTask]:
    """The tasks of a run that have a main figure for every document.

    Args:
        run: What `plural_tasks.report.reading.runs.read_runs` returns.
        by: A document field, or a breakdown of the results (``by_stratum``); by default the first of the usual fields
            with at least two large groups, task by task.
        names: Only these tasks; all by default.

    Raises:
        ModPluralError: If a task or the field is unknown, the files do not belong together, or no task has groups.
    """
    for name in names:
        if name not in run.tasks:
            raise unknown_name("task", name, run.data["configs"], where="--task")
    field = BREAKDOWNS.get(by, by.removeprefix("by_")) if by is not None else None
    compared = compare([run], by=field, tasks=names, resamples=0)
    found = [_task(run.tasks[task.name], run.label, task.group_field) for task in compared.tasks]
    tasks = [task for task in found if task is not None]
    if not any(any(task.groups) for task in tasks):
        raise ModPluralError(
            f"{run.path}: no task has groups of at least two documents to break its figure down by; name a field of "
            "the documents with --by (attribute, category, stratum, study, …)."
        )
    return tasks


def _task(run: TaskRun, label: str, field: str) -> GroupedTask | None:
    table = columns(run, label, where=f"run {label!r}")
    column = table[main_metric(run.mode, list(table))]
    if column.values is None or column.direction is None:
        return None
    return GroupedTask(
        run, column, field, tuple(document.fields.get(field, "") if field else "" for document in run.documents)
    )


def served(task: GroupedTask, minimum: int = MINIMUM_N) -> list[ServedGroup]:
    """Figures of the groups of a task with at least ``minimum`` scored documents, the worst first."""
    values = task.column.values or []
    made = []
    for name in sorted({*task.groups} - {""}):
        inside = [group == name for group in task.groups]
        own = _scored(values, task.column.clusters, inside)
        if len(own[0]) >= minimum:
            low, high = clipped(task.column.metric, *clustered_interval(*own, LEVEL))
            common = {"task": task.name, "metric": task.column.metric, "field": task.field, "group": name}
            count = len(set(own[1]))
            rest = apart(values, inside, task.column.clusters, bool(task.column.direction))
            better = bool(task.column.direction)
            made.append(
                ServedGroup(
                    **common,
                    higher_is_better=better,
                    n=len(own[0]),
                    clusters=count,
                    value=mean(own[0]),
                    low=low,
                    high=high,
                    rest=rest,
                )
            )
    sign = 1.0 if task.column.direction else -1.0
    return sorted(made, key=lambda one: (sign * one.value, one.group))


def apart(values: Sequence[float], inside: Sequence[bool], clusters: Sequence[str], higher_is_better: bool) -> Versus:
    """Mean of the rows inside a group less that of the others.

    The standard error is clustered (CR1): a row inside moves the difference by (x - mean) / n of its side, one outside
    by the negative of that; a question that is asked of both sides counts as one cluster. The interval takes the
    effective clusters of the smaller side.
    """
    kept = [place for place, value in enumerate(values) if not math.isnan(value)]
    sides = {side: [values[place] for place in kept if inside[place] == side] for side in (True, False)}
    means = {side: mean(rows) for side, rows in sides.items()}
    value = means[True] - means[False]
    names = [clusters[place] for place in kept]
    if not sides[True] or not sides[False]:
        return Versus("the rest", value, math.nan, math.nan, math.nan, "", len(kept))
    moved = [
        (1.0 if inside[place] else -1.0) * (values[place] - means[inside[place]]) / len(sides[inside[place]])
        for place in kept
    ]
    error = clustered_se([len(kept) * one for one in moved], names)
    free = min(
        effective_clusters([name for place, name in zip(kept, names, strict=True) if inside[place] == side])
        for side in (True, False)
    )
    low, high, p = _t(value, error, free - 1.0)
    return Versus("the rest", value, low, high, p, verdict(low, high, higher_is_better), len(kept))


def _t(value: float, error: float, free: float) -> tuple[float, float, float]:
    """Interval and two-sided p value of a t distribution; NaN where there is no error to measure by."""
    from scipy.stats import t

    if math.isnan(error) or free <= 0.0:
        return math.nan, math.nan, math.nan
    reach = float(t.ppf(0.5 + LEVEL / 2.0, free)) * error
    return value - reach, value + reach, float(2.0 * t.sf(abs(value) / error, free)) if error > 0.0 else math.nan


def effects(before: Sequence[GroupedTask], after: Run, patched: Mapping[str, Sequence[str]]) -> list[Effect]:
    """Changes from one run to another, over the documents of the second: task by task, all documents first.

    Args:
        before: Tasks of the run before.
        after: The run with the patched pool, over the same documents or fewer.
        patched: Task -> groups that the community was added for.

    Raises:
        ModPluralError: If a task was asked or scored in another way, or on other documents.
    """
    made: list[Effect] = []
    for task in before:
        if task.name in after.tasks:
            made += _effects(task, after.tasks[task.name], patched.get(task.name, ()))
    return made


def _effects(task: GroupedTask, after: TaskRun, patched: Sequence[str]) -> list[Effect]:
    ids = {document.id for document in after.documents}
    places = [place for place, document in enumerate(task.run.documents) if document.id in ids]
    old = replace(task.run, documents=tuple(task.run.documents[place] for place in places))
    problem = difference_of(after, old)
    if not problem and after.shots != old.shots:
        problem = f"found {after.shots} few-shot examples, the other has {old.shots}; evaluate both with the same."
    if problem:
        raise ModPluralError(f"{after.samples}: task {task.name!r} cannot be compared with the run before: {problem}")
    theirs = _part(task.column, places)
    ours = columns(after, "after", where=str(after.samples)).get(task.column.metric)
    if ours is None or ours.values is None:
        raise ModPluralError(f"{after.samples}: task {task.name!r} has no {task.column.metric} for every document.")
    groups = [task.groups[place] for place in places]
    rows = [(name, [at for at, group in enumerate(groups) if group == name]) for name in sorted({*groups} - {""})]
    made = [_effect(task, name, _part(ours, kept), _part(theirs, kept), name in patched) for name, kept in rows]
    whole = _effect(task, "", ours, theirs, False)
    return [whole, *adjust([effect for effect in made if effect.n])]


def _part(column: Column, places: Sequence[int]) -> Column:
    values = column.values or []
    return replace(
        column, values=[values[place] for place in places], clusters=tuple(column.clusters[place] for place in places)
    )


def _effect(task: GroupedTask, name: str, ours: Column, theirs: Column, patched: bool) -> Effect:
    both = [not (math.isnan(a) or math.isnan(b)) for a, b in zip(ours.values or (), theirs.values or (), strict=True)]
    places = [place for place, keep in enumerate(both) if keep]
    ours, theirs = _part(ours, places), _part(theirs, places)
    change = versus(ours, replace(theirs, row="before"))
    assert change is not None  # both have values
    count = len(set(ours.clusters))
    if change.n < SMALL or count < FEW:
        change = replace(change, low=math.nan, high=math.nan, p=math.nan, verdict="")
    return Effect(
        task.name,
        task.column.metric,
        bool(task.column.direction),
        name,
        patched,
        change.n,
        count,
        mean(theirs.values or ()),
        mean(ours.values or ()),
        change,
    )


def adjust(found: Sequence[Effect]) -> list[Effect]:
    """Fill in `Effect.adjusted`: Holm (1979), over the groups that have a p value."""
    tested = sorted((effect for effect in found if not math.isnan(effect.change.p)), key=lambda one: one.change.p)
    adjusted: dict[str, float] = {}
    highest = 0.0
    for place, effect in enumerate(tested):
        highest = max(highest, min(1.0, (len(tested) - place) * effect.change.p))
        adjusted[effect.group] = highest
    return [replace(effect, adjusted=adjusted.get(effect.group, math.nan)) for effect in found]


def _scored(values: Sequence[float], clusters: Sequence[str], kept: Sequence[bool]) -> tuple[list[float], list[Any]]:
    rows = [
        (value, name)
        for value, name, keep in zip(values, clusters, kept, strict=True)
        if keep and not math.isnan(value)
    ]
    return [value for value, _ in rows], [name for _, name in rows]
