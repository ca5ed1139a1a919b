"""GlobalOpinionQA (Durmus et al., 2023, arXiv 2306.16388) from its own place: one row for each survey question.

The columns ``selections`` (a `defaultdict`, printed: country -> shares) and ``options`` (a list, printed) are read as
literals; nothing in them is executed.
"""

from __future__ import annotations

import logging
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from plural_tasks.schema import LABELS, DistributionalItem
from plural_tasks.sources.base import LocatedRow, Source
from plural_tasks.sources.countries import country
from plural_tasks.sources.dont_know import dont_know
from plural_tasks.sources.fields import cluster_of, literal, proportions
from plural_tasks.sources.scales import is_ordinal
from plural_tasks.sources.tables import read_table
from plural_tasks.utils.errors import ModPluralError

COLUMNS = ("question", "selections", "options", "source")
STUDIES = {"GAS": "Pew Global Attitudes Survey", "WVS": "World Values Survey"}
SAMPLES = ("current national sample", "", "old national sample", "non-national sample")
"""Notes on a country's sample, the best first: where a question has several of a country, the best is taken."""

_DEFAULTDICT = re.compile(r"defaultdict\(<class '\w+'>,\s*(?P<shares>\{.*\})\s*\)", re.DOTALL)

logger = logging.getLogger(__name__)


def parse_selections(printed: object) -> dict[str, list[float]]:
    """Read a printed ``defaultdict``, or a printed `dict`, of country -> shares.

    Raises:
        ValueError: If it is anything else; nothing in the text is executed.
    """
    found = _DEFAULTDICT.fullmatch(printed.strip()) if isinstance(printed, str) else None
    chosen = literal(found["shares"] if found else printed, "selections")
    if not isinstance(chosen, dict):
        raise ValueError(f"field 'selections': found {type(chosen).__name__}, expected country -> shares.")
    for name, shares in chosen.items():
        numbers = isinstance(shares, list) and all(isinstance(share, float | int) for share in shares)
        if not isinstance(name, str) or not numbers:
            raise ValueError(f"field 'selections', {name!r}: found {shares!r}, expected a list of shares.")
    return chosen


def parse_options(printed: object) -> list[str]:
    """Read a printed list of answers, texts or numbers.

    Raises:
        ValueError: If it is anything else.
    """
    options = literal(printed, "options")
    if not isinstance(options, list) or not all(isinstance(option, str | float | int) for option in options):
        raise ValueError(f"field 'options': found {printed!r}, expected a list of answers.")
    return [_plain(option) for option in options]


def _plain(option: str | float) -> str:
    if isinstance(option, float) and option.is_integer():
        option = int(option)
    return " ".join(str(option).split())


def _rows(path: Path) -> Iterator[LocatedRow]:
    """One row for each question and country; what cannot be an item is counted and left out."""
    left_out: Counter[str] = Counter()
    for number, row in enumerate(read_table(path, COLUMNS), start=1):
        try:
            selections, options = parse_selections(row["selections"]), parse_options(row["options"])
        except ValueError as error:
            raise ModPluralError(f"{row.where}: {error}") from error
        if not row["question"].strip() or not options or not all(options) or len(set(options)) > len(LABELS):
            left_out["questions without text, without options or with more than 26"] += 1
            continue
        for label in _best_samples(selections, left_out):
            shares = selections[label]
            if len(shares) != len(options) or not math.fsum(shares):
                left_out["countries without a share for each option"] += 1
                continue
            fields = {**row, "id": f"{number}-{label}", "country": label, "options": options, "shares": shares}
            yield LocatedRow(fields, f"{row.where}, {label}")
    for reason, count in left_out.items():
        logger.warning("%s: left out %d %s.", path, count, reason)


def _best_samples(labels: Iterable[str], left_out: Counter[str]) -> list[str]:
    best: dict[str, str] = {}
    labels = list(labels)
    for label in labels:
        name = country(label).name
        if name not in best or _rank(label) < _rank(best[name]):
            best[name] = label
    if len(best) < len(labels):
        left_out["further samples of a country"] += len(labels) - len(best)
    return list(best.values())


def _rank(label: str) -> int:
    note = country(label).sample
    return SAMPLES.index(note) if note in SAMPLES else len(SAMPLES)


def _item(row: Mapping[str, Any]) -> DistributionalItem:
    options, shares = merge_repeated(row["options"], proportions(row["shares"], "selections"))
    unknown = dont_know(options)
    question, place = row["question"].strip(), country(row["country"])
    return DistributionalItem(
        id=row["id"],
        question=question,
        attribute=place.name,
        options=options,
        gold_distribution=shares,
        stratum=place.continent,
        study=STUDIES.get(row["source"], row["source"]),
        cluster=cluster_of(question),
        dont_know=unknown,
        ordinal=is_ordinal(options, unknown),
    )


def merge_repeated(options: Sequence[str], shares: Sequence[float]) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Add up the shares of options with the same text, which a survey has under several codes."""
    merged: dict[str, float] = {}
    for option, share in zip(options, shares, strict=True):
        merged[option] = merged.get(option, 0.0) + share
    return tuple(merged), tuple(min(share, 1.0) for share in merged.values())


SOURCES = (
    Source(
        "distributional_globalopinionqa_full",
        "distributional",
        "data/global_opinions.csv",
        _item,
        rows=_rows,
        title="GlobalOpinionQA",
        homepage="https://huggingface.co/datasets/Anthropic/llm_global_opinions",
        hub_dataset="Anthropic/llm_global_opinions",
        revision="cb2880488749218abb81802a94c2c62ebfde2f35",
        licence="CC-BY-NC-SA-4.0; the surveys behind it have terms of their own",
        citation="Durmus et al. 2023, Towards Measuring the Representation of Subjective Global Opinions in Language "
        "Models",
        known_issues=(
            "Shares are rounded (to a per cent or a tenth of one) and scaled to sum to 1; sample sizes are not given.",
            "Where a question has several samples of a country, one is taken: the current national one, then one "
            "without a note, an old national one, one that is not national.",
            "Codes for missing answers and the last lines of printed tables stand among the options; they are marked "
            "like a don't-know.",
            'In some Pew questions the answer lists of several waves are mixed ("Good, Bad, Good thing, Bad thing").',
        ),
    ),
)
