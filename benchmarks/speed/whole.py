"""A whole evaluation in three modes: where its time goes, and how long the published way would take."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lm_eval

from benchmarks.speed.as_published import NOTES, Asked, Published, asked_of
from benchmarks.speed.findings import Claim, Finding
from benchmarks.speed.models import base_llm, consulting, message_requests, new_engine, overheard
from benchmarks.speed.phases import LOADING, REST, Clock, watched
from benchmarks.speed.registry import Models
from benchmarks.speed.timing import Round
from community_lms.engines import BATCH_SIZES, DEFAULT_BATCH_SIZE, local_engine
from model_wrappers.runs.tasks import check_tasks

TASKS = ("plural_embedded_overton", "plural_surveys_steerable", "plural_surveys_distributional")
PHASES = ("messages", "selection", "scoring", "generation", "judge", REST)
JUDGE = "judge"


@dataclass(frozen=True)
class Sizes:
    """Documents of each task, tokens of the longest message and answer, and what the published way is measured on."""

    rounds: int = 2
    documents: int = 50
    tokens: int = 40
    answer: int = 100
    by_published: int = 2


QUICK = Sizes(rounds=1, documents=1, tokens=3, answer=3, by_published=1)


@dataclass(frozen=True)
class Run:
    """One evaluation.

    Attributes:
        seconds: All but loading.
        loading: The judge and the tasks' data.
        phases: Phase -> seconds: ``all``, and those of a ``model``.
        asked: Of communities and base LLM.
    """

    seconds: float
    loading: float
    phases: dict[str, dict[str, float]]
    asked: Asked

    def overhead(self, *, but: Sequence[str] = ()) -> float:
        """Share of the seconds that is no model's work; phases in ``but`` are left out of both."""
        left = {name: found for name, found in self.phases.items() if name not in but}
        whole = self.seconds - sum(self.phases[name]["all"] for name in but)
        return 1 - sum(found["model"] for found in left.values()) / whole


class Evaluation:
    """The evaluation, with an engine and a base LLM that stay loaded; every run has a new store."""

    def __init__(self, models: Models, sizes: Sizes) -> None:
        """Load both."""
        self.models, self.sizes, self.name = models, sizes, local_engine()
        self.engine = new_engine(self.name, BATCH_SIZES.get(self.name, DEFAULT_BATCH_SIZE))
        self.base = base_llm(models.base, 32)

    def run(self, documents: int) -> Run:
        """Evaluate the first documents of each task."""
        with tempfile.TemporaryDirectory() as folder:
            store = Path(folder) / "messages.sqlite"
            lm = consulting(self.base, self.models, store, self.sizes.tokens, message_engine=self.name)
            lm.session.communities.asker.engines[self.name] = self.engine
            arguments = self._arguments(documents)
            since = time.perf_counter()
            with overheard() as calls, watched(self.engine, self.base.model.model) as clock:
                lm_eval.simple_evaluate(model=lm, **arguments)
            seconds, loading = time.perf_counter() - since, clock.of(LOADING)
        asked = asked_of(
            calls, lm.session.communities.asker.counts.generated, lambda text: len(self.base.model.tok_encode(text))
        )
        return Run(seconds - loading, loading, _phases(clock), asked)

    def _arguments(self, documents: int) -> dict[str, Any]:
        return {
            "tasks": list(TASKS),
            "task_manager": check_tasks(TASKS),
            "limit": documents,
            "apply_chat_template": True,
            "gen_kwargs": {"max_gen_toks": self.sizes.answer},
        }


def _phases(clock: Clock) -> dict[str, dict[str, float]]:
    return {name: {"all": clock.of(name), "model": clock.of(name, model=True)} for name in PHASES}


def measure(models: Models, sizes: Sizes) -> Finding:
    """Measure evaluations, and between them a few prompts of each kind in the published way."""
    since = time.perf_counter()
    evaluation = Evaluation(models, sizes)
    evaluation.run(min(2, sizes.documents))  # traces, compiles, reads every adapter
    loading = time.perf_counter() - since
    few = sizes.by_published
    requests = message_requests(models, TASKS, sizes.tokens, communities=models.first, limit=few)[:few]
    published = Published(models.base, requests)
    runs, theirs = [], []
    for _ in range(sizes.rounds):
        runs.append(evaluation.run(sizes.documents))
        theirs.append(published.seconds(runs[-1].asked))
    return _finding(runs, theirs, sizes.documents, len(models.communities.split("+")), loading)


def _finding(
    runs: Sequence[Run], theirs: Sequence[Mapping[str, float]], limit: int, communities: int, loading: float
) -> Finding:
    # The judge's seconds are on both sides: the published way is not said to be slower at what was not measured in it.
    published = [sum(parts.values()) + run.phases[JUDGE]["all"] for parts, run in zip(theirs, runs, strict=True)]
    times = statistics.median(other / run.seconds for other, run in zip(published, runs, strict=True))
    overhead = statistics.median(run.overhead() for run in runs)
    apart = statistics.median(run.overhead(but=[JUDGE]) for run in runs)
    documents = limit * len(TASKS)
    return Finding(
        title="A whole evaluation",
        unit="documents",
        rounds={
            "published, scaled": [Round(seconds, documents) for seconds in published],
            "modplural": [Round(run.seconds, documents) for run in runs],
        },
        pairs=[("modplural", "published, scaled")],
        figures={
            "phases": {name: _medians([run.phases[name] for run in runs]) for name in PHASES},
            "published_phases": _medians(theirs),
            "asked": {**runs[-1].asked.counts(), "messages_without_a_store": documents * communities},
            "loading_seconds": loading,
            "loading_within_a_run": statistics.median(run.loading for run in runs),
            "overhead": overhead,
            "overhead_but_for_the_judge": apart,
        },
        claims=[
            Claim("whole evaluation, times the published way", times, 20),
            Claim("whole evaluation, time that is no model's", apart * 100, 5, "at most", "%"),
        ],
        notes=[*_NOTES, *NOTES],
    )


def _medians(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: statistics.median(one[name] for one in found) for name in found[0]}


_NOTES = (
    "Through lm_eval.simple_evaluate: method modplural, chat template, a new store on disk every round.",
    "A model's work is MessageEngine.speak, forward passes of the base LLM, and its generation. The judge, a model "
    "too, is left out of both sides of the share; with all of its time as overhead it is figures.overhead in the JSON.",
    "Left out of the time: imports, weights, tracing, compiling and adapters (loading_seconds, with a warm-up of two "
    "documents of each task in it), and in each round the judge's weights and the tasks' data (loading_within_a_run).",
)
