"""Which test questions the themes come near: those on which the communities had something to learn from.

The themes were written without sight of the benchmark, and all of them are trained on. Some ask, in other words, what
a test question asks, as any texts of a community may. How near the nearest theme comes to each test question (cosine of
all-MiniLM-L6-v2 embeddings, the best of all wordings) is listed in ``overlap.json``, so that results can be told apart
by it: `near` names the questions at or above `LIMIT`. Sentences are compared one by one, because a lead-in that a
battery of items shares ("We are faced with many problems …") hides what an item asks.
"""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

from plural_tasks.utils.files import write_json
from tools.train_embedded.respond import FORMS, forms_of
from tools.train_embedded.themes import Theme, opinion_themes

LIMIT = 0.7
"""From this cosine on, a theme asks what the question asks, or nearly."""

PATH = Path(__file__).with_name("overlap.json")


def near(limit: float = LIMIT) -> frozenset[str]:
    """Ids of the test questions to which a theme comes as near as ``limit``."""
    listed = json.loads(PATH.read_text(encoding="utf-8"))["questions"]
    return frozenset(entry["question"] for entry in listed if entry["likeness"] >= limit)


def wordings(theme: Theme) -> list[str]:
    """What a theme asks, in every wording that a community may be asked it, and what it holds."""
    forms = dict.fromkeys(form for form in forms_of(theme) if form not in ("agree", "scale", "statements"))
    asked = [FORMS[form](theme, random.Random(0)).question for form in forms]
    return [theme.statement, theme.opposite, *theme.plus, *theme.minus, theme.situation, *asked]


def sentences(text: str) -> list[str]:
    """A question as a whole, and its sentences of five words or more."""
    parts = re.split(r"(?<=[.?!])\s+", text)
    return list(dict.fromkeys([text, *(part for part in parts if len(part.split()) > 4)]))


def compare() -> dict[str, Any]:
    """Compare all themes with all test questions.

    Returns:
        What ``overlap.json`` holds: each test question with the theme that comes nearest, from the nearest on.
    """
    from plural_tasks.judges.embedding import EmbeddingJudge
    from plural_tasks.sources.surveys import read_surveys
    from tools.train_embedded.pools import SURVEYS

    questions = [question for question in read_surveys(SURVEYS).questions if question.split == "test"]
    asked = [(question.id, text) for question in questions for text in sentences(question.text)]
    texts = [(theme.id, text) for theme in opinion_themes() for text in wordings(theme)]
    judge = EmbeddingJudge()
    likeness = judge.embed([text for _, text in asked]) @ judge.embed([text for _, text in texts]).T
    nearest: dict[str, tuple[float, str]] = {}
    for (question, _), row in zip(asked, likeness, strict=True):
        best = int(row.argmax())
        nearest[question] = max(nearest.get(question, (-1.0, "")), (round(float(row[best]), 3), texts[best][0]))
    return {
        "questions": [
            {"question": question, "theme": theme, "likeness": value}
            for question, (value, theme) in sorted(nearest.items(), key=lambda entry: (-entry[1][0], entry[0]))
        ]
    }


def find() -> None:
    """Write the list anew: ``python -m tools.train_embedded.overlap``."""
    found = compare()
    write_json(PATH, found)
    count = sum(entry["likeness"] >= LIMIT for entry in found["questions"])
    print(f"A theme comes near to {count} of {len(found['questions'])} test questions ({LIMIT} or more)")


if __name__ == "__main__":
    find()
