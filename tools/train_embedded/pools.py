"""Who is trained: the members of the embedded pools and the survey answers that they stand for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from community_lms.evaluation.groups import Groups, read_groups
from community_lms.pools.pool import PRESET_FOLDER
from plural_tasks.sources.surveys import Population, SurveyGroup, SurveyQuestion, read_surveys

ROOT = Path(__file__).resolve().parents[2]
SURVEYS = ROOT / "plural_tasks" / "data" / "surveys" / "surveys.json"
POOLS = ("embedded_perspective", "embedded_culture")
GROUPS = ROOT / "community_lms" / "evaluation" / "groups.yaml"


@dataclass(frozen=True)
class Voice:
    """A community to train."""

    name: str
    description: str
    pool: str


@cache
def voices() -> tuple[Voice, ...]:
    """All communities, in the order of the pools."""
    found = []
    for pool in POOLS:
        data = yaml.safe_load((PRESET_FOLDER / f"{pool}.yaml").read_text(encoding="utf-8"))
        found += [Voice(member["name"], member["description"], pool) for member in data["communities"]]
    return tuple(found)


@cache
def groups() -> dict[str, Groups]:
    """Whose survey answers each community stands for."""
    return read_groups(GROUPS)


@cache
def train_questions() -> tuple[SurveyQuestion, ...]:
    """The train questions of the embedded surveys; nothing of a test question is ever read here."""
    return tuple(question for question in read_surveys(SURVEYS).questions if question.split == "train")


def cells(community: str) -> Iterator[tuple[SurveyQuestion, SurveyGroup | Population]]:
    """The community's answers to the train questions, of groups first."""
    for question in train_questions():
        for cell in groups()[community].matches(question):
            yield question, cell
