"""The fixed split by question: which families of questions communities may be trained on."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence

from .model import Question
from .steerable import steerable

SALT = 4626
"""The first number for which `imbalances` finds none. It stays when questions are added, so that none moves."""

BALANCED = (0.42, 0.58)
"""Bounds of the share of train: of all items and of all questions of each mode."""


SPREAD = 6.5
"""Least effective number of families of the steerable test items, (sum of n)^2 / sum of n^2: no battery may rule."""


def split_of(question: Question, salt: int = SALT) -> str:
    """Return ``train`` or ``test``, by the SHA-256 of the question's family."""
    digest = hashlib.sha256(f"{salt}:{question.family or question.id}".encode()).digest()
    return "train" if digest[0] % 2 else "test"


def imbalances(questions: Sequence[Question], salt: int = SALT) -> Iterator[str]:
    """Say what is wrong with a split: a study with several families on one side, a mode that is not `BALANCED`."""
    sides: dict[str, dict[str, str]] = {}
    for question in questions:
        sides.setdefault(question.study, {})[question.family or question.id] = split_of(question, salt)
    for study, families in sides.items():
        if len(families) > 1 and len(set(families.values())) == 1:
            yield f"all questions of {study} are in one split"
    counts = {
        "distributional": {question.id: len(question.populations) for question in questions},
        "steerable": {question.id: len(steerable(question)) for question in questions},
    }
    train = {question.id for question in questions if split_of(question, salt) == "train"}
    for mode, of_question in counts.items():
        for what, size in (("items", of_question), ("questions", {name: min(n, 1) for name, n in of_question.items()})):
            share = sum(n for name, n in size.items() if name in train) / sum(size.values())
            if not BALANCED[0] <= share <= BALANCED[1]:
                yield f"{share:.0%} of the {mode} {what} are in train"
    families: Counter[str] = Counter()
    for question in questions:
        if question.id not in train:
            families[question.family or question.id] += counts["steerable"][question.id]
    spread = families.total() ** 2 / max(sum(n * n for n in families.values()), 1)
    if spread < SPREAD:
        yield f"the steerable test items are of effectively {spread:.1f} families"
