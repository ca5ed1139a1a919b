"""``modplural pool patch``: who is served worst, and what another pool changes for whom."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from plural_tasks.metrics.groups import MINIMUM_N
from plural_tasks.utils.errors import ModPluralError, unknown_name

if TYPE_CHECKING:
    from community_lms.pools.spec import Pool
    from model_wrappers.patching.effects import GroupedTask
    from model_wrappers.patching.report import PatchResult
    from model_wrappers.patching.rerun import Rerun
    from plural_tasks.report.reading.runs import Run

console = Console()

Needed = dict[str, dict[str, int]]
"""Member -> number of messages ``needed``, and ``found`` in the store."""

ResultsArgument = Annotated[
    str, typer.Argument(metavar="RESULTS", help="Results file or folder of a run with --log_samples.")
]
ByOption = Annotated[
    str | None, typer.Option(help="Document field that makes the groups, or by_group, by_category, by_stratum.")
]
WorstOption = Annotated[int, typer.Option(min=1, help="How many of the groups served worst are named.")]
MinimumOption = Annotated[int, typer.Option("--min-documents", min=2, help="Smaller groups are not named the worst.")]
TaskOption = Annotated[list[str] | None, typer.Option(help="Only this task; may be given several times.")]
NewestOption = Annotated[bool, typer.Option("--newest", help="Of a folder the newest results file.")]
AddOption = Annotated[
    list[str] | None, typer.Option(help="Community (or pool) to add, as in pool=; may be given several times.")
]
RemoveOption = Annotated[list[str] | None, typer.Option(help="Community to take out; may be given several times.")]
ToGroupOption = Annotated[
    list[str] | None, typer.Option("--to-group", help="Group to patch for; by default each task's worst.")
]
OutOption = Annotated[Path | None, typer.Option(help="Folder for the new results and the report.")]
SubsetOption = Annotated[bool, typer.Option("--subset", help="Only the documents of the patched groups.")]
LimitOption = Annotated[int | None, typer.Option(min=1, help="Only the first documents of each task.")]
WeightsOption = Annotated[str | None, typer.Option(help="Weights of the patched pool, in place of the run's.")]
StoreOption = Annotated[str | None, typer.Option(help="Message store, in place of the run's.")]
AskMissingOption = Annotated[
    bool, typer.Option("--ask-missing", help="Also ask communities that stay for what the store lacks of them.")
]
IncludeOption = Annotated[
    str | None, typer.Option("--include_path", help="Folder with task YAML of your own, as the run had it.")
]


def patch(
    results: ResultsArgument,
    by: ByOption = None,
    worst: WorstOption = 3,
    min_documents: MinimumOption = MINIMUM_N,
    task: TaskOption = None,
    newest: NewestOption = False,
    add: AddOption = None,
    remove: RemoveOption = None,
    to_group: ToGroupOption = None,
    out: OutOption = None,
    subset: SubsetOption = False,
    limit: LimitOption = None,
    weights: WeightsOption = None,
    messages: StoreOption = None,
    ask_missing: AskMissingOption = False,
    include_path: IncludeOption = None,
) -> None:
    """Name the groups served worst; with --add or --remove run again from the store and report what changed for whom.

    The pool may then be written pool=perspective-reddit_center+asia_culture in --model_args.
    """
    from model_wrappers.patching.effects import effects, read_tasks, served
    from model_wrappers.patching.report import worst_blocks
    from model_wrappers.patching.rerun import Rerun, patched_arguments
    from plural_tasks.report.tables.render import print_blocks

    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    _check_options(bool(add or remove), out, {"--to-group": to_group, "--subset": subset, "--limit": limit})
    source = _one_run(results, newest, task or ())
    tasks = read_tasks(source, by, task or ())
    print_blocks(worst_blocks(tasks, worst, min_documents), console)
    if out is None or not (add or remove):
        return
    groups = _groups(tasks, to_group or (), min_documents)
    pools = patched_arguments(source, add or (), remove or (), weights=weights, messages=messages)
    again = Rerun(source, *pools, _documents(tasks, groups if subset else None, limit), include_path)
    run, needed, reused = _run(again, out, ask_missing)
    facts = {"groups": groups, "picked": not to_group, "subset": subset, "messages": needed, "reused": reused}
    named = tuple(one for task in tasks for one in served(task, min_documents)[:worst])
    _report(_patched(again, run, worst=named, effects=tuple(effects(tasks, run, groups)), **facts), out)


def _check_options(patching: bool, out: Path | None, others: Mapping[str, Any]) -> None:
    if patching and out is None:
        raise ModPluralError("--add and --remove need --out DIR, for the new results and the report.")
    named = [name for name, value in {**others, "--out": out}.items() if value]
    if not patching and named:
        raise ModPluralError(f"{named[0]} goes with --add or --remove; without them the groups served worst are named.")


def _one_run(results: str, newest: bool, names: Sequence[str]) -> Run:
    from plural_tasks.report.reading.runs import read_runs

    runs = read_runs([results], newest=newest, tasks=names)
    if len(runs) > 1:
        raise ModPluralError(f"{results}: holds {len(runs)} results files; name one, or take the newest with --newest.")
    return runs[0]


def _groups(tasks: Sequence[GroupedTask], names: Sequence[str], minimum: int) -> dict[str, tuple[str, ...]]:
    """Task -> names of the groups that are patched."""
    from model_wrappers.patching.effects import served

    there = {name for task in tasks for name in task.groups if name}
    for name in names:
        if name not in there:
            fields = " or ".join(dict.fromkeys(task.field for task in tasks if task.field))
            raise unknown_name("group", name, there, where=f"--to-group ({fields})")
    if names:
        return {task.name: tuple(name for name in names if name in task.groups) for task in tasks}
    found = {task.name: tuple(one.group for one in served(task, minimum)[:1]) for task in tasks}
    if not any(found.values()):
        raise ModPluralError(
            f"no group has {minimum} documents, so none is named the worst; name one with --to-group or lower "
            "--min-documents."
        )
    return found


def _documents(
    tasks: Sequence[GroupedTask], only: Mapping[str, Sequence[str]] | None, limit: int | None
) -> dict[str, tuple[int, ...]]:
    """Task -> the harness's numbers of the documents to run; with ``only`` (task -> groups) those of these groups."""
    from model_wrappers.patching.rerun import numbers

    documents = {}
    for task in tasks:
        if only is not None and task.run.shots:
            raise ModPluralError(
                f"--subset: task {task.name!r} has {task.run.shots} few-shot examples, which the harness draws by the "
                "order of documents; run all documents."
            )
        kept = [
            document.id
            for document, group in zip(task.run.documents, task.groups, strict=True)
            if only is None or group in only[task.name]
        ]
        places = numbers(task.run, kept)[:limit]
        if places:
            documents[task.name] = places
    return documents


