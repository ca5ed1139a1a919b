"""The tables of a comparison, as texts: what Markdown and the terminal show, in the order in which people ask."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace

from plural_tasks.metrics.groups import MINIMUM_N
from plural_tasks.report.comparing.compare import Comparison, TaskComparison, is_partial, worst
from plural_tasks.report.comparing.figures import FEW, SMALL, RunFigure, SubgroupFigure
from plural_tasks.report.reading.facts import Facts
from plural_tasks.report.tables.agreement_table import agreement_blocks
from plural_tasks.report.tables.cells import NOTHING, Block, arrow_of, interval, number, p_value, percent, signed
from plural_tasks.report.tables.marks import difference_mark, legend, marks, reported_mark

CONSTANT = {
    "uniform": "always uniform",
    "first": "always the first option",
    "majority": "always the one place that does best",
    "unsteered": "each question's best answer, whoever is asked",
    "question": "the question, given back",
}
WIDEST = 4
"""With more tasks than this the main table has tasks as rows."""

MOST_GROUPS = 12
"""Longer lists of subgroups are cut in tables, never in CSV and JSON."""
_DIGEST = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{8,}")


def blocks(comparison: Comparison) -> list[Block]:
    """All tables of a report."""
    overview, made = _overview(comparison), [_runs(comparison)]
    marked = [overview]
    for task in comparison.tasks:
        main, others = _main(comparison, task), _others(comparison, task)
        marked += [main, *others]
        made += [main, *_groups(task), *others, *agreement_blocks(task)]
    shown = " ".join(cell for block in marked for row in block.rows for cell in row)
    return [replace(overview, notes=legend(comparison, shown)), *made]


def _overview(comparison: Comparison) -> Block:
    tasks = comparison.tasks
    titles = [f"{_short(task.name)}: {task.main} {_arrow(task)}".strip() for task in tasks]
    table: list[tuple[str, ...]] = [("", *titles, "most fallbacks")]
    for run in comparison.runs:
        cells = [_mean_cell(task, task.of(run.label)) for task in tasks]
        own = sum((run.facts.fallbacks or {}).values())
        steps = f" / {own} own steps" if own else ""
        table.append((_label(comparison, run.label), *cells, _fallbacks(tasks, run.label) + steps))
    for name in dict.fromkeys(found.row for task in tasks for found in task.constants):
        cells = [_mean_cell(task, task.constant(name)) for task in tasks]
        table.append((CONSTANT.get(name, f"always {name}"), *cells, NOTHING))
    table.append(("documents (questions)", *(_size(task) for task in tasks), ""))
    if len(tasks) > WIDEST:
        table = list(zip(*table, strict=True))
    return Block("Main figures", header=table[0], rows=tuple(table[1:]))


def _runs(comparison: Comparison) -> Block:
    rows = []
    for run in comparison.runs:
        facts = run.facts
        own = facts.fallbacks or {}
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(own.items()) if count)
        shots = sorted(set(run.shots.values()))
        rows.append(
            (
                run.label,
                facts.model,
                "/".join(part for part in (facts.backend, facts.base) if part),
                facts.method or NOTHING,
                _pool(facts) if facts.pool else NOTHING,
                kinds or (NOTHING if facts.fallbacks is None else "0"),
                ", ".join(map(str, shots)),
                "yes" if facts.chat else "no",
                NOTHING if facts.seed is None else str(facts.seed),
                facts.date.partition("T")[0] or NOTHING,
            )
        )
    header = ("run", "model", "backend", "method", "pool", "own-step fallbacks", "shots", "chat", "seed", "date")
    columns = dict(zip(header, zip(*rows, strict=True), strict=True))
    filled = {name: cells for name, cells in columns.items() if set(cells) - {NOTHING, ""}}
    in_common = {name: cells[0] for name, cells in filled.items() if len(rows) > 1 and len(set(cells)) == 1}
    kept = {name: cells for name, cells in filled.items() if name not in in_common}
    same = (f"All runs: {', '.join(f'{name} {text}' for name, text in in_common.items())}.",) if in_common else ()
    texts = tuple(place for place, name in enumerate(kept) if name in header[:6])
    made = tuple(zip(*kept.values(), strict=True))
    return Block("Runs", header=tuple(kept), rows=made, texts=texts, notes=(*same, *_warnings(comparison)))


def _warnings(comparison: Comparison) -> tuple[str, ...]:
    notes = []
    mixed = [
        task.name
        for task in comparison.tasks
        if len({run.shots[task.name] for run in comparison.runs if task.name in run.shots}) > 1
    ]
    if mixed:
        notes.append(f"Different numbers of few-shot examples: {', '.join(mixed)}.")
    if len({run.facts.chat for run in comparison.runs}) > 1:
        notes.append("Some runs use a chat template, others none.")
    missing = [
        f"{run.label}: {task.name}"
        for run in comparison.runs
        for task in comparison.tasks
        if task.of(run.label) is None
    ]
    if missing:
        notes.append(f"Not evaluated: {'; '.join(missing)}.")
    return tuple(notes)


def _pool(facts: Facts) -> str:
    """The pool with the number of its communities, and its modules by role."""
    modules = "".join(f", {name}: {role}" for name, role in (facts.modules or {}).items())
    return f"{facts.pool} ({len(facts.communities)}{modules})"


def _main(comparison: Comparison, task: TaskComparison) -> Block:
    compared = len(comparison.runs) > 1
    header = ["", f"{task.main} {_arrow(task)}", "95 % interval", "n", "fallback rate"]
    header += [f"difference from {comparison.baseline}", "95 % interval", "p"] if compared else []
    ranked = any(group.worst for group in task.groups)
    header += [f"worst {task.group_field}"] if ranked else []
    rows = []
    for run in comparison.runs:
        found = task.of(run.label)
        if found is None:
            continue
        cells = [_label(comparison, run.label), _value(task, found), interval(found.low, found.high), str(found.n)]
        cells.append(percent(task.fallbacks.get(run.label, math.nan)))
        cells += _difference(task, found, is_baseline=run.label == comparison.baseline) if compared else []
        cells += [_worst(worst(task, run.label))] if ranked else []
        rows.append(tuple(cells))
    for found in task.constants:
        cells = [
            CONSTANT.get(found.row, found.row),
            number(found.value),
            interval(found.low, found.high),
            str(found.n),
        ]
        rows.append((*cells, *("" for _ in header[4:])))
    facts = [
        f"{task.n} of {task.original} documents" + (" ‡" if is_partial(task) else ""),
        f"{task.clusters} questions",
    ]
    facts = [part for part in (task.mode, f"version {task.version}") if part] + facts
    judge = _DIGEST.sub(r"\1…", task.judge)
    facts += [f"judge {judge}"] if judge else []
    return Block(task.name, header=tuple(header), rows=tuple(rows), notes=(", ".join(facts) + ".",))


def _difference(task: TaskComparison, found: RunFigure, *, is_baseline: bool) -> list[str]:
    against = found.baseline
    if is_baseline:
        return [f"baseline{difference_mark(task, found)}", "", ""]
    if against is None:
        return [NOTHING, NOTHING, NOTHING]
    return [
        f"{signed(against.value)}{difference_mark(task, found)}{_fewer(found)}",
        interval(against.low, against.high, plus=True),
        p_value(against.p),
    ]


def _groups(task: TaskComparison) -> list[Block]:
    if not task.groups:
        return []
    runs = list(dict.fromkeys(group.row for group in task.groups))
    table: dict[str, dict[str, SubgroupFigure]] = {}
    for group in task.groups:
        table.setdefault(group.group, {})[group.row] = group
    direction = next(found.higher_is_better for found in task.figures if found.metric == task.main)
    named = {group.group for group in task.groups if group.worst}
    sizes = {name: max(group.n for group in members.values()) for name, members in table.items()}

    def place(name: str) -> tuple[bool, bool, float]:
        return sizes[name] < MINIMUM_N, name not in named, _badness(list(table[name].values()), direction)

    order = sorted(table, key=place)
    shown = order[:MOST_GROUPS]
    rows = [
        (
            name,
            str(sizes[name]),
            *(_group_cell(table[name].get(run)) for run in runs),
        )
        for name in shown
    ]
    ranked = any(group.worst for group in task.groups)
    few = f"No group has {MINIMUM_N} documents, so none is named the worst."
    notes = [f"**Bold**: each run's worst group of at least {MINIMUM_N} documents." if ranked else few]
    if len(order) > len(shown):
        first = f" (groups of at least {MINIMUM_N} documents first)" if ranked else ""
        notes.append(f"The {len(shown)} worst of {len(order)}{first}; CSV and JSON have them all.")
    elif ranked and sizes[order[-1]] < MINIMUM_N:
        notes.append(f"Groups of at least {MINIMUM_N} documents first, the worst before the others.")
    if any(group.n < SMALL or group.clusters < FEW for name in shown for group in table[name].values()):
        notes.append(f"No interval is given for fewer than {SMALL} documents or {FEW} questions.")
    title = f"{_short(task.name)}: {task.main} {_arrow(task)} by {task.group_field}"
    return [Block(title, 3, (task.group_field, "n", *runs), tuple(rows), notes=tuple(notes))]


def _badness(members: Sequence[SubgroupFigure], direction: bool | None) -> float:
    """Key by which the worst-off group sorts first: the mean over runs; groups without a figure go last."""
    known = [group.value for group in members if not math.isnan(group.value)]
    if not known:
        return math.inf
    middle = math.fsum(known) / len(known)
    return -middle if direction is False else middle


def _group_cell(group: SubgroupFigure | None) -> str:
    if group is None or math.isnan(group.value):
        return NOTHING
    text = f"{number(group.value)} {interval(group.low, group.high)}".strip()
    return f"**{text}**" if group.worst else text


def _others(comparison: Comparison, task: TaskComparison) -> list[Block]:
    metrics = [metric for metric in task.metrics if metric not in (task.main, "fallback_rate")]
    if not metrics:
        return []
    labels = [run.label for run in comparison.runs if task.of(run.label)]
    rows = []
    for metric in metrics:
        found = [task.of(label, metric) for label in labels]
        arrow = next((arrow_of(one.higher_is_better) for one in found if one), "")
        if any(one is not None and not math.isnan(one.value) for one in found):
            rows.append((f"{metric} {arrow}".strip(), *(_other_cell(task, one) for one in found)))
    return [Block(f"{_short(task.name)}: other figures", 3, ("", *labels), tuple(rows))]


def _fewer(found: RunFigure) -> str:
    """Say on how many documents a difference rests where that is not all of the row's."""
    return f" (on {found.baseline.n})" if found.baseline and found.baseline.n < found.n else ""


