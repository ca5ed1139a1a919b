"""How far ways to elicit a distribution agree: runs that differ in the route alone, document by document.

The distance of two routes' distributions p and q is the Jensen-Shannon distance (base 2; Lin 1991), over the options
that state an opinion, as the tasks' ``js_distance`` has it. It is a metric (Endres & Schindelin 2003), so that the
distances of p and q from any population differ by no more than it.

Where p was estimated from n answers, p and q differ even if the routes do not. Two figures say how much of it that is:

- the reference: the mean distance if the answers had been drawn from q, counted and smoothed alike (parametric
  bootstrap; Efron 1979), n being the answers that picked an option. It takes q as exact. Of several prompts each draws
  its own n from q, for what the other run's prompts gave one by one is not known: with equal weights this makes the
  reference too high, if anything, since prompts that differ among themselves vary less.
- the Monte-Carlo error of the mean distance: sqrt(sum of s_i^2) / m over m documents, s_i being the standard deviation
  of the distance between q and distributions that are as likely as p (Bayesian bootstrap; Rubin 1981). Documents have
  answers of their own, so that variances add up. Where p and q all but coincide it is a little too large.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

from plural_tasks.metrics import clustered_interval, clustered_se, js_distance
from plural_tasks.metrics.corrected import most_likely, substantive
from plural_tasks.report.reading.distributions import ModelDistributions, mean_of
from plural_tasks.report.reading.drawn_answers import DrawnAnswers, read_drawn_answers
from plural_tasks.report.reading.runs import Run
from plural_tasks.report.reading.samples import LoggedDocument
from plural_tasks.report.reading.values import clipped
from plural_tasks.utils.arguments import parse_arguments

LEVEL = 0.95
SAMPLE = "sample"
"""The route whose distributions are estimates."""

_OF_A_ROUTE = {
    *("elicitation", "drawn", "label_variants"),
    *("version", "base_engine", "message_counts", "fallbacks", "warnings", "api"),  # none of these decides an answer
}
"""What runs state under ``config.modplural`` and may differ in."""

_OF_A_MODEL = ("revision", "subfolder", "dtype", "peft", "delta", "load_in_4bit", "load_in_8bit")
"""Model arguments that make another base LLM out of one of the same name."""


@dataclass(frozen=True)
class RouteAgreement:
    """Two runs' distributions on one task.

    Attributes:
        run: Label of a run.
        other: Label of the other one.
        routes: How they elicited distributions.
        n: Number of documents on which both runs have a distribution.
        clusters: Number of questions that these belong to.
        left_out: Number of the other documents.
        value: Mean Jensen-Shannon distance, 0..1; NaN without documents.
        se: Its clustered standard error.
        low: Lower end of its 95 % interval, clustered by question.
        high: Upper end.
        same_top: Share of documents with the same most likely option; of ties the share that both have.
        sampled: Label of the run that drew answers; "" where none did.
        answers: Mean number of answers that picked an option, of a prompt; NaN where it is not known, as the next four.
        error: Monte-Carlo standard error of ``value``.
        reference: What ``value`` would be on average if the answers had been drawn from the other run's distributions.
        reference_high: What it would be at most in 95 % of cases.
        verdict: ``apart``: ``value`` is above ``reference_high``; ``sampling``: it is not; "" where that is not known.
    """

    run: str
    other: str
    routes: tuple[str, str]
    n: int
    clusters: int
    left_out: int
    value: float
    se: float
    low: float
    high: float
    same_top: float
    sampled: str
    answers: float = math.nan
    error: float = math.nan
    reference: float = math.nan
    reference_high: float = math.nan
    verdict: Literal["apart", "sampling", ""] = ""


@dataclass(frozen=True)
class _Pair:
    """A document on which both runs have a distribution."""

    document: LoggedDocument
    one: ModelDistributions
    other: ModelDistributions

    @property
    def shares(self) -> tuple[list[float], list[float]]:
        """Both distributions over the options that state an opinion."""
        return substantive(self.one.mean, self.one.dont_know), substantive(self.other.mean, self.one.dont_know)


@dataclass(frozen=True)
class DocumentAgreement:
    """Two runs' distributions of one document.

    Attributes:
        id: The document's id.
        value: Jensen-Shannon distance.
        error: Its Monte-Carlo standard error; NaN where nothing was sampled, or it is not known.
        reference: What it would be on average if the answers had been drawn from the other run's distribution; NaN too.
    """

    id: str
    value: float
    error: float = math.nan
    reference: float = math.nan


def agreements(task: str, runs: Sequence[Run]) -> tuple[tuple[RouteAgreement, ...], tuple[str, ...]]:
    """Set the routes of one task side by side.

    Args:
        task: Name of the task.
        runs: Those that can be compared, see `plural_tasks.report.comparing.check`.

    Returns:
        The pairs that differ in their route alone, in the order of the runs; and a sentence for each pair of the same
        method, pool and base LLM that differs in more.

    Raises:
        ModPluralError: If what a run says of its sampled answers cannot be used.
    """
    made, notes = [], []
    there = [run for run in runs if task in run.tasks and any(one.distributions for one in run.tasks[task].documents)]
    for one, other in combinations(there, 2):
        routes = one.facts.elicitation, other.facts.elicitation
        if not all(routes) or routes[0] == routes[1] or _kind(one) != _kind(other):
            continue
        apart = differences(one, other, task)
        if apart:
            notes.append(f"{one.label} ↔ {other.label}: not the route alone differs, but {', '.join(apart)} too.")
        else:
            made.append(agreement(task, one, other))
    return tuple(made), tuple(notes)


def _kind(run: Run) -> tuple[str, str, str]:
    return run.facts.method, run.facts.model, run.facts.pool


def differences(one: Run, other: Run, task: str) -> list[str]:
    """Names of what two runs of modplural differ in beside the route."""
    sides = [_settings(run, task) for run in (one, other)]
    return [name for name in dict.fromkeys([*sides[0], *sides[1]]) if sides[0].get(name) != sides[1].get(name)]


def _settings(run: Run, task: str) -> dict[str, Any]:
    own: Mapping[str, Any] = run.data["config"]["modplural"]
    arguments = parse_arguments(run.data["config"].get("model_args"))
    return {
        **{name: value for name, value in own.items() if name not in _OF_A_ROUTE},
        **{name: arguments.get(name) for name in _OF_A_MODEL},
        "few-shot examples": run.tasks[task].shots,
        "chat template": run.data.get("chat_template_sha"),
        "system instruction": run.data.get("system_instruction_sha"),
    }


def agreement(task: str, one: Run, other: Run) -> RouteAgreement:
    """Set two runs' distributions on a task side by side, whatever else they differ in; see `agreements`."""
    pairs = _pairs(one, other, task)
    left_out = len(one.tasks[task].documents) - len(pairs)
    shares = [pair.shares for pair in pairs]
    distances = [js_distance(p, q) for p, q in shares]
    clusters = [pair.document.cluster for pair in pairs]
    low, high = clipped("js_distance", *clustered_interval(distances, clusters, LEVEL))
    value = _mean(distances)
    sampled = next((run for run in (one, other) if run.facts.elicitation == SAMPLE), None)
    return RouteAgreement(
        run=one.label,
        other=other.label,
        routes=(one.facts.elicitation, other.facts.elicitation),
        n=len(pairs),
        clusters=len(set(clusters)),
        left_out=left_out,
        value=value,
        se=clustered_se(distances, clusters),
        low=low,
        high=high,
        same_top=_mean([_same_top(p, q) for p, q in shares]),
        sampled=sampled.label if sampled else "",
        **(_sampling(task, sampled, pairs, value, swapped=sampled is other) if sampled else {}),
    )


