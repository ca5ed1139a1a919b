"""OpinionQA (Santurkar et al., ICML 2023, arXiv 2303.17548) from the people's answers: weighted shares of each group.

The data are read from a local copy of the worksheet's folder ``human_resp``. Each wave of the American Trends Panel has
a folder there: ``info.csv`` (questions, answers, order of degree), ``responses.csv`` (a row for each person: answers as
text, the groups the person belongs to, a weight) and ``metadata.csv`` (the groups that the wave asked for).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from plural_tasks.schema import SteerableItem
from plural_tasks.sources.base import LocatedRow, Source
from plural_tasks.sources.dont_know import dont_know
from plural_tasks.sources.fields import literal, text
from plural_tasks.sources.tables import read_table
from plural_tasks.sources.wording import opinion_item
from plural_tasks.utils.errors import ModPluralError, one_line

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import DataFrame

GROUPS = {
    "POLPARTY": ("Democrat", "Republican"),
    "POLIDEOLOGY": ("Conservative", "Moderate", "Liberal"),
    "RELIG": ("Protestant", "Atheist", "Muslim", "Hindu", "Jewish"),
    "RACE": ("White", "Black", "Asian", "Hispanic"),
    "EDUCATION": ("Less than high school", "College graduate/some postgrad"),
    "INCOME": ("Less than $30,000", "$100,000 or more"),
    "CREGION": ("Northeast", "South"),
    "SEX": ("Male", "Female"),
}
"""The 22 groups of Modular Pluralism: column -> values."""

WORKSHEET = "https://worksheets.codalab.org/worksheets/0x6fb693719477478aac73fc07db333f69"
_WAVE = re.compile(r"American_Trends_Panel_W(?P<number>\d+)")


class Shares(NamedTuple):
    """What a group answered.

    Attributes:
        shares: Weighted share of each option, summing to 1.
        sample_size: People who chose one of the options.
        standard_errors: ``sqrt(p (1 - p) / n)`` with Kish's effective sample size n = (sum of weights)² / (sum of
            squared weights).
    """

    shares: tuple[float, ...]
    sample_size: int
    standard_errors: tuple[float, ...]


def weighted_shares(chosen: NDArray[Any], weights: NDArray[Any], n_options: int) -> Shares | None:
    """Count a group's answers, each person with a weight.

    Args:
        chosen: For each person the index of an option, or -1 without one; shape (people,).
        weights: At least 0, same shape.
        n_options: Number of options.

    Returns:
        None where no weight is on any option.
    """
    import numpy as np

    answered = (chosen >= 0) & (weights > 0)
    kept = weights[answered]
    total = float(kept.sum())
    if not total:
        return None
    shares = np.bincount(chosen[answered], weights=kept, minlength=n_options) / total
    size = total**2 / float((kept**2).sum())
    errors = np.sqrt(shares * (1.0 - shares) / size)
    return Shares(tuple(shares.tolist()), int(answered.sum()), tuple(errors.tolist()))


def _rows(path: Path) -> Iterator[LocatedRow]:
    """One row for each wave, question and group that answered it."""
    waves = sorted(folder for folder in path.glob("*/") if _WAVE.fullmatch(folder.name)) if path.is_dir() else []
    if not waves:
        raise ModPluralError(f"{path}: holds no folder American_Trends_Panel_W…, expected the worksheet's human_resp.")
    for wave in waves:
        yield from _wave_rows(wave)


def _wave_rows(folder: Path) -> Iterator[LocatedRow]:
    number = folder.name.rpartition("W")[2]
    questions = [_question(row) for row in read_table(folder / "info.csv", ["key", "question", "references"])]
    codes = [row["key"] for row in read_table(folder / "metadata.csv", ["key"]) if row["key"] in GROUPS]
    weight = f"WEIGHT_W{number}"
    answers = _read_answers(folder / "responses.csv", [question["key"] for question in questions], codes, weight)
    weights = _numbers(answers, weight, folder / "responses.csv")
    members = {(code, group): (answers[code] == group).to_numpy() for code in codes for group in GROUPS[code]}
    for question in questions:
        given = answers[question["key"]].map({option: place for place, option in enumerate(question["options"])})
        chosen = given.fillna(-1).to_numpy(dtype=int)
        for (code, group), belongs in members.items():
            found = weighted_shares(chosen[belongs], weights[belongs], len(question["options"]))
            if found is not None:
                fields = {**question, **found._asdict(), "wave": number, "code": code, "group": group}
                yield LocatedRow(fields, f"{question.where}, {code} {group}")


def _question(row: LocatedRow) -> LocatedRow:
    """Read a row of ``info.csv``; ``references`` ends with the refusals, which have no place in ``option_ordinal``."""
    try:
        options, order = literal(row["references"], "references"), literal(row["option_ordinal"], "option_ordinal")
        if not isinstance(options, list) or not all(isinstance(option, str) for option in options):
            raise ValueError(f"field 'references': found {options!r}, expected a list of texts.")
        numbers = isinstance(order, list) and all(isinstance(degree, float | int) for degree in order)
        if not numbers or not 0 < len(order) <= len(options):
            raise ValueError(f"field 'option_ordinal': found {order!r}, expected 1 to {len(options)} numbers.")
        fields = {"key": text(row, "key"), "question": text(row, "question"), "options": options[: len(order)]}
    except (KeyError, ValueError) as error:
        raise ModPluralError(f"{row.where}: {one_line(error)}") from error
    unknown = dont_know(fields["options"])
    degrees = [degree for place, degree in enumerate(order) if place not in unknown]
    rising = all(before < after for before, after in pairwise(degrees))
    return LocatedRow({**fields, "ordinal": rising and len(degrees) > 1}, row.where)


def _read_answers(path: Path, keys: list[str], codes: list[str], weight: str) -> DataFrame:
    import pandas

    columns = list(dict.fromkeys([*keys, *codes, weight]))
    try:  # "None" is an answer, not a missing one
        header = pandas.read_csv(path, nrows=0, encoding="utf-8-sig").columns
        missing = [name for name in columns if name not in header]
        if missing:
            raise ModPluralError(f"{path}: the column {missing[0]!r} is missing.")
        return pandas.read_csv(path, usecols=columns, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except OSError as error:
        raise ModPluralError(f"{path}: cannot be read ({error.strerror}).") from error
    except (pandas.errors.ParserError, pandas.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ModPluralError(f"{path}: malformed CSV ({one_line(error)[:200]}).") from error


def _numbers(answers: DataFrame, column: str, path: Path) -> NDArray[Any]:
    import numpy as np
    import pandas

    numbers: NDArray[Any] = pandas.to_numeric(answers[column], errors="coerce").to_numpy(dtype=float)
    wrong = ~np.isfinite(numbers) | (numbers < 0)
    if wrong.any():
        first = int(wrong.argmax())
        raise ModPluralError(
            f"{path}, row {first + 1}: field {column!r}: found {answers[column].iloc[first]!r}, expected a weight of "
            "at least 0."
        )
    return numbers


def _item(row: Mapping[str, Any]) -> SteerableItem:
    return opinion_item(
        f"W{row['wave']}/{row['key']}/{row['code']}_{row['group']}",
        row["question"].strip(),
        row["code"],
        row["group"],
        row["options"],
        row["shares"],
        ordinal=row["ordinal"],
        study=f"Pew American Trends Panel, wave {row['wave']}",
        sample_size=row["sample_size"],
        standard_errors=row["standard_errors"],
    )


SOURCES = (
    Source(
        "steerable_opinionqa_full",
        "steerable",
        "human_resp",
        _item,
        rows=_rows,
        by_hand=f"OpinionQA may not be redistributed: download human_resp from {WORKSHEET}.",
        title="OpinionQA",
        homepage="https://github.com/tatsu-lab/opinions_qa",
        licence="Pew Research Center terms: no redistribution",
        citation="Santurkar et al. 2023, Whose Opinions Do Language Models Reflect?, ICML",
        known_issues=(
            "No revision can be pinned: a worksheet has no commits.",
            "Shares are weighted by the wave's survey weights, those of Modular Pluralism's file are not.",
            "Refusals are left out of the shares.",
            "Muslims and Hindus are few: in many waves a group has under 50 people (see sample_size).",
            "About 1,500 questions for 22 groups are some 33,000 items, of which neighbours are nearly the same.",
        ),
    ),
)
