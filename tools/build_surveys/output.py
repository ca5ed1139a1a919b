"""The data file, one line for each cell so that a change can be reviewed, and the README's table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from .microdata import DIGESTS, PACKAGE
from .model import Cell, Question, Study
from .shares import Shares
from .split import split_of
from .steerable import kept, steerable

DIGITS = 6
MARKS = ("<!-- counts: written by tools/build_surveys -->", "<!-- end of counts -->")


def text(studies: Mapping[str, Study], questions: Sequence[Question]) -> str:
    """Return the data file."""
    used = sorted({name for question in questions for name in question.data})
    lines = ["{", f' "package": {_json(PACKAGE)},', ' "microdata": {']
    lines += [_joined(f"  {_json(name)}: {_json(DIGESTS[name])}" for name in used), " },", ' "studies": {']
    lines += [_joined(f"  {_json(key)}: {_json(asdict(study))}" for key, study in studies.items()), " },"]
    lines += [' "questions": [', _joined(_question(question) for question in questions), " ]", "}"]
    return "\n".join(lines) + "\n"


def _question(question: Question) -> str:
    codes = list(question.answers)
    head: dict[str, Any] = {
        "id": question.id,
        "study": question.study,
        "split": split_of(question),
        "family": question.family or question.id,
        "microdata": list(question.data),
        "variable": question.variable,
        "wording": question.wording,
        "note": question.note,
        "text": question.text,
        "options": list(question.answers.values()),
        "ordinal": question.ordinal,
        "dont_know": [codes.index(code) for code in question.dont_know],
    }
    lines = [f"   {_json(key)}: {_json(value)}," for key, value in head.items()]
    chosen = steerable(question)
    populations = [
        {"id": cell.id, "attribute": cell.attribute, "stratum": cell.stratum} for cell in question.populations
    ]
    groups = [
        {"id": cell.id, "attribute": cell.attribute, "category": cell.category, "steerable": cell.id in chosen}
        for cell in kept(question)
    ]
    lines += [_cells("populations", populations, question.populations) + ","]
    lines += [_cells("groups", groups, kept(question))]
    return "\n".join(["  {", *lines, "  }"])


def _cells(name: str, heads: Sequence[dict[str, Any]], cells: Sequence[Cell]) -> str:
    if not cells:
        return f'   "{name}": []'
    records = (head | _figures(cell.shares) for head, cell in zip(heads, cells, strict=True))
    return f'   "{name}": [\n' + _joined(f"    {_json(record)}" for record in records) + "\n   ]"


def _figures(shares: Shares) -> dict[str, Any]:
    return {
        "n": shares.n,
        "n_eff": round(shares.n_eff, 1),
        "shares": [round(share, DIGITS) for share in shares.shares],
        "standard_errors": [round(error, DIGITS) for error in shares.standard_errors],
    }


def readme(old: str, studies: Mapping[str, Study], questions: Sequence[Question]) -> str:
    """Return the README with its table of counts written anew between `MARKS`."""
    before, rest = old.split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    rows = [
        "| study | questions (train / test) | distributional items | groups | steerable items | smallest cell |",
        "|---|---|---|---|---|---|",
    ]
    for key, study in studies.items():
        rows.append(_row(study.title, [question for question in questions if question.study == key]))
    rows.append(_row("**all**", questions))
    return f"{before}{MARKS[0]}\n" + "\n".join(rows) + f"\n{MARKS[1]}{after}"


def _row(title: str, questions: Sequence[Question]) -> str:
    train = [question for question in questions if split_of(question) == "train"]
    both = [(_items(questions, mode), _items(train, mode)) for mode in (0, 1)]
    distributional, steered = (f"{total} ({part} / {total - part})" for total, part in both)
    cells = [cell for question in questions for cell in (*question.populations, *kept(question))]
    groups = sum(len(kept(question)) for question in questions)
    smallest = min(cell.shares.n for cell in cells)
    count = f"{len(questions)} ({len(train)} / {len(questions) - len(train)})"
    return f"| {title} | {count} | {distributional} | {groups} | {steered} | {smallest} |"


def _items(questions: Sequence[Question], mode: int) -> int:
    return sum(len(steerable(question)) if mode else len(question.populations) for question in questions)


def _joined(lines: Iterable[str]) -> str:
    return ",\n".join(lines)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
