"""Tables of a patch, for terminal and Markdown: the groups served worst, and what changed for each group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from model_wrappers.patching.effects import Effect, GroupedTask, ServedGroup, served
from plural_tasks import __version__
from plural_tasks.report.comparing.figures import FEW, LEVEL, SMALL
from plural_tasks.report.tables.cells import MARKS, Block, arrow_of, interval, number, p_value, signed
from plural_tasks.utils.files import json_ready

ADJUSTMENT = "p values are adjusted by Holm over the groups of a task, intervals are not adjusted"
PICKED = (
    "The patched group was picked because it fared worst in the very run that it is compared with. Part of such a gain "
    "is chance that evens out; name the group with --to-group before looking, or check it on other documents."
)


@dataclass(frozen=True)
class PatchResult:
    """A patch and what came of it.

    Attributes:
        source: The results file that was patched.
        results: The results file of the run with the patched pool.
        pools: ``before`` and ``after``: pool, fingerprint, communities, modules, weights.
        added: Members that were added.
        removed: Members that were taken out.
        groups: Task -> groups that the patch was made for.
        picked: Whether these groups were picked because they fared worst.
        subset: Whether only documents of these groups were asked.
        messages: Member -> number of messages needed and how many the store had; empty where it was not looked up.
        counts: The second run's own counts of messages.
        reused: Whether an earlier run's results were taken.
        worst: The groups served worst before.
        effects: What changed.
    """

    source: str
    results: str
    pools: Mapping[str, Mapping[str, Any]]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]]
    picked: bool
    subset: bool
    messages: Mapping[str, Mapping[str, int]]
    counts: Mapping[str, int]
    reused: bool
    worst: tuple[ServedGroup, ...]
    effects: tuple[Effect, ...]

    @property
    def title(self) -> str:
        """Title of the report: the pool, and the members added and removed."""
        changes = [f"+{name}" for name in self.added] + [f"-{name}" for name in self.removed]
        return f"Pool {self.pools['before']['pool']} patched: {' '.join(changes)}"

    def to_json(self) -> dict[str, Any]:
        """Everything, as plain JSON."""
        facts: dict[str, Any] = {"modplural": __version__, "level": LEVEL, "adjustment": ADJUSTMENT, **asdict(self)}
        return dict(json_ready(facts))


def worst_blocks(tasks: Sequence[GroupedTask], count: int, minimum: int) -> list[Block]:
    """For each task the ``count`` groups served worst, of those with at least ``minimum`` documents."""
    return [_worst(task, count, minimum) for task in tasks if any(task.groups)]


def _worst(task: GroupedTask, count: int, minimum: int) -> Block:
    found = served(task, minimum)
    title = f"{task.name}: {task.column.metric} {arrow_of(task.column.direction)} by {task.field}"
    names = {*task.groups} - {""}
    few = f"{len(names) - len(found)} of {len(names)} groups have fewer than {minimum} documents and are left out."
    if not found:
        return Block(title, notes=(f"No group has {minimum} documents; see --min-documents.",))
    header = ("served worst", "figure", "95 % interval", "n", "questions", "less the rest", "95 % interval", "p")
    rows = tuple(_served(one) for one in found[:count])
    chance = "Intervals are clustered by question; p values are not adjusted: of many groups some fare badly by chance."
    return Block(title, header=header, rows=rows, notes=(chance, *((few,) if len(found) < len(names) else ())))


def _served(one: ServedGroup) -> tuple[str, ...]:
    return (
        one.group,
        number(one.value),
        interval(one.low, one.high),
        str(one.n),
        str(one.clusters),
        signed(one.rest.value) + MARKS.get(one.rest.verdict, ""),
        interval(one.rest.low, one.rest.high, plus=True),
        p_value(one.rest.p),
    )


def patch_blocks(patched: PatchResult) -> list[Block]:
    """All tables of a patch: pools, messages, then task by task what changed."""
    names = dict.fromkeys(effect.task for effect in patched.effects)
    return [_pools(patched), _messages(patched), *(_changes(patched, name) for name in names), _method(patched)]


def _pools(patched: PatchResult) -> Block:
    rows = [
        (
            side,
            str(pool["pool"]),
            ", ".join([*pool["communities"], *(f"{name} ({role})" for name, role in pool["modules"].items())]),
            str(pool["fingerprint"])[:12],
        )
        for side, pool in patched.pools.items()
    ]
    return Block("Pools", header=("", "pool", "members", "fingerprint"), rows=tuple(rows), texts=(0, 1, 2, 3))


def _messages(patched: PatchResult) -> Block:
    rows = tuple(
        (name, str(one["needed"]), str(one["found"]), str(one["needed"] - one["found"]))
        for name, one in patched.messages.items()
    )
    counts = patched.counts
    whole = (
        f"The run with the patched pool needed {counts.get('requested', 0)} messages: {counts.get('found', 0)} were in "
        f"the store, {counts.get('generated', 0)} were asked for."
    )
    notes = (whole, "Its results were there from an earlier call and were taken.") if patched.reused else (whole,)
    header = ("messages of", "needed", "in the store", "to be asked") if rows else ()
    return Block("Messages", header=header, rows=rows, notes=notes)


def _changes(patched: PatchResult, task: str) -> Block:
    found = [effect for effect in patched.effects if effect.task == task]
    whole = [effect for effect in found if not effect.group]
    groups = [effect for effect in found if effect.group]
    sign = 1.0 if found[0].higher_is_better else -1.0
    ordered = sorted(groups, key=lambda one: (not one.patched, sign * one.change.value, one.group))
    header = ("", "before", "after", "change", "95 % interval", "p", "p (Holm)", "n", "questions")
    return Block(
        f"{task}: {found[0].metric} {arrow_of(found[0].higher_is_better)}",
        header=header,
        rows=tuple(_row(effect) for effect in [*ordered, *whole]),
        notes=tuple(_summary(groups)),
    )


def _row(effect: Effect) -> tuple[str, ...]:
    name = f"**{effect.group}** (patched)" if effect.patched else effect.group or "all documents"
    change = effect.change
    return (
        name,
        number(effect.before),
        number(effect.after),
        signed(change.value) + MARKS.get(change.verdict, ""),
        interval(change.low, change.high, plus=True),
        p_value(change.p),
        p_value(effect.adjusted),
        str(effect.n),
        str(effect.clusters),
    )


def _summary(groups: Sequence[Effect]) -> list[str]:
    """The patched groups one by one, the others counted."""
    wording = {
        "better": "better",
        "worse": "worse",
        "same": "no change was shown",
        "": "too few documents for an interval",
    }
    notes = []
    for effect in groups:
        if effect.patched:
            change = (
                f"{signed(effect.change.value)} {interval(effect.change.low, effect.change.high, plus=True)}".strip()
            )
            notes.append(f"{effect.group}: {change}, {wording[effect.change.verdict]}.")
    others = [effect.change.verdict for effect in groups if not effect.patched]
    if others:
        counted = [f"{others.count(name)} {text}" for name, text in wording.items() if name in others]
        notes.append(f"Of {len(others)} other groups: {', '.join(counted)}.")
    return notes


def _method(patched: PatchResult) -> Block:
    notes = [
        f"Differences are paired by document; 95 % intervals clustered by question; {ADJUSTMENT}. ▲ better, ▼ worse: "
        f"the interval leaves 0 out. No interval for fewer than {SMALL} documents or {FEW} questions.",
    ]
    notes += [PICKED] if patched.picked else []
    notes += ["Only documents of the patched groups were asked (--subset)."] if patched.subset else []
    return Block("", notes=tuple(notes))
