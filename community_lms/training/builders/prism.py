"""PRISM (Kirk et al. 2024, arXiv 2404.16019): what people of 75 countries like in a model's answers, by their country.

Two files, on the Hub two subsets: ``survey`` (a person a row: ``user_id``, ``location`` with ``reside_country`` and
``birth_country``) and ``conversations`` (``user_id``, ``opening_prompt``, ``open_feedback`` and
``conversation_history``: turns with ``role``, ``content``, ``turn``, ``score``, ``if_chosen``). The people (1,500) are
held in memory, the conversations are not.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from community_lms.training.builders.base import Builder, CorpusRequest, by_place, column, folder_file, text_field
from community_lms.training.corpus import Record
from community_lms.training.rows import rows
from community_lms.training.tally import CorpusTally
from plural_tasks.sources.base import LocatedRow
from plural_tasks.utils.errors import ModPluralError

WRITTEN_BY_PEOPLE, WRITTEN_BY_MODELS = "CC-BY-4.0", "CC-BY-NC-4.0"
WANTED = "What matters to me in an answer:"
WHERE = {"country": "reside_country", "continent": "reside_country", "birth_country": "birth_country"}


def records(request: CorpusRequest, tally: CorpusTally) -> Iterator[Record]:
    """Yield for each conversation the chosen first answer, the person's feedback, or both, as comments."""
    people = _people(request)
    for row in _rows(request, "conversations"):
        tally.read += 1
        person, prompt = str(column(row, "user_id")), column(row, "opening_prompt")
        if person not in people:
            raise ModPluralError(f"{row.where}: user_id {person!r} is not in the survey.")
        community = by_place(people[person], request.by.removeprefix("birth_"), tally)
        if not community:
            continue
        comments = _comments(row, request.texts)
        if not comments or not isinstance(prompt, str):
            tally.drop("no comment")
            continue
        for comment, licence in comments:
            yield PRISM.record(request, community, prompt, comment, licence)


def _people(request: CorpusRequest) -> dict[str, str]:
    """Person -> country."""
    people = {}
    for row in _rows(request, "survey"):
        location = column(row, "location")
        if not isinstance(location, dict):
            raise ModPluralError(
                f"{row.where}: column 'location': found {type(location).__name__}, expected a mapping."
            )
        people[str(column(row, "user_id"))] = text_field(location, WHERE[request.by])
    return people


def _rows(request: CorpusRequest, name: str) -> Iterator[LocatedRow]:
    folder = Path(request.path).expanduser()
    if folder.exists():
        yield from rows(str(folder_file(folder, f"{name}.jsonl")))
    else:
        yield from rows(request.path, split=request.split, revision=request.revision, subset=name)


def _comments(row: LocatedRow, texts: str) -> list[tuple[str, str]]:
    comments = []
    chosen = _chosen(column(row, "conversation_history"), row)
    if texts != "feedback" and chosen:
        comments.append((chosen, WRITTEN_BY_MODELS))
    feedback = text_field(row, "open_feedback")
    if texts != "preferred" and feedback:
        comments.append((f"{WANTED} {feedback}", WRITTEN_BY_PEOPLE))
    return comments


def _chosen(history: Any, row: LocatedRow) -> str:
    """The answer of the first turn with which the person went on; where none is marked, the one rated best."""
    if not isinstance(history, list) or not all(isinstance(turn, dict) for turn in history):
        raise ModPluralError(f"{row.where}: column 'conversation_history': expected a list of turns.")
    answers = [turn for turn in history if turn.get("role") == "model" and turn.get("content")]
    first = min((turn.get("turn") or 0 for turn in answers), default=0)
    rated = [
        (bool(turn.get("if_chosen")), turn.get("score") or 0, turn)
        for turn in answers
        if (turn.get("turn") or 0) == first
    ]
    best = max(rated, key=lambda entry: entry[:2], default=None)
    return str(best[2]["content"]) if best is not None and (best[0] or best[1]) else ""


PRISM = Builder(
    name="prism",
    title="PRISM",
    reads="the Hub data set, or a folder with survey.jsonl and conversations.jsonl",
    records=records,
    by=("country", "continent", "birth_country"),
    hub="HannahRoseKirk/prism-alignment",
    licence=f"{WRITTEN_BY_PEOPLE} (people), {WRITTEN_BY_MODELS} (models)",
)