def _run(again: Rerun, out: Path, ask_missing: bool) -> tuple[Run, Needed, bool]:
    """The run with the patched pool, the messages it needed, and whether an earlier call had made it."""
    from model_wrappers.patching.rerun import earlier

    there = earlier(again, out)
    try:
        return *(there or _new(again, out, ask_missing)), there is not None
    except KeyboardInterrupt:
        console.print("Interrupted; the messages asked for so far are kept, the same command goes on from there.")
        raise typer.Exit(130) from None


def _new(again: Rerun, out: Path, ask_missing: bool) -> tuple[Run, Needed]:
    from model_wrappers.patching.rerun import look_up, run_again

    needed = look_up(again)
    _check_store(again, needed, ask_missing)
    return run_again(again, out, needed), needed


def _check_store(again: Rerun, needed: Mapping[str, Mapping[str, int]], ask_missing: bool) -> None:
    """Refuse to ask communities again that the store should have messages of; say so where that cannot be known."""
    if not needed:
        console.print("Whom the run will ask cannot be told beforehand; the report counts it.", highlight=False)
        return
    kept = {name: one for name, one in needed.items() if name in again.before.names}
    lacking = {name: one["needed"] - one["found"] for name, one in kept.items() if one["found"] < one["needed"]}
    if lacking and not ask_missing:
        listed = ", ".join(f"{name} {count} of {kept[name]['needed']}" for name, count in lacking.items())
        raise ModPluralError(
            f"the message store {again.arguments.get('messages', '(the default one)')} lacks messages of communities "
            f"that stay ({listed}); name the store of the run with --messages, or have them asked with --ask-missing."
        )


def _patched(again: Rerun, run: Run, **facts: Any) -> PatchResult:
    """The record of a patch: what both runs state of themselves, and ``facts``, the other fields of `PatchResult`."""
    from model_wrappers.patching.report import PatchResult

    return PatchResult(
        source=str(again.source.path),
        results=str(run.path),
        pools={"before": _pool_of(again.source), "after": _pool_of(run)},
        added=_beyond(again.after, again.before),
        removed=_beyond(again.before, again.after),
        counts=run.data["config"]["modplural"]["message_counts"],
        **facts,
    )


def _beyond(pool: Pool, other: Pool) -> tuple[str, ...]:
    """Names of the members that the other pool has not."""
    return tuple(name for name in pool.names if name not in other.names)


def _pool_of(run: Run) -> dict[str, Any]:
    """Facts of a run's pool, as its results state them."""
    own = run.data["config"]["modplural"]
    return {
        "pool": own["pool"],
        "fingerprint": own["pool_fingerprint"],
        "communities": own["communities"],
        "modules": own.get("modules", {}),
        "weights": own["weights"],
    }


def _report(made: PatchResult, out: Path) -> None:
    """Print what changed, and write it."""
    from model_wrappers.patching.report import patch_blocks
    from plural_tasks.report.tables.render import blocks_to_markdown, print_blocks
    from plural_tasks.utils.files import write_json, write_text

    shown = patch_blocks(made)
    print_blocks(shown, console)
    write_text(out / "report.md", blocks_to_markdown(made.title, shown))
    write_json(out / "report.json", made.to_json())
    console.print(f"written: {out / 'report.md'}, {out / 'report.json'}", highlight=False, soft_wrap=True)
