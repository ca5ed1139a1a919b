"""Run an evaluation again with a member more or less in its pool: same model, seeds, documents and message store."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from community_lms.messages.store import MessageStore
from community_lms.pools.identity import fingerprint
from community_lms.pools.pool import load_pool, select
from community_lms.pools.spec import Pool
from model_wrappers.arguments import OWN, Arguments, read_arguments
from model_wrappers.collaboration.methods import METHODS
from model_wrappers.collaboration.prompts import load_prompts
from model_wrappers.collaboration.query import read_queries
from model_wrappers.collaboration.setup import default_store_path, make_communities
from model_wrappers.runs.tasks import check_tasks
from plural_tasks import __version__
from plural_tasks.report.reading.runs import Run, TaskRun, read_run
from plural_tasks.report.submission.redact import clean
from plural_tasks.utils.arguments import parse_arguments
from plural_tasks.utils.checked import read_json
from plural_tasks.utils.errors import ModPluralError, unknown_name
from plural_tasks.utils.files import write_json

RECORD = "run.json"
"""File that is written beside results once they are complete, with the settings that they were made with."""


@dataclass(frozen=True)
class Rerun:
    """A run that is made again with a patched pool.

    Attributes:
        source: Run before the patch.
        arguments: Model arguments, with the patched pool.
        before: Pool of the run before, narrowed to its communities.
        after: Patched pool, narrowed likewise.
        documents: Task -> the harness's numbers of the documents, ascending.
        include_path: Folder with further task YAML.
    """

    source: Run
    arguments: Mapping[str, Any]
    before: Pool
    after: Pool
    documents: Mapping[str, tuple[int, ...]]
    include_path: str | None = None

    def settings(self) -> dict[str, Any]:
        """Everything that decides the results, without secrets: equal settings give equal results."""
        text = json.dumps([self.documents[name] for name in sorted(self.documents)])
        plain = {name: value for name, value in self.arguments.items() if name not in ("messages", "trace")}
        return {
            "modplural": __version__,
            "source": {name: self.source.tasks[name].sha256 for name in sorted(self.documents)},
            "pool_fingerprint": fingerprint(self.after),
            "model_args": clean(plain),
            "documents": hashlib.sha256(text.encode()).hexdigest(),
        }


def check_source(run: Run) -> Mapping[str, Any]:
    """Facts of modplural in the results of a run that can be patched.

    Raises:
        ModPluralError: If the run is another model's or asked no community.
    """
    config = run.data["config"]
    own = config.get("modplural")
    if config.get("model") != "modplural" or not isinstance(own, Mapping):
        raise ModPluralError(f"{run.path}: results of the model {config.get('model')!r}; expected a run of modplural.")
    asking = sorted(name for name, method in METHODS.items() if method.asks != "nobody")
    if own.get("method") not in asking:
        raise ModPluralError(
            f"{run.path}: method {own.get('method')!r} asks no community, so no pool can be patched; expected a run "
            f"with method={' or '.join(asking)}."
        )
    return own


def patched_arguments(
    run: Run, add: Sequence[str], remove: Sequence[str], *, weights: str | None = None, messages: str | None = None
) -> tuple[dict[str, Any], Pool, Pool]:
    """The model arguments with the patched pool, and the pools before and after.

    Raises:
        ModPluralError: If a member to be added is there, one to be removed is not, or the pool or the
            wording has changed since.
    """
    own = check_source(run)
    arguments = _arguments(run)
    wording = str(arguments.get("prompts", "default"))
    if load_prompts(wording).digest() != own["prompts_digest"]:
        raise ModPluralError(
            f"{run.path}: the prompt set {wording!r} has changed since, so a difference would not be the patch's "
            "alone; make the run anew."
        )
    name, chosen = str(arguments.get("pool", Arguments.model_fields["pool"].default)), arguments.get("communities")
    whole = load_pool(name)
    before = select(whole, chosen)
    if fingerprint(before) != own["pool_fingerprint"]:
        raise ModPluralError(f"{run.path}: the pool {name!r} has changed since this run; make the run anew.")
    new = [member for part in add for member in load_pool(part).names]
    for member in new:
        if member in before.names:
            raise ModPluralError(f"--add: {member!r} is in the pool {name!r} already ({', '.join(before.names)}).")
    for member in remove:
        if member not in before.names:
            raise unknown_name("community", member, before.names, where="--remove")
    if chosen is None:
        text = "".join([name, *(f"-{member}" for member in remove), *(f"+{part}" for part in add)])
    else:  # narrowed already: what goes is left out of the list
        text = "+".join([name, *(part for part in add if not {*load_pool(part).names} <= {*whole.names})])
        arguments["communities"] = [*(member for member in before.names if member not in remove), *new]
    arguments |= {"pool": text, "seed": own["seed"]}
    given = weights if weights is not None else _weights(arguments.get("weights"), remove)
    arguments |= {"weights": given} if given is not None else {}
    if given is None:
        arguments.pop("weights", None)
    if messages is not None:
        arguments["messages"] = messages
    return arguments, before, select(load_pool(text), arguments.get("communities"))


def _arguments(run: Run) -> dict[str, Any]:
    return parse_arguments(run.data["config"].get("model_args"))


def _weights(given: Any, removed: Sequence[str]) -> Any:
    """Weights by name without those removed; weights by position fit no other pool."""
    if given is None:
        return None
    parts = str(given).split("+") if isinstance(given, str) else given
    if isinstance(parts, Mapping):
        return {name: value for name, value in parts.items() if name not in removed} or None
    if isinstance(parts, list) and all(":" in str(part) for part in parts):
        return [part for part in parts if str(part).split(":")[0].strip() not in removed] or None
    raise ModPluralError(
        f"the run weighed its communities by position (weights={given}), which fits no other pool; give --weights, by "
        "name or one for each community of the patched pool."
    )


def numbers(task: TaskRun, ids: Sequence[str]) -> tuple[int, ...]:
    """The harness's numbers of documents, by `Document.id`."""
    place: dict[str, int] = {}
    with task.samples.open(encoding="utf-8") as file:
        for line in file:
            if line.strip():
                record = json.loads(line)
                place[str(record["doc"].get("id"))] = place[f"#{record['doc_id']}"] = int(record["doc_id"])
    return tuple(sorted(place[name] for name in ids))


