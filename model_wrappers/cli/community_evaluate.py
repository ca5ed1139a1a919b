"""``modplural community evaluate``: does a community LM speak for its community?"""

from __future__ import annotations

import logging
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from community_lms.engines import AUTO, ENGINE_HELP
from community_lms.evaluation.asking import Render
from community_lms.evaluation.groups import PACKAGED, read_groups
from community_lms.evaluation.report import EVALUATION, write_back, write_report
from community_lms.evaluation.result_cache import ResultCache
from community_lms.evaluation.run import PARTS, Evaluation, Settings, read_parts, store_folder
from community_lms.evaluation.tables import report_tables
from community_lms.generation.ask import Asker
from community_lms.messages.store import MessageStore
from community_lms.pools.pool import load_pool, select
from community_lms.pools.spec import Community, Pool
from model_wrappers.cli.served import ServerArgsOption, ServerOption, served_pool
from model_wrappers.collaboration.prompts import load_prompts
from plural_tasks.sources.locate import DATA_FOLDER
from plural_tasks.sources.surveys import SurveyQuestion, read_surveys
from plural_tasks.utils.checked import read_json
from plural_tasks.utils.errors import ModPluralError, unknown_name

console = Console()

SURVEYS = DATA_FOLDER / "surveys" / "surveys.json"
TEXT_PARTS = ("held_out", "all")
ALL_PARTS = ",".join(PARTS)


PoolArgument = Annotated[str, typer.Argument(help="A preset, a file, a community, or several joined by +.")]
CorpusOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=FILE",
        help="Texts of a community, or of others; may be repeated (NAME=FILE#OTHER where the file has another name "
        "for it). By default those of an adapter's run_info.json.",
    ),
]
PartsOption = Annotated[str, typer.Option(help="Some of them, joined by commas.")]
LimitOption = Annotated[int | None, typer.Option(help="Texts of each corpus, and questions; 0 takes all.", min=0)]
OutOption = Annotated[Path | None, typer.Option(help="Folder of the results; by default evaluation_POOL.")]
CommunitiesOption = Annotated[str | None, typer.Option(help="Only these, joined by +.")]
SamplesOption = Annotated[int, typer.Option(help="Messages of each community on each question.", min=1)]
GroupsOption = Annotated[
    Path | None,
    typer.Option(help="Whose survey answers a community is compared with (YAML); by default the embedded pools'."),
]
SurveysOption = Annotated[Path | None, typer.Option(help="Survey file; by default the one that ships with modplural.")]
TextPartOption = Annotated[
    str, typer.Option(help="Of the corpora: held_out, or all of a file that was held out as a whole.")
]
PromptsOption = Annotated[str, typer.Option(help="Prompt set: its community.distributional words the questions.")]
EngineOption = Annotated[str, typer.Option(help=ENGINE_HELP)]
JudgeOption = Annotated[str, typer.Option(help="Embedding judge: embedding, or embedding:CHECKPOINT.")]
StoreOption = Annotated[
    Path | None, typer.Option(help="Message store; by default messages.sqlite in the folder of results.")
]
SeedOption = Annotated[int, typer.Option(help="Seed of the messages.", min=0)]
LengthOption = Annotated[
    int, typer.Option(help="Tokens of a prompt and text that are read, half of them the text's.", min=16)
]
BatchSizeOption = Annotated[int, typer.Option(help="Messages, or texts, at once.", min=1)]
DeviceOption = Annotated[str | None, typer.Option(help="Torch device.")]
DtypeOption = Annotated[str, typer.Option(help="Of the weights: auto, float32, bfloat16 or float16.")]
WriteBackOption = Annotated[
    bool, typer.Option("--write-back", help="Write evaluation.json into each local adapter's folder.")
]


def evaluate(
    pool: PoolArgument,
    corpus: CorpusOption = None,
    parts: PartsOption = ALL_PARTS,
    limit: LimitOption = 200,
    out: OutOption = None,
    communities: CommunitiesOption = None,
    samples: SamplesOption = 5,
    groups: GroupsOption = None,
    surveys: SurveysOption = None,
    part: TextPartOption = "held_out",
    prompts: PromptsOption = "default",
    engine: EngineOption = AUTO,
    server: ServerOption = None,
    server_args: ServerArgsOption = None,
    judge: JudgeOption = "embedding",
    messages: StoreOption = None,
    seed: SeedOption = 1234,
    max_length: LengthOption = 1024,
    batch_size: BatchSizeOption = 16,
    device: DeviceOption = None,
    dtype: DtypeOption = "auto",
    back: WriteBackOption = False,
) -> None:
    """Measure communities: perplexity on held-out texts, agreement with survey answers, distinctness, and bad messages.

    Results are kept as they come: the same command goes on after an interruption and does nothing twice.
    """
    logging.getLogger("community_lms").setLevel(logging.ERROR)  # warnings are among the notes
    reading = {"max_length": max_length, "batch_size": batch_size, "device": device, "dtype": dtype}
    settings = _settings(parts, part, limit, samples=samples, seed=seed, engine=engine, judge=judge, **reading)
    texts = _corpora(corpus or [])
    loaded = served_pool(select(load_pool(pool), communities), engine, server, server_args)
    folder = out or Path(f"evaluation_{Path(loaded.name).stem.replace('+', '_')}")
    with closing(_store(settings, messages or folder / "messages.sqlite")) as store:
        evaluation = Evaluation(
            pool=loaded,
            settings=settings,
            results=ResultCache(store_folder(folder)),
            corpora=texts,
            groups=read_groups(groups or PACKAGED),
            surveys=read_surveys(surveys or SURVEYS),
            render=_renderer(prompts),
            asker=Asker(store=store, batch_size=batch_size, device=device, dtype=dtype),
        )
        found = _measured(evaluation, folder)
    _print(found)
    _finish(loaded, found, folder, back)


