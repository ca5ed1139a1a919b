"""Make a submission of a run, and put it into a data set on the Hub."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from plural_tasks.report.comparing.check import digest as digest_of
from plural_tasks.report.comparing.check import documents_digest, scoring
from plural_tasks.report.comparing.compare import TaskComparison, compare, worst
from plural_tasks.report.comparing.figures import RESAMPLES, RunFigure
from plural_tasks.report.reading.runs import Run, TaskRun
from plural_tasks.report.submission.known import check_task
from plural_tasks.report.submission.record import Submission
from plural_tasks.report.submission.redact import check_clean, clean, dropped
from plural_tasks.utils.arguments import parse_arguments
from plural_tasks.utils.checked import parse
from plural_tasks.utils.errors import ModPluralError
from plural_tasks.utils.files import json_ready

Push = Callable[..., Any]
"""`plural_tasks.utils.hub.push_json`, or what stands in for it: ``(repo_id, path, data, *, message, pull_request)``."""

_SEEDS = ("random_seed", "numpy_seed", "torch_seed", "fewshot_seed")
_METHOD = (
    *("mode", "pool", "pool_fingerprint", "communities", "weights", "prompts", "prompts_digest", "message_engine"),
    *("message_decoding", "messages_per_community", "message_counts", "fallbacks"),
)
_WEIGHTS = {"revision": "revision", "sha": "sha", "dtype": "dtype", "parameters": "num_parameters"}
_VERSION = re.compile(r"^(?P<name>PyTorch|Python) version: (?P<version>\S+)", re.MULTILINE)


def make_submission(
    run: Run, *, contact: str = "", notes: str = "", allow_partial: bool = False, resamples: int = RESAMPLES
) -> Submission:
    """Make the record of a run.

    Args:
        run: The run, with its samples.
        contact: Person or address that answers questions.
        notes: What readers should know.
        allow_partial: Take a run that evaluated a part of a task's documents; the record says so.
        resamples: Draws for the intervals of aggregates.

    Raises:
        ModPluralError: If the run is partial and may not be, it lacks something, or a text holds what looks like a
            secret.
    """
    partial = [name for name, task in run.tasks.items() if len(task.documents) < task.original]
    if partial and not allow_partial:
        task = run.tasks[partial[0]]
        raise ModPluralError(
            f"{run.path}: task {task.name!r} was evaluated on {len(task.documents)} of {task.original} documents, "
            "which is no entry for a leaderboard; run it without --limit and --samples, or mark it by --allow-partial."
        )
    check_clean(f"{contact}\n{notes}", where="--contact and --notes")
    compared = compare([run], resamples=resamples)
    config = run.data["config"]
    record = {
        "model": _model(run, config),
        "method": _method(config.get("modplural")),
        "tasks": [_task(found, run.tasks[found.name], run.label) for found in compared.tasks],
        "partial": bool(partial),
        "limit": run.facts.limit,
        "seeds": _seeds(config),
        "packages": _packages(run.data),
        "date": run.facts.date or None,
        "results": hashlib.sha256(run.path.read_bytes()).hexdigest(),
        "contact": contact,
        "notes": notes,
    }
    made = parse(Submission, json.loads(json.dumps(json_ready(record))), where=str(run.path))
    check_clean(made.to_json(), where=str(run.path))
    return made


def push_submission(submission: Submission, repo: str, push: Push, *, pull_request: bool = False) -> Any:
    """Put a record into a data set on the Hub, where the file's name is its digest; returns what ``push`` returns.

    Raises:
        ModPluralError: If it holds what looks like a secret, a task is not as known here, or it cannot be pushed.
    """
    path = submission.path()
    check_clean(submission.to_json(), where=path)
    for record in submission.tasks:
        check_task(record.task, record.mode, record.n_task, where=path)
    return push(
        repo,
        path,
        submission.model_dump(mode="json"),
        message=f"Submission of {submission.model.name}" + (f", {submission.method.name}" if submission.method else ""),
        pull_request=pull_request,
    )


def _model(run: Run, config: Mapping[str, Any]) -> dict[str, Any]:
    arguments = parse_arguments(config.get("model_args"))
    generation = parse_arguments(config.get("gen_kwargs"))
    template, system = run.data.get("chat_template_sha"), run.data.get("system_instruction_sha")
    return {
        "name": clean(run.facts.model),
        **{name: clean(config.get(f"model_{key}")) or None for name, key in _WEIGHTS.items()},
        "backend": run.facts.backend,
        "base": run.facts.base,
        "arguments": clean(arguments),
        "removed": sorted({*dropped(arguments), *dropped(generation)}),
        "generation": clean(generation),
        "chat_template": template or None,
        "system_instruction": system or None,
    }


def _method(own: Any) -> dict[str, Any] | None:
    if not isinstance(own, Mapping):
        return None
    stated = {name: own[name] for name in _METHOD if name in own}
    # Mappings hold numbers under names that are no arguments: a community may be called "key".
    return {
        "name": own.get("method"),
        **{name: part if isinstance(part, Mapping) else clean(part) for name, part in stated.items()},
    }


def _seeds(config: Mapping[str, Any]) -> dict[str, int]:
    own = config.get("modplural")
    seeds = {name.removesuffix("_seed"): config.get(name) for name in _SEEDS}
    if isinstance(own, Mapping):
        seeds["messages"] = own.get("seed")
    return {name: seed for name, seed in seeds.items() if isinstance(seed, int)}


def _packages(data: Mapping[str, Any]) -> dict[str, str]:
    own = data["config"].get("modplural")
    versions = {match["name"]: match["version"] for match in _VERSION.finditer(str(data.get("pretty_env_info") or ""))}
    versions = {
        "modplural": own.get("version") if isinstance(own, Mapping) else None,
        "lm_eval": data.get("lm_eval_version"),
        "transformers": data.get("transformers_version"),
        "torch": versions.get("PyTorch"),
        "python": versions.get("Python"),
    }
    return {name: str(version) for name, version in versions.items() if version and version != "N/A"}


def _task(found: TaskComparison, task: TaskRun, label: str) -> dict[str, Any]:
    main, group = found.of(label), worst(found, label)
    if main is None:
        raise ModPluralError(f"{task.samples}: task {task.name!r} has no figure {found.main!r}.")
    others = [one for one in found.figures if not one.constant and one.metric != found.main]
    return {
        "task": found.name,
        "mode": found.mode,
        "version": found.version,
        "n": found.n,
        "n_task": found.original,
        "shots": task.shots,
        "main": _estimate(main),
        "others": [_estimate(one) for one in others],
        "constants": [{**_estimate(one), "metric": one.row} for one in found.constants],
        "fallback_rate": found.fallbacks.get(label),
        "worst_group": group and {"field": found.group_field, "group": group.group, "value": group.value, "n": group.n},
        "judge": clean(found.judge),
        "scoring": digest_of(scoring(task)),
        "documents": documents_digest(task.documents),
        "samples": task.sha256,
    }


def _estimate(figure: RunFigure) -> dict[str, Any]:
    skipped = ("row", "constant", "baseline", "best_constant")
    return {name: value for name, value in asdict(figure).items() if name not in skipped}
