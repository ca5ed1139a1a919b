"""``modplural messages``: make, import, export and check stored messages."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table

from community_lms.engines import ENGINE_HELP
from community_lms.generation.over_ray import ask_over_ray
from community_lms.generation.ray_cluster import Cluster
from community_lms.messages.exchange import export_jsonl, export_published, import_jsonl, import_published
from community_lms.messages.store import MessageStore
from model_wrappers.cli.budget import MaxCost, MaxTokens, PricesFile, budget
from model_wrappers.cli.cluster import cluster_of
from model_wrappers.cli.served import SERVER_HELP
from model_wrappers.runs.plan import Plan, make_plan
from model_wrappers.runs.tasks import load_tasks
from plural_tasks.sources import SOURCES
from plural_tasks.utils.arguments import parse_arguments
from plural_tasks.utils.errors import ModPluralError

app = typer.Typer(
    help="Make, import, export and check stored community messages.", no_args_is_help=True, add_completion=False
)
console = Console()

StoreOption = Annotated[
    Path | None, typer.Option("--messages", help="The store; by default the one in the cache folder.")
]
TasksOption = Annotated[str | None, typer.Option("--tasks", help="Tasks, groups or tags, joined by commas.")]
PoolOption = Annotated[str | None, typer.Option(help="A preset, a file, a community, or several joined by +.")]
CommunitiesOption = Annotated[str | None, typer.Option(help="Only these, joined by +.")]
DataOption = Annotated[str | None, typer.Option("--data", help="Task files: a file, a folder or an address.")]
EngineOption = Annotated[str | None, typer.Option("--engine", help=ENGINE_HELP)]
ServerOption = Annotated[str | None, typer.Option("--server", help=SERVER_HELP)]
PromptsOption = Annotated[str | None, typer.Option(help="Name or file of a prompt set.")]
SeedOption = Annotated[int | None, typer.Option(help="Seed of the messages; by default that of lm_eval.", min=0)]
LimitOption = Annotated[int | None, typer.Option(help="Only the first documents of each task.", min=1)]
IncludeOption = Annotated[str | None, typer.Option("--include_path", help="Folder with task YAML of your own.")]
SettingsOption = Annotated[
    str | None,
    typer.Option(
        "--model_args",
        help="Further settings as lm_eval's --model_args takes them, "
        "for example message_max_new_tokens=50,messages_per_community=2.",
    ),
]
DeviceOption = Annotated[str | None, typer.Option(help="Torch device.")]
RayOption = Annotated[
    str | None, typer.Option("--ray", help="Ask with workers of a Ray cluster: its address, or local.")
]
WorkersOption = Annotated[int | None, typer.Option(help="With --ray: engines at once.", min=1)]
FormatOption = Annotated[
    Literal["jsonl", "published"],
    typer.Option("--format", help="JSON lines, or one file id -> text per community."),
]


@app.callback()
def _quiet() -> None:
    """Keep the harness's notes on loading tasks out of the output."""
    logging.getLogger("lm_eval").setLevel(logging.ERROR)


@app.command()
def generate(
    tasks: TasksOption,
    pool: PoolOption = None,
    communities: CommunitiesOption = None,
    messages: StoreOption = None,
    limit: LimitOption = None,
    data: DataOption = None,
    include_path: IncludeOption = None,
    engine: EngineOption = None,
    server: ServerOption = None,
    prompts: PromptsOption = None,
    seed: SeedOption = None,
    device: DeviceOption = None,
    model_args: SettingsOption = None,
    ray: RayOption = None,
    workers: WorkersOption = None,
    max_cost: MaxCost = None,
    max_tokens: MaxTokens = None,
    prices: PricesFile = None,
) -> None:
    """Ask every community about every document; a later run of lm_eval with the same settings asks nothing again."""
    cluster = cluster_of(ray, workers)
    if messages is not None and str(messages).lower() == "none":
        raise ModPluralError("--messages none keeps nothing; name a file.")
    settings = _settings(
        model_args,
        pool=pool,
        communities=communities,
        message_engine=engine,
        message_server=server,
        prompts=prompts,
        seed=seed,
    )
    store = _store(messages)
    with budget(max_cost, max_tokens, prices):
        plan = make_plan(
            _names(tasks), store, limit=limit, data=data, include_path=include_path, device=device, **settings
        )
    if (max_cost or max_tokens) and plan.communities.asker.account is None:
        raise ModPluralError("a budget is for communities on servers, and this pool has none; leave it out.")
    _ask(plan, cluster)