def _settings(parts: str, text_part: str, limit: int | None, **others: Any) -> Settings:
    if text_part not in TEXT_PARTS:
        raise unknown_name("part", text_part, TEXT_PARTS, where="--part")
    return Settings(parts=read_parts(parts), text_part=text_part, limit=limit or None, **others)


def _corpora(given: list[str]) -> dict[str, str]:
    found = {}
    for entry in given:
        name, equals, path = entry.partition("=")
        if not (equals and name.strip() and path.strip()):
            raise ModPluralError(f"--corpus: found {entry!r}, expected NAME=FILE.")
        if name.strip() in found:
            raise ModPluralError(f"--corpus: {name.strip()!r} is given twice; join the files or take one.")
        found[name.strip()] = path.strip()
    return found


def _store(settings: Settings, path: Path) -> MessageStore:
    """The file, where messages are needed at all; perplexity needs none."""
    return MessageStore(path if set(settings.parts) - {"perplexity"} else None)


def _renderer(name: str) -> Render:
    prompts = load_prompts(name)

    def render(question: SurveyQuestion, community: Community) -> str:
        return prompts.render(
            "community",
            "distributional",
            question=question.text,
            options=list(question.options),
            attribute="",
            community=community.name,
            description=community.description,
        )

    return render


def _measured(evaluation: Evaluation, folder: Path) -> dict[str, Any]:
    try:
        return _run(evaluation, folder)
    except KeyboardInterrupt:
        console.print(f"Interrupted; what is done is kept in {folder}, the same command goes on from there.")
        raise typer.Exit(130) from None


def _run(evaluation: Evaluation, folder: Path) -> dict[str, Any]:
    """Measure part by part and write the results after each; parts that were measured before with this pool stay."""
    found = _earlier(folder, evaluation)
    for part in evaluation.settings.parts:
        console.print(f"[bold]{part}[/bold]")
        made = evaluation.run(part)
        found.pop(part, None)
        found.pop("agreement_summary" if part == "agreement" else "", None)
        if made is not None and part == "agreement":
            found["agreement"] = made.pop("communities")
            found["agreement_summary"] = {**made.pop("summary"), **made}
        elif made is not None:
            found[part] = made
        found["settings"][part] = _shown(evaluation.settings)  # other parts may be of an earlier call
        found["notes"] = _notes(found, evaluation)
        write_report(folder, found)
    return found


def _earlier(folder: Path, evaluation: Evaluation) -> dict[str, Any]:
    """The results in the folder, where they are of the same pool; else the facts alone."""
    facts = evaluation.facts()
    path = folder / EVALUATION
    earlier = read_json(path) if path.is_file() else {}
    same = isinstance(earlier, dict) and all(earlier.get(name) == value for name, value in facts.items())
    return {"settings": {}, **(earlier if same else {}), **facts}


def _shown(settings: Settings) -> dict[str, Any]:
    """The settings that results state of a part."""
    names = ("limit", "samples", "seed", "split", "text_part", "max_length", "dtype", "engine")
    return {name: getattr(settings, name) for name in names}


def _notes(found: dict[str, Any], evaluation: Evaluation) -> list[str]:
    """This run's notes, and earlier ones on parts that it does not measure."""
    mine = tuple(f"{part}:" for part in evaluation.settings.parts)
    earlier = [note for note in found.get("notes", []) if not note.startswith(mine)]
    return list(dict.fromkeys([*earlier, *evaluation.notes]))


def _print(found: dict[str, Any]) -> None:
    for sheet in report_tables(found):
        table = Table(title=sheet.title, title_justify="left")
        for place, column in enumerate(sheet.columns):
            table.add_column(column, justify="right" if place else "left", overflow="fold")
        for row in sheet.rows:
            table.add_row(*map(escape, row))
        console.print(table)
        if sheet.note:
            console.print(escape(sheet.note), highlight=False)
    for note in found["notes"]:
        console.print(f"[yellow]note[/yellow] {escape(note)}", soft_wrap=True, highlight=False)


def _finish(pool: Pool, found: dict[str, Any], folder: Path, back: bool) -> None:
    console.print(f"Results: {folder / EVALUATION}, report.md and pictures beside it.", soft_wrap=True, highlight=False)
    if back:
        written = write_back(pool, found)
        listed = ", ".join(str(path) for path in written) or "nothing, no adapter is local"
        console.print(f"Written back: {listed}.", soft_wrap=True, highlight=False)