def _other_cell(task: TaskComparison, found: RunFigure | None) -> str:
    if found is None or math.isnan(found.value):
        return NOTHING
    mark = difference_mark(task, found) + _fewer(found) + reported_mark(found)
    return f"{number(found.value)} {interval(found.low, found.high)}".strip() + mark


def _mean_cell(task: TaskComparison, found: RunFigure | None) -> str:
    if found is None or math.isnan(found.value):
        return NOTHING
    return f"{_value(task, found)} {interval(found.low, found.high)}".strip() + marks(task, found)


def _value(task: TaskComparison, found: RunFigure) -> str:
    runs = [one for one in task.figures if one.metric == task.main and not one.constant and not math.isnan(one.value)]
    text = number(found.value)
    values = {one.value for one in runs}
    if found.constant or found.higher_is_better is None or len(values) < 2:
        return text
    return f"**{text}**" if found.value == (max if found.higher_is_better else min)(values) else text


def _label(comparison: Comparison, label: str) -> str:
    return f"{label} (baseline)" if label == comparison.baseline and len(comparison.runs) > 1 else label


def _fallbacks(tasks: Sequence[TaskComparison], label: str) -> str:
    """The highest share of fallbacks over the tasks; a mean would hide the task on which a run fails."""
    rates = [task.fallbacks[label] for task in tasks if not math.isnan(task.fallbacks.get(label, math.nan))]
    return percent(max(rates)) if rates else NOTHING


def _size(task: TaskComparison) -> str:
    return f"{task.n} ({task.clusters})" + (" ‡" if is_partial(task) else "")


def _worst(group: SubgroupFigure | None) -> str:
    return f"{group.group}: {number(group.value)}" if group else NOTHING


def _arrow(task: TaskComparison) -> str:
    return next((arrow_of(found.higher_is_better) for found in task.figures if found.metric == task.main), "")


def _short(name: str) -> str:
    return name.removeprefix("plural_")
