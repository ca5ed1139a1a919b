"""Studies made by hand."""

from __future__ import annotations

import json

from plural_tasks.human_study import Key, export
from plural_tasks.human_study.key import StudyPair, StudyRater, StudyRow
from plural_tasks.pairwise import Pair

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> & {{ 7 * 7 }} \u2028 ]]> <!-- \"'"


def pairs(count: int) -> list[Pair]:
    return [
        Pair(
            id=f"doc-{number}",
            situation=f"situation {number}",
            cluster=f"cluster-{number}",
            a=f"alpha alpha alpha alpha alpha alpha alpha {number}",
            b=f"beta beta beta beta beta beta beta {number}",
        )
        for number in range(count)
    ]


def made(folder, count: int = 12, spare: int = 6, **changes) -> Key:
    every = pairs(count + spare)
    settings = {"task": "t", "runs": ("modplural", "vanilla"), "raters": 4, **changes}
    return export(folder, every[:count], every[count:], **settings)


def data_of(page: str) -> dict:
    return json.loads(page.split('id="data">')[1].split("</script>")[0])


def filled(key: Key, rater: str, choice=lambda row: row.check or "1") -> dict:
    answers = [{"item": row.item, "verdict": choice(row), "seconds": 2.5} for row in key.rows_of(rater)]
    return {"format": "plural-study-answers", "version": 1, "study": key.study, "rater": rater, "answers": answers}


def small_key() -> Key:
    """Two pairs, three raters with one attention check each."""
    rows = {
        "x": (("1", "p", "a", None), ("2", "q", "b", None), ("3", "r", None, "1")),
        "y": (("1", "p", "b", None), ("2", "r", None, "2"), ("3", "q", "a", None)),
        "z": (("1", "q", "a", None), ("2", "p", "a", None), ("3", "r", None, "1")),
    }
    return Key(
        study="s1",
        task="t",
        runs={"a": "new", "b": "old"},
        question="?",
        seed=0,
        per_pair=3,
        pairs=tuple(StudyPair(id=name, situation=f"on {name}", cluster=name, digest=f"d{name}") for name in "pq"),
        raters=tuple(
            StudyRater(
                name=name,
                rows=tuple(
                    StudyRow(item=item, pair=pair, first=first, check=check) for item, pair, first, check in lines
                ),
            )
            for name, lines in rows.items()
        ),
    )
