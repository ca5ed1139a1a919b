"""``modplural messages``: make, import, export and check stored messages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from community_lms.exchange import export_jsonl, export_published, import_jsonl, import_published
from community_lms.store import MessageStore
from model_wrappers.plan import Plan, load_tasks, make_plan
from plural_tasks.errors import ModPluralError
from plural_tasks.sources import SOURCES

app = typer.Typer(help="Make, import, export and check stored community messages.", no_args_is_help=True)
console = Console()

StoreOption = Annotated[
    Path | None, typer.Option("--messages", help="The store; by default the one in the cache folder.")
]
TasksOption = Annotated[str | None, typer.Option("--tasks", help="Tasks, groups or tags, joined by commas.")]
PoolOption = Annotated[str, typer.Option(help="A preset, a file, a community, or several joined by +.")]
CommunitiesOption = Annotated[str | None, typer.Option(help="Only these, joined by +.")]
DataOption = Annotated[str | None, typer.Option("--data", help="Task files: a file, a folder or an address.")]
EngineOption = Annotated[str, typer.Option("--engine", help="auto, peft, backend or scripted.")]
PromptsOption = Annotated[str, typer.Option(help="Name or file of a prompt set.")]
SeedOption = Annotated[int, typer.Option(help="Seed of the messages (lm_eval's default for torch).")]
CountOption = Annotated[int, typer.Option("--per-community", help="Messages of each community on each document.")]
FormatOption = Annotated[
    Literal["jsonl", "published"],
    typer.Option("--format", help="JSON lines, or one file id -> text per community."),
]


@app.command()
def generate(
    tasks: TasksOption,
    pool: PoolOption = "embedded",
    communities: CommunitiesOption = None,
    messages: StoreOption = None,
    limit: Annotated[int | None, typer.Option(help="Only the first documents of each task.")] = None,
    data: DataOption = None,
    engine: EngineOption = "auto",
    prompts: PromptsOption = "default",
    seed: SeedOption = 1234,
    per_community: CountOption = 1,
    temperature: Annotated[float | None, typer.Option(help="In place of the pool's.")] = None,
    top_p: Annotated[float | None, typer.Option(help="In place of the pool's.")] = None,
    max_new_tokens: Annotated[int | None, typer.Option(help="In place of the pool's.")] = None,
    batch_size: Annotated[int, typer.Option(help="Messages generated, and committed, together.")] = 16,
    dtype: Annotated[str, typer.Option(help="Torch dtype of the communities' weights.")] = "auto",
    device: Annotated[str | None, typer.Option(help="Torch device.")] = None,
    mode: Annotated[str | None, typer.Option(help="For tasks that are not modplural's.")] = None,
    attribute: Annotated[str | None, typer.Option(help="For tasks that are not modplural's.")] = None,
) -> None:
    """Ask every community about every document; a later run of lm_eval with the same settings asks nothing again."""
    plan = make_plan(
        _names(tasks),
        _store(messages),
        limit=limit,
        data=data,
        pool=pool,
        communities=communities,
        message_engine=engine,
        prompts=prompts,
        seed=seed,
        messages_per_community=per_community,
        message_temperature=temperature,
        message_top_p=top_p,
        message_max_new_tokens=max_new_tokens,
        message_batch_size=batch_size,
        message_dtype=dtype,
        device=device,
        mode=mode,
        attribute=attribute,
    )
    plan.session.asker.ask(plan.requests())
    counts = plan.session.asker.counts
    console.print(
        f"{counts.requested} messages: {counts.found} were stored, "
        f"{counts.generated} generated ({counts.tokens} tokens)."
    )


@app.command("export")
def export(
    out: Annotated[Path, typer.Argument(help="JSONL file, or with --format published a folder.")],
    messages: StoreOption = None,
    style: FormatOption = "jsonl",
    tasks: TasksOption = None,
    pool: PoolOption = "embedded",
    communities: CommunitiesOption = None,
    data: DataOption = None,
    engine: EngineOption = "auto",
    prompts: PromptsOption = "default",
    seed: SeedOption = 1234,
    limit: Annotated[int | None, typer.Option(help="Only the first documents of each task.")] = None,
) -> None:
    """Write messages to files."""
    store = _existing(messages)
    if style == "jsonl":
        console.print(f"{export_jsonl(store, out)} messages written to {out}.", soft_wrap=True)
        return
    names = _names(tasks)
    plan = _plan(names, store, pool, communities, data, engine, prompts, seed, limit)
    for task, stem in _stems(names, data).items():
        for path, (count, missing) in export_published(plan.by_community(task), store, out, stem).items():
            console.print(f"{path}: {count} messages, {missing} not in the store.", soft_wrap=True, highlight=False)


@app.command("import")
def import_(
    paths: Annotated[list[Path], typer.Argument(help="Files to read.")],
    messages: StoreOption = None,
    style: FormatOption = "jsonl",
    tasks: Annotated[str | None, typer.Option("--task", help="With --format published: the task.")] = None,
    pool: PoolOption = "embedded",
    community: Annotated[
        str | None, typer.Option(help="Who spoke; by default read from the end of the file's name.")
    ] = None,
    data: DataOption = None,
    engine: EngineOption = "auto",
    prompts: PromptsOption = "default",
    seed: SeedOption = 1234,
    limit: Annotated[int | None, typer.Option(help="Only the first documents of the task.")] = None,
) -> None:
    """Read messages from files; keys that are stored already stay as they are."""
    if style == "jsonl":
        store = _store(messages)
        for path in paths:
            read, new = import_jsonl(store, path)
            console.print(f"{path}: {read} messages, {new} new.", soft_wrap=True, highlight=False)
        return
    names = _names(tasks, option="--task")
    store = _store(messages)
    plan = _plan(names, store, pool, None, data, engine, prompts, seed, limit)
    asked = plan.by_community()
    for path in paths:
        speaker = community or _speaker(path, list(asked))
        if speaker not in asked:
            raise ModPluralError(f"{path}: community {speaker!r} is not in pool {pool!r} ({', '.join(asked)}).")
        filed, missing, unknown = import_published(path, asked[speaker], store)
        console.print(
            f"{path}: {filed} messages of {speaker}; {missing} items without a message, "
            f"{unknown} entries of other items.",
            soft_wrap=True,
            highlight=False,
        )


@app.command()
def verify(messages: StoreOption = None) -> None:
    """Derive every key anew from the stored fields."""
    store = _existing(messages)
    problems = store.verify()
    for problem in problems:
        console.print(f"[red]BAD[/red] {problem}", soft_wrap=True, highlight=False)
    console.print(f"{len(store)} messages, {len(problems)} with a wrong key.")
    if problems:
        raise typer.Exit(1)


@app.command()
def stats(messages: StoreOption = None) -> None:
    """Count messages by community and engine."""
    store = _existing(messages)
    table = Table("community", "engine", "messages", "imported", "empty", "tokens")
    for row in store.stats():
        table.add_row(*(str(value) for value in row.values()))
    console.print(table)
    console.print(f"{len(store)} messages in {store.path}", soft_wrap=True, highlight=False)


def _names(tasks: str | None, option: str = "--tasks") -> list[str]:
    names = [name.strip() for name in (tasks or "").split(",") if name.strip()]
    if not names:
        raise ModPluralError(f"{option}: give at least one task.")
    return names


def _store(path: Path | None) -> MessageStore:
    from model_wrappers.lm import open_store

    return open_store(None if path is None else str(path))


def _existing(path: Path | None) -> MessageStore:
    from model_wrappers.lm import default_store_path

    return MessageStore(path or default_store_path(), must_exist=True)


def _plan(
    names: list[str],
    store: MessageStore,
    pool: str,
    communities: str | None,
    data: str | None,
    engine: str,
    prompts: str,
    seed: int,
    limit: int | None,
) -> Plan:
    settings = {
        "pool": pool,
        "communities": communities,
        "message_engine": engine,
        "prompts": prompts,
        "seed": seed,
    }
    return make_plan(names, store, limit=limit, data=data, **settings)


def _stems(names: list[str], data: str | None) -> dict[str, str]:
    """Task -> the name of its file without ``_small``, as the authors name message files."""
    stems = {}
    for name, task in load_tasks(names, data).items():
        source = (task.config.dataset_kwargs or {}).get("plural_source")
        stems[name] = Path(SOURCES[source].filename).stem.removesuffix("_small") if source in SOURCES else name
    return stems


def _speaker(path: Path, communities: list[str]) -> str:
    ending = [name for name in communities if path.stem.endswith(name)]
    if not ending:
        raise ModPluralError(
            f"{path}: its name ends with none of the communities {', '.join(communities)}; give --community."
        )
    return max(ending, key=len)