def _pairs(one: Run, other: Run, task: str) -> list[_Pair]:
    """What both runs have a distribution of, over two options at least that state an opinion."""
    both = zip(one.tasks[task].documents, other.tasks[task].documents, strict=True)  # ordered by id, and the same
    found = [_Pair(a, a.distributions, b.distributions) for a, b in both if a.distributions and b.distributions]
    return [pair for pair in found if len(pair.shares[0]) > 1 and all(any(side) for side in pair.shares)]


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan


def _same_top(p: Sequence[float], q: Sequence[float]) -> float:
    """Share of the options most likely in either that are most likely in both: 0 or 1 without a tie."""
    ours, theirs = set(most_likely(p)), set(most_likely(q))
    return len(ours & theirs) / len(ours | theirs)


def by_document(task: str, one: Run, other: Run) -> list[DocumentAgreement]:
    """What `agreement` is the mean of, document by document."""
    import numpy as np

    made = []
    swapped = other.facts.elicitation == SAMPLE
    sampled = next((run for run in (one, other) if run.facts.elicitation == SAMPLE), None)
    for pair in _pairs(one, other, task):
        value = js_distance(*pair.shares)
        ours, fixed = (pair.other, pair.one) if swapped else (pair.one, pair.other)
        counted = read_drawn_answers(sampled, task, ours) if sampled is not None else None
        if counted is None:
            made.append(DocumentAgreement(pair.document.id, value))
            continue
        reference, likely = _distances(counted, ours, fixed, f"{task} {pair.document.id}")
        error, usual = float(np.nanstd(likely)), float(np.nanmean(reference))
        made.append(DocumentAgreement(pair.document.id, value, error, usual))
    return made