def _ask(plan: Plan, cluster: Cluster | None) -> None:
    """Ask for every message of a plan, in this process or over a cluster, and print how many there were."""
    asker, counts = plan.communities.asker, plan.communities.asker.counts
    try:
        if cluster is None:
            asker.ask(plan.requests())
        else:
            ask_over_ray(asker, plan.requests(), cluster)
    except KeyboardInterrupt:
        console.print(f"Interrupted; {counts.generated} new messages are kept, the same command goes on from there.")
        raise typer.Exit(130) from None
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
    pool: PoolOption = None,
    communities: CommunitiesOption = None,
    data: DataOption = None,
    engine: EngineOption = None,
    server: ServerOption = None,
    prompts: PromptsOption = None,
    seed: SeedOption = None,
    limit: LimitOption = None,
    model_args: SettingsOption = None,
) -> None:
    """Write messages to files; JSONL takes the whole store, the published format what a run would look for."""
    settings = _settings(
        model_args,
        pool=pool,
        communities=communities,
        message_engine=engine,
        message_server=server,
        prompts=prompts,
        seed=seed,
    )
    store = _existing(messages)
    if style == "jsonl":
        if tasks or data or limit or settings:
            raise ModPluralError("a JSONL export is the whole store; --tasks and settings go with --format published.")
        console.print(f"{export_jsonl(store, out)} messages written to {out}.", soft_wrap=True)
        return
    names = _names(tasks, "--format published needs --tasks")
    plan = make_plan(names, store, limit=limit, data=data, **settings)
    written = {
        path: count
        for task, stem in _stems(names, data).items()
        for path, count in export_published(plan.by_community(task), store, out, stem).items()
    }
    for path, (count, missing) in written.items():
        done = f"{count} messages, {missing} not in the store" if count else "not written, no message is in the store"
        console.print(f"{path}: {done}.", soft_wrap=True, highlight=False)
    if not any(count for count, _ in written.values()):
        raise ModPluralError(
            f"{store.path}: holds none of these messages. Were they made with another --engine, --prompts, --seed or "
            "--model_args? (modplural messages stats)"
        )


@app.command("import")
def import_(
    paths: Annotated[list[Path], typer.Argument(help="Files to read.")],
    messages: StoreOption = None,
    style: FormatOption = "jsonl",
    tasks: Annotated[str | None, typer.Option("--task", help="With --format published: the task.")] = None,
    pool: PoolOption = None,
    community: Annotated[
        str | None, typer.Option(help="Who spoke; by default read from the end of the file's name.")
    ] = None,
    data: DataOption = None,
    engine: EngineOption = None,
    server: ServerOption = None,
    prompts: PromptsOption = None,
    seed: SeedOption = None,
    limit: LimitOption = None,
    model_args: SettingsOption = None,
) -> None:
    """Read messages from files; keys that are stored already stay as they are."""
    store = _store(messages)
    if style == "jsonl":
        for path in paths:
            read, new = import_jsonl(store, path)
            console.print(f"{path}: {read} messages, {new} new.", soft_wrap=True, highlight=False)
        return
    settings = _settings(
        model_args, pool=pool, message_engine=engine, message_server=server, prompts=prompts, seed=seed
    )
    names = _names(tasks, "--format published needs --task")
    asked = make_plan(names, store, limit=limit, data=data, **settings).by_community()
    for path in paths:
        speaker = community or _speaker(path, list(asked))
        if speaker not in asked:
            raise ModPluralError(f"{path}: community {speaker!r} is not in the pool ({', '.join(asked)}).")
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


def _names(tasks: str | None, problem: str = "--tasks") -> list[str]:
    names = [name.strip() for name in (tasks or "").split(",") if name.strip()]
    if not names:
        raise ModPluralError(f"{problem}: give at least one task.")
    return names


def _settings(model_args: str | None, **options: Any) -> dict[str, Any]:
    """The settings that were given; an option of its own wins over the same name in ``--model_args``."""
    return parse_arguments(model_args) | {name: value for name, value in options.items() if value is not None}


def _store(path: Path | None) -> MessageStore:
    from model_wrappers.collaboration.setup import open_store

    return open_store(None if path is None else str(path))


def _existing(path: Path | None) -> MessageStore:
    from model_wrappers.collaboration.setup import default_store_path

    return MessageStore(path or default_store_path(), must_exist=True)


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
