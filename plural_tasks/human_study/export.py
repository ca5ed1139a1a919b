"""Write a study: one page and one table for each rater, and a key that raters never see."""

from __future__ import annotations

import csv
import io
import secrets
from collections.abc import Sequence
from pathlib import Path

from plural_tasks.human_study.design import RaterSheet, design
from plural_tasks.human_study.form import render_form
from plural_tasks.human_study.key import VERSION, Key, StudyPair, StudyRater, write_key
from plural_tasks.human_study.wording import Wording, load_wording
from plural_tasks.pairwise.pairs import Pair
from plural_tasks.utils.errors import ModPluralError
from plural_tasks.utils.files import write_text

RATERS, KEY, ANSWERS = "for_raters", "key.json", "answers"
"""What a study's folder holds: what raters get, what they never see, and what they sent back."""

VERDICT = "verdict (1, 2 or tie)"
COLUMNS = ("study", "version", "rater", "item", "situation", "answer 1", "answer 2", VERDICT)


def export(
    folder: Path,
    pairs: Sequence[Pair],
    spare: Sequence[Pair] = (),
    *,
    task: str,
    runs: tuple[str, str],
    raters: int,
    per_pair: int = 3,
    checks: int = 4,
    seed: int = 0,
    wording: Wording | None = None,
) -> Key:
    """Lay out a study and write its folder.

    Args:
        folder: Made anew; ``for_raters/`` in it may be given away, ``key.json`` may not.
        pairs: The pairs to be rated.
        spare: Pairs of the same runs that are not rated; see `plural_tasks.human_study.design.design`.
        task: Name of the task.
        runs: What run A and run B are called, in the key alone.
        raters: Number of raters.
        per_pair: Raters for each pair.
        checks: Attention checks for each rater.
        seed: Seed of the sides, the assignment and the checks.
        wording: What raters read; None is the shipped English.

    Raises:
        ModPluralError: If the folder is there already (raters may hold its forms), the numbers do not fit one another,
            or a file cannot be written.
    """
    _refuse_used(folder)
    words = wording or load_wording()
    sheets = design(pairs, spare, raters=raters, per_pair=per_pair, checks=checks, seed=seed)
    key = Key(
        # Drawn at random and not from the seed: nothing in a rater's file leads back to the sides. The letter keeps a
        # spreadsheet from reading a number.
        study=f"s{secrets.token_hex(6)}",
        task=task,
        runs={"a": runs[0], "b": runs[1]},
        question=words.question,
        seed=seed,
        per_pair=per_pair,
        pairs=tuple(map(_study_pair, pairs)),
        raters=tuple(StudyRater(name=sheet.rater, rows=sheet.rows) for sheet in sheets),
    )
    write_key(folder / KEY, key)  # first: forms without a key would be worth nothing
    for sheet in sheets:
        _write_sheet(folder / RATERS, key.study, sheet, words)
    return key


def _refuse_used(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ModPluralError(
            f"{folder}: is there already; raters may hold forms of it, so nothing is overwritten. Name another folder."
        )


def _study_pair(pair: Pair) -> StudyPair:
    return StudyPair(id=pair.id, situation=pair.situation, cluster=pair.cluster, digest=pair.digest)


def _write_sheet(folder: Path, study: str, sheet: RaterSheet, words: Wording) -> None:
    """Write a rater's page and table."""
    path = folder / f"{sheet.rater}.html"
    write_text(path, render_form(study, sheet.rater, sheet.shown, words))
    # Spreadsheets take a CSV file for UTF-8 only when it says so at its start.
    write_text(path.with_suffix(".csv"), _table(study, sheet), encoding="utf-8-sig")


def _table(study: str, sheet: RaterSheet) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for row in sheet.shown:
        texts = [_cell(text) for text in (row.situation, *row.answers)]
        writer.writerow([study, VERSION, sheet.rater, row.item, *texts, ""])
    return out.getvalue()


def _cell(text: str) -> str:
    """A text that a spreadsheet shows and does not run: formulas start with one of these signs."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
