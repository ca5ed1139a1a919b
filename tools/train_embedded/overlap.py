"""Themes that ask what a test question asks: no community is trained on them.

The themes were written without sight of the benchmark. Some ask, in other words, what a test question asks; those of
which any wording is as near to a test question, or to one of its sentences, as `LIMIT` (cosine of all-MiniLM-L6-v2
embeddings) are listed in ``overlap.json`` and left out. Sentences are compared one by one, because a lead-in that a
battery of items shares ("We are faced with many problems …") hides what an item asks. Themes on the same subject that
ask something else stay.
"""

from __future__ import annotations

import json
import random
import re
from functools import cache
from pathlib import Path
from typing import Any

from plural_tasks.files import write_json
from tools.train_embedded.respond import FORMS, _forms
from tools.train_embedded.themes import Theme, all_opinion_themes

LIMIT = 0.7
PATH = Path(__file__).with_name("overlap.json")


@cache
def left_out() -> frozenset[str]:
    """Ids of the themes that no community is trained on."""
    return frozenset(entry["theme"] for entry in json.loads(PATH.read_text(encoding="utf-8"))["themes"])


def opinion_themes() -> list[Theme]:
    """The themes that communities are trained on."""
    return [theme for theme in all_opinion_themes() if theme.id not in left_out()]


def wordings(theme: Theme) -> list[str]:
    """What a theme asks, in every wording that a community may be asked it, and what it holds."""
    forms = dict.fromkeys(form for form in _forms(theme) if form not in ("agree", "scale", "statements"))
    asked = [FORMS[form](theme, 0.0, random.Random(0))[0] for form in forms]
    return [theme.statement, theme.opposite, theme.situation, *asked]


def sentences(text: str) -> list[str]:
    """A question as a whole, and its sentences of five words or more."""
    parts = re.split(r"(?<=[.?!])\s+", text)
    return list(dict.fromkeys([text, *(part for part in parts if len(part.split()) > 4)]))


def compare() -> dict[str, Any]:
    """Compare all themes with all test questions.

    Returns:
        What ``overlap.json`` holds: each theme at or above `LIMIT` with the test question that it is nearest to.
    """
    from plural_tasks.judges.embedding import EmbeddingJudge
    from plural_tasks.sources.surveys import read_surveys
    from tools.train_embedded.pools import SURVEYS

    questions = [question for question in read_surveys(SURVEYS).questions if question.split == "test"]
    asked = [(question.id, text) for question in questions for text in sentences(question.text)]
    texts = [(theme.id, text) for theme in all_opinion_themes() for text in wordings(theme)]
    judge = EmbeddingJudge()
    likeness = judge.embed([text for _, text in texts]) @ judge.embed([text for _, text in asked]).T
    nearest: dict[str, tuple[float, str]] = {}
    for (theme, _), row in zip(texts, likeness, strict=True):
        best = int(row.argmax())
        nearest[theme] = max(nearest.get(theme, (-1.0, "")), (round(float(row[best]), 3), asked[best][0]))
    found = [
        {"theme": theme, "question": question, "likeness": value}
        for theme, (value, question) in sorted(nearest.items(), key=lambda entry: -entry[1][0])
        if value >= LIMIT
    ]
    return {"limit": LIMIT, "themes": found}


def find() -> None:
    """Write the list anew: ``python -m tools.train_embedded.overlap``."""
    found = compare()
    write_json(PATH, found)
    print(f"{len(found['themes'])} of {len(all_opinion_themes())} themes are left out")


if __name__ == "__main__":
    find()