def _sampling(task: str, run: Run, pairs: Sequence[_Pair], value: float, *, swapped: bool) -> dict[str, Any]:
    """What drawing so few answers does to the mean distance; empty where the results do not say how many there were."""
    import numpy as np

    if not pairs:
        return {}
    sums: Any = 0.0
    counts: Any = 0
    squares, answers = 0.0, []
    for pair in pairs:
        ours, fixed = (pair.other, pair.one) if swapped else (pair.one, pair.other)
        counted = read_drawn_answers(run, task, ours)
        if counted is None:
            return {}
        answers.append(_mean(counted.counted))
        reference, likely = _distances(counted, ours, fixed, f"{task} {pair.document.id}")
        known = ~np.isnan(reference)
        sums, counts = sums + np.where(known, reference, 0.0), counts + known
        squares += float(np.nanvar(likely))
    means = sums / np.maximum(counts, 1)
    limit = float(np.quantile(means, LEVEL))
    return {
        "answers": _mean(answers),
        "error": math.sqrt(squares) / len(pairs),
        "reference": float(np.mean(means)),
        "reference_high": limit,
        "verdict": "apart" if value > limit else "sampling",
    }


def _distances(
    counted: DrawnAnswers, ours: ModelDistributions, fixed: ModelDistributions, name: str
) -> tuple[Any, Any]:
    """Distances of a document's other run from what might have been drawn.

    Returns:
        ``(reference, likely)``, one for each replicate: estimates from answers that are drawn from the other run's
        distributions, and distributions that are as likely as the estimate that was made. NaN where none of the options
        that state an opinion was drawn.
    """
    from plural_tasks.metrics.montecarlo import estimates, js_distances, replicates

    target = substantive(fixed.mean, ours.dont_know)
    kept = [place for place in range(ours.options) if place not in ours.dont_know]
    drawn: tuple[list[Any], list[Any]] = ([], [])
    for number, (order, shares) in enumerate(zip(counted.orders, fixed.shares, strict=True)):
        if not order:
            continue
        source = mean_of([shares]) or fixed.mean
        whole = math.fsum(prompt.weight for prompt in order)
        sides: list[Any] = [0.0, 0.0]
        for place, prompt in enumerate(order):
            seeds = [_seed(f"{name} {number} {place} {kind}") for kind in ("reference", "likely")]
            sides[0] += prompt.weight / whole * estimates(source, sum(prompt.counts), counted.smoothing, seeds[0])
            sides[1] += prompt.weight / whole * replicates(prompt.counts, counted.smoothing, seeds[1])
        for rows, side in zip(drawn, sides, strict=True):
            rows.append(side)
    reference, likely = (_renormalised(sum(rows) / len(rows), kept) for rows in drawn)
    return js_distances(reference, target), js_distances(likely, target)


def _renormalised(rows: Any, kept: Sequence[int]) -> Any:
    """Rows over some of the options; NaN where these have no mass."""
    import numpy as np

    part = rows[:, list(kept)]
    total = part.sum(axis=1, keepdims=True)
    return np.divide(part, total, out=np.full_like(part, np.nan), where=total > 0)


def _seed(name: str) -> int:
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)