def look_up(again: Rerun) -> dict[str, dict[str, int]]:
    """For every member the number of messages that the run needs (``needed``) and that the store has (``found``).

    Returns:
        Empty where it cannot be told beforehand: for the method moe, which asks whom it routes to, and for tasks that
        are not modplural's, whose question is the rendered prompt.

    Raises:
        ModPluralError: If there is no store, or as `ModPluralLM` raises.
    """
    settings = read_arguments({name: value for name, value in again.arguments.items() if name in OWN})
    if METHODS[settings.method].asks != "all" or not all(again.source.tasks[name].mode for name in again.documents):
        return {}
    if keeps_nothing(settings):
        store = MessageStore(None)
    else:
        store = MessageStore(Path(settings.messages or default_store_path()), must_exist=True)
    communities = make_communities(settings, None, store=store)
    queries = []
    for name, task in _manager(again).load(list(again.documents))["tasks"].items():
        task.override_metric("bypass")  # nothing is scored, so no judge is looked up
        places = again.documents[name]
        first = places == tuple(range(len(places)))  # the harness's way of picking takes quadratic time
        task.build_all_requests(
            limit=len(places) if first else None, samples=None if first else list(places), rank=0, world_size=1
        )
        queries += read_queries(task.instances, mode=settings.chosen_mode, attribute=settings.attribute)
    found = {}
    for member in communities.pool.communities:
        keys = {request.key for query in queries for request in communities.requests(query, member)}
        found[member.name] = {"needed": len(keys), "found": len(store.get(keys))}
    return found


def keeps_nothing(settings: Arguments) -> bool:
    """Whether the settings keep no messages."""
    return settings.messages is not None and settings.messages.lower() == "none"


