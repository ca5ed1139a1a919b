"""Small made-up sources in the layouts that the builders read."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

CULTURE_COLUMNS = (
    *("cultural group", "context", "goal", "relation", "actor", "actor_behavior", "recipient", "recipient_behavior"),
    *("other_descriptions", "topic", "agreement", "eval_question"),
)


def culture_row(group: str, behaviour: str, **more: object) -> dict[str, object]:
    return {**dict.fromkeys(CULTURE_COLUMNS, ""), "cultural group": group, "actor_behavior": behaviour, **more}


CULTURE = [
    culture_row(
        "Nigerians", "greet elders first", context="at a feast", actor="guests", topic="Greetings", agreement=0.9
    ),
    culture_row(
        "Swedish", "take off their shoes", recipient="hosts", recipient_behavior="do the same", goal="a clean floor"
    ),
    culture_row("Latin American", "kiss on the cheek"),
    culture_row("Latin American", "dance at weddings"),
    culture_row("Moon people", "float"),
    culture_row("Japanese", "nan"),
]


def write_jsonl(path: Path, rows: list[dict]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def culturebank(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "culturebank_reddit.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, CULTURE_COLUMNS)
        writer.writeheader()
        writer.writerows(CULTURE)
    return folder


ARTICLE = "The council met on Monday to vote on the new bus line, which has been disputed for years."


def politics(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for leaning in ("left", "center", "right"):
        rows = [
            {"title": f"{leaning} {number}", "text": [ARTICLE, f"Part {number} {leaning}."], "source": "x", "date": ""}
            for number in range(2)
        ]
        (folder / f"BIGNEWSBLN_{leaning}.json").write_text(json.dumps(rows), encoding="utf-8")
    return folder


SURVEY = [
    {
        "qkey": "Q1",
        "question": "Should the bus be free?",
        "attribute": "POLPARTY",
        "group": group,
        "options": ["Yes", "No", "Refused"],
        "responses": shares,
        "ordinal": [1, 2, 3],
    }
    for group, shares in (("Democrat", [0.6, 0.2, 0.2]), ("Republican", [0.0, 1.0, 0.0]))
]


def survey(folder: Path) -> Path:
    return write_jsonl(folder / "subpop.jsonl", SURVEY)


def alignment_row(country: str | None, lang: str, **more: object) -> dict[str, object]:
    answers = {f"first_turn_response_{letter}": f"Answer {letter} for {country}." for letter in "abcd"}
    return {
        "conversation_id": "c",
        "assigned_lang": lang,
        "annotator_id": "n",
        "first_turn_prompt": "How should I spend a free day?",
        **answers,
        "first_turn_preferred_response": "response_b",
        "first_turn_feedback": None,
        "annotator_country": country,
        "annotator_political": "Moderate",
        **more,
    }


ALIGNMENT = [
    alignment_row("United States", "en", first_turn_feedback="It is short."),
    alignment_row("India", "hi"),
    alignment_row("France", "fr", first_turn_feedback="Elle est claire."),
    alignment_row(None, "en"),
]


def community_alignment(folder: Path) -> Path:
    return write_jsonl(folder / "community_alignment.jsonl", ALIGNMENT)


def _conversation(person: str, feedback: str) -> dict[str, object]:
    turns = [
        {"turn": 0, "role": "user", "content": "Is it fine to lie?"},
        {"turn": 0, "role": "model", "content": "Never.", "score": 20, "if_chosen": False},
        {"turn": 0, "role": "model", "content": f"Sometimes, {person}.", "score": 80, "if_chosen": True},
        {"turn": 1, "role": "model", "content": "Later.", "score": 99, "if_chosen": True},
    ]
    return {
        "conversation_id": f"c-{person}",
        "user_id": person,
        "opening_prompt": "Is it fine to lie?",
        "conversation_history": turns,
        "open_feedback": feedback,
    }


PEOPLE = [
    {"user_id": "u1", "location": {"reside_country": "United Kingdom", "birth_country": "Kenya"}},
    {"user_id": "u2", "location": {"reside_country": "Prefer not to say", "birth_country": "Chile"}},
]
CONVERSATIONS = [_conversation("u1", "It was honest with me."), _conversation("u2", "")]


def prism(folder: Path) -> Path:
    write_jsonl(folder / "survey.jsonl", PEOPLE)
    write_jsonl(folder / "conversations.jsonl", CONVERSATIONS)
    return folder


def files(folder: Path) -> Path:
    return write_jsonl(
        folder / "any.jsonl",
        [{"community": "a", "comment": "one text"}, {"community": "b", "text": "x", "comment": "another"}],
    )


LAYOUTS: dict[str, Callable[[Path], Path]] = {
    "culturebank": culturebank,
    "politics": politics,
    "survey": survey,
    "community_alignment": community_alignment,
    "prism": prism,
    "files": files,
}