def earlier(again: Rerun, out: Path) -> tuple[Run, dict[str, dict[str, int]]] | None:
    """The run with the patched pool and the messages it needed, where an earlier call made them; None where not.

    Raises:
        ModPluralError: If ``out`` holds a run with other settings.
    """
    record = out / RECORD
    if not record.is_file():
        return None
    data = read_json(record)
    if not isinstance(data, Mapping) or data.get("settings") != again.settings():
        raise ModPluralError(f"{record}: this folder holds a run with other settings; name another with --out.")
    return read_run(out / str(data["results"])), dict(data["messages"])


def run_again(again: Rerun, out: Path, needed: Mapping[str, Mapping[str, int]]) -> Run:
    """Run with the patched pool; what it was made with is written once its results are complete."""
    results = _evaluate(again, out)
    run = read_run(results)
    write_json(out / RECORD, {"results": results.name, "settings": again.settings(), "messages": needed})
    return run


def _evaluate(again: Rerun, out: Path) -> Path:
    """Run ``lm_eval --model modplural …`` with the settings of the run before, and return its results file."""
    import _modplural_autoload

    _modplural_autoload.register_now()
    from lm_eval import simple_evaluate
    from lm_eval.loggers import EvaluationTracker

    data, config = again.source.data, again.source.data["config"]
    arguments = dict(again.arguments)
    if arguments.get("trace"):
        arguments["trace"] = str(out / "trace.jsonl")
    tracker = EvaluationTracker(output_path=str(out / "results.json"))
    results = simple_evaluate(
        model="modplural",
        model_args=arguments,
        tasks=list(again.documents),
        num_fewshot=max(again.source.tasks[name].shots for name in again.documents) or None,
        batch_size=config.get("batch_size"),
        device=config.get("device"),
        **_selection(again),
        bootstrap_iters=config.get("bootstrap_iters") or 0,
        evaluation_tracker=tracker,
        system_instruction=data.get("system_instruction"),
        apply_chat_template=data.get("chat_template") is not None,
        fewshot_as_multiturn=bool(data.get("fewshot_as_multiturn")),
        gen_kwargs=config.get("gen_kwargs") or None,
        task_manager=_manager(again),
        random_seed=config.get("random_seed"),
        numpy_random_seed=config.get("numpy_seed"),
        torch_random_seed=config.get("torch_seed"),
        fewshot_random_seed=config.get("fewshot_seed"),
        metadata=_metadata(again),
    )
    if results is None:
        raise ModPluralError("pool patch: runs on one process only; the run by lm_eval may use several.")
    samples = results.pop("samples")
    tracker.save_results_aggregated(results=results, samples=samples)
    for name in results["configs"]:
        tracker.save_results_samples(task_name=name, samples=samples[name])
    written = sorted(out.glob("results_*.json"))
    if not written:
        raise ModPluralError(f"{out}: the run wrote no results there; see above.")
    return written[-1]


def _selection(again: Rerun) -> dict[str, Any]:
    """``limit`` where every task's documents are its first ones, else ``samples``."""
    most = max(len(places) for places in again.documents.values())
    sizes = {name: again.source.tasks[name].original for name in again.documents}
    if all(places == tuple(range(min(most, sizes[name]))) for name, places in again.documents.items()):
        return {"limit": None if all(most >= size for size in sizes.values()) else most}
    return {"samples": {name: list(places) for name, places in again.documents.items()}}


def _metadata(again: Rerun) -> dict[str, Any]:
    """``--metadata`` of the run before: of each task's own, what all tasks agree on."""
    found: dict[str, list[Any]] = {}
    for name in again.documents:
        for key, value in (again.source.tasks[name].config.get("metadata") or {}).items():
            if key.startswith("plural_"):
                found.setdefault(key, []).append(value)
    agreed = {key: values[0] for key, values in found.items() if all(value == values[0] for value in values)}
    return {**again.arguments, **agreed}


def _manager(again: Rerun) -> Any:
    return check_tasks(
        list(again.documents),
        include_path=again.include_path,
        metadata=_metadata(again),
        where=f"{again.source.path} (--include_path)",
    )
