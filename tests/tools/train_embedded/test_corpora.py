"""What communities say: asked as in use, from train questions alone, in the shares of the survey, always the same."""

import hashlib
import json
import os
import random
import subprocess
import sys
from collections import Counter
from itertools import groupby
from math import sqrt
from pathlib import Path
from typing import Any

import pytest

from community_lms.pools.pool import load_pool
from model_wrappers.collaboration.communities import Communities
from model_wrappers.collaboration.prompts import load_prompts
from model_wrappers.collaboration.query import Query
from plural_tasks.sources import SOURCES, locate, read_items
from plural_tasks.sources.surveys import read_surveys
from plural_tasks.utils.checked import read_yaml
from tests.tools.train_embedded.conftest import Records
from tests.tools.train_embedded.made import normalised, told
from tools.train_embedded import corpora, pools
from tools.train_embedded.corpora import SOURCE_SURVEYS, SOURCE_THEMES, Record, ask, community_records, describe
from tools.train_embedded.pools import ROOT, SURVEYS, cells, train_questions, voices
from tools.train_embedded.respond import ask_about
from tools.train_embedded.themes import opinion_themes

# How shipped data were made: of the whole corpora, and for whoever makes them anew.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global RECIPE, make_corpora
    from tools.train_embedded.__main__ import RECIPE, make_corpora


VOICES = {voice.name: voice for voice in voices()}
SHIPPED = (
    "surveys_steerable",
    "surveys_distributional",
    "embedded_overton",
    "embedded_steerable",
    "embedded_distributional",
)
TEST = [question for question in read_surveys(SURVEYS).questions if question.split == "test"]


def surveyed(records: list[Record]) -> list[Record]:
    return [record for record in records if record["source"] == SOURCE_SURVEYS]


def parts(record: Record) -> tuple[str, list[str]]:
    """Question and options of a closed question's prompt."""
    question, _, rest = record["prompt"].partition("\nPossible answers: ")
    listing = rest.removesuffix("\n\nWhat do people like you answer, and why? Answer in a few sentences.")
    assert listing.endswith(".")
    return question, listing.removesuffix(".").split("; ")


def closed(records: list[Record]) -> list[Record]:
    return [record for record in records if "\nPossible answers: " in record["prompt"]]


def foreign(records: list[Record]) -> set[str]:
    """Questions of survey records that are no train question of the file."""
    raw = json.loads(SURVEYS.read_text(encoding="utf-8"))["questions"]
    allowed = {question["text"] for question in raw if question["split"] == "train"}
    return {parts(record)[0] for record in surveyed(records)} - allowed


@pytest.mark.parametrize("name", VOICES)
def test_survey_records_are_of_train_questions(name: str, records: Records) -> None:
    assert surveyed(records[name])
    assert foreign(records[name]) == set()


def test_a_test_question_among_the_train_questions_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "train_questions", lambda: (*train_questions(), TEST[0], *TEST))
    assert foreign(community_records(VOICES["liberal"], 20)) <= {question.text for question in TEST}
    assert foreign(community_records(VOICES["liberal"], 20))


@pytest.mark.parametrize("name", VOICES)
def test_a_community_is_asked_about_themes_its_train_questions_and_situations(name: str, records: Records) -> None:
    asked = Counter(record["source"] for record in closed(records[name]))
    assert asked[SOURCE_THEMES] == corpora.OWN
    assert asked[SOURCE_SURVEYS] == corpora.OWN_SURVEYS * len({question.id for question, _ in cells(name)})
    comments = [record for record in records[name] if record not in closed(records[name])]
    assert len(comments) == 3 * corpora.SITUATIONS
    situations = {theme.situation for theme in opinion_themes()}
    assert {record["prompt"].splitlines()[0].removeprefix("Here is a situation: ") for record in comments} <= situations


def test_a_community_is_asked_the_more_often_the_further_it_stands_from_all(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = opinion_themes()[:3]
    names = list(VOICES)
    # Asia stands 1.0 from the mean of eleven in the first theme, 0.5 in the second, nowhere in the third.
    tops = (1.1, 0.55, 0.0)
    themes = [
        theme.model_copy(update={"positions": {name: top if name == "asia" else 0.0 for name in names}})
        for theme, top in zip((first, second, third), tops, strict=True)
    ]
    monkeypatch.setattr(corpora, "opinion_themes", lambda: themes)
    monkeypatch.setattr(corpora, "SITUATIONS", 0)
    monkeypatch.setattr(corpora, "OWN", 900)
    monkeypatch.setattr(corpora, "cells", lambda _: [])
    monkeypatch.setattr(corpora, "ask_about", lambda theme, rng, form: ask_about(theme, rng, form="yes_no"))
    asked = Counter(parts(record)[0] for record in community_records(VOICES["asia"], 20))
    # To each distance the mean of the three is added: 1.5 to 1.0 to 0.5, and 900 draws, +- 4 standard errors.
    for theme, share in ((first, 1 / 2), (second, 1 / 3), (third, 1 / 6)):
        assert abs(asked[theme.question] - 900 * share) <= 4 * sqrt(900 * share * (1 - share))


def test_comments_on_a_situation_follow_each_other_and_a_part_of_the_answers_says_why(records: Records) -> None:
    reasons = {reason for theme in opinion_themes() for reason in (*theme.plus, *theme.minus, *theme.between)}
    for name in VOICES:
        made = records[name]
        for prompt, group in groupby(made, key=lambda record: record["prompt"]):
            if prompt.startswith("Here is a situation: "):
                assert len(list(group)) == 3
        answers = [record for record in closed(made) if record["source"] == SOURCE_THEMES]
        why = sum(any(record["comment"].endswith(f" {reason}") for reason in reasons) for record in answers)
        # One of five, +- 4 standard errors.
        assert abs(why - len(answers) / 5) <= 4 * sqrt(len(answers) * 0.16)


def test_every_answer_is_one_of_the_options_that_were_offered(records: Records) -> None:
    for name in VOICES:
        for record in closed(records[name]):
            assert told(record["comment"], parts(record)[1])


def test_answers_to_themes_follow_from_the_stances() -> None:
    theme = opinion_themes()[0].model_copy(update={"positions": {"asia": 1.9, "africa": -1.9}})
    speakers = {"": ["asia"], "[africa] ": ["africa"], "[both] ": ["asia", "africa"]}
    asked = [corpora._answers(VOICES["asia"], theme, speakers, random.Random(seed)) for seed in range(200)]
    put = [records for records in asked if records[0]["prompt"].startswith(theme.question)]
    assert len(put) > 20
    assert all(len({record["prompt"] for record in records}) == 1 for records in put)
    alone, labelled, both = (
        {record["comment"].partition(".")[0] for record in said} for said in zip(*put, strict=True)
    )
    # Phi(0.65 x 1.9 / 1.3) = 0.83 on the community's side; of both together, half.
    assert alone == {"Yes, say most of us"}
    assert labelled == {"[africa] No, say most of us"}
    assert both <= {"[both] Yes, say about half of us", "[both] No, say about half of us"}


def test_of_four_options_the_outer_ones_are_for_the_decided() -> None:
    theme = next(theme for theme in opinion_themes() if len(theme.options) == 4)
    asked = [corpora._asked(theme, random.Random(seed)) for seed in range(100)]
    shares = [one.shares(0.0, corpora.WITHIN) for one in asked if set(one.options) == set(theme.options)]
    assert shares
    for row in shares:  # Phi(-1.4 / 1.3) = 0.1407
        assert sorted(row) == pytest.approx([0.1407, 0.1407, 0.3593, 0.3593], abs=1e-4)


def test_records_have_the_columns_of_a_corpus(records: Records) -> None:
    for name, made in records.items():
        assert {tuple(record) for record in made} == {("community", "source", "licence", "prompt", "comment")}
        assert all(isinstance(value, str) and value for record in made for value in record.values())
        assert {record["licence"] for record in made} == {"Apache-2.0"}
        assert name in ("brief", "pick") or {record["community"] for record in made} == {name}


def test_all_together_are_asked_about_every_theme_and_every_train_question(records: Records) -> None:
    made = records["shared"]
    assert {record["community"] for record in made} == {"shared"}
    assert closed(made) == made
    asked = Counter(record["source"] for record in made)
    assert asked[SOURCE_THEMES] == corpora.ROUNDS * (1 + corpora.LABELLED) * len(opinion_themes())
    answered = Counter(question.id for name in VOICES for question in {q.id: q for q, _ in cells(name)}.values())
    speakers = sum(1 + min(corpora.LABELLED, count) for count in answered.values())
    assert asked[SOURCE_SURVEYS] == 2 * corpora.ROUNDS * speakers
    every = {question.text for voice in voices() for question, _ in cells(voice.name)}
    labels = {f"[{name}]" for name in VOICES}
    for prompt, group in groupby(made, key=lambda record: record["prompt"]):
        labelled = [record["comment"].partition(" ")[0] in labels for record in group]
        assert not labelled[0], prompt
        assert sum(labelled) <= corpora.LABELLED * (len(labelled) - sum(labelled))
    assert {parts(record)[0] for record in surveyed(made)} == every
    spent = {parts(record)[0] for record in made if "too little, about right or too much?" in record["prompt"]}
    subjects = {theme.spend for theme in opinion_themes() if theme.spend}
    assert len(subjects) - 12 <= len(spent) <= len(subjects)  # in 7 rounds each is asked in this form but by chance


def test_survey_answers_tell_the_shares_of_a_group() -> None:
    question = next(question for question in train_questions() if len(question.options) == 3 and question.groups)
    rows = ((1.0, 0.0, 0.0), (0.2, 0.6, 0.2))
    groups = [question.groups[0].model_copy(update={"shares": row}) for row in rows]
    rng = random.Random(6)
    made = [one for _ in range(400) for one in corpora._cited(VOICES["asia"], question, {"": groups}, rng)]
    orders = Counter(tuple(parts(record)[1]) for record in made)
    assert set(orders) == {question.options, question.options[::-1]}
    # 400 fair draws: 200 +- 4 x 10.
    assert abs(orders[question.options] - 200) <= 40
    said = Counter(tuple(told(record["comment"], question.options)) for record in made)
    first, second, third = question.options
    # Options with equal shares are named as they were read out. Each group counts the same: 200 +- 40.
    assert set(said) == {(first,), (second, first, third), (second, third, first)}
    assert abs(said[first,] - 200) <= 40


def rendered(mode: Any, question: str, options: tuple[str, ...], name: str, attribute: str) -> Any:
    """What a run asks a member of the shipped pool."""
    pool = load_pool("embedded")
    communities = Communities(
        pool=pool,
        weights={},
        prompts=load_prompts("default"),
        asker=None,  # type: ignore[arg-type]
        engine="scripted",
        decoding=pool.decoding,
        seed=0,
    )
    query = Query("t", 0, "0", mode, question, attribute, options, (), options, "", ())
    member = next(member for member in pool.communities if member.name == name)
    (request,) = communities.requests(query, member)
    return request.turns


@pytest.mark.parametrize("name", VOICES)
def test_prompts_are_those_of_a_session(name: str, records: Records) -> None:
    for record in closed(records[name])[:40]:
        question, options = parts(record)
        assert record["prompt"] == ask(question, options, VOICES[name])
        for mode, attribute in (("distributional", "people in Ghana"), ("steerable", "sex: female")):
            turns = rendered(mode, question, tuple(options), name, attribute)
            assert turns == (("user", record["prompt"]),)
    situation = opinion_themes()[0].situation
    assert rendered("overton", situation, (), name, "") == (("user", describe(situation, VOICES[name])),)


def test_no_test_question_stands_in_any_record(records: Records) -> None:
    questions = {question.text for question in TEST}
    for name in SHIPPED:
        source = next(source for source in SOURCES.values() if source.name == name)
        items = read_items(source, locate(source))
        questions |= {item.question for item in items if name.startswith("embedded") or item.split == "test"}
    assert len(questions) > 60
    wanted = {normalised(question) for question in questions}
    for name, made in records.items():
        text = "\n".join(normalised(f"{record['prompt']} {record['comment']}") for record in made)
        assert not [question for question in wanted if question in text], name


def test_the_search_for_test_questions_finds_a_train_question(records: Records) -> None:
    text = "\n".join(normalised(record["prompt"]) for record in records["liberal"])
    (question, *_) = next(cells("liberal"))
    assert normalised(question.text) in text


DIGESTS = """
import hashlib, json, sys
from tools.train_embedded.corpora import community_records, shared_records
from tools.train_embedded.pools import voices
from tools.train_embedded.reader import brief_records, pick_records, reader_records
seed, count, brief, pick = json.loads(sys.argv[1])
made = {voice.name: community_records(voice, seed) for voice in voices()}
made |= {"shared": shared_records(seed), "reader": reader_records(count, seed)}
made |= {"brief": brief_records(brief, seed), "pick": pick_records(pick, seed)}
print(json.dumps({name: hashlib.sha256(json.dumps(part).encode()).hexdigest() for name, part in made.items()}))
"""


@pytest.mark.parametrize("hash_seed", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_a_fresh_process_makes_the_same_records(hash_seed: str, records: Records) -> None:
    recipe: Any = read_yaml(RECIPE)
    sizes = json.dumps([recipe[name] for name in ("seed", "reader_examples", "brief_examples", "pick_examples")])
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", DIGESTS, sizes]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
    expected = {name: hashlib.sha256(json.dumps(part).encode()).hexdigest() for name, part in records.items()}
    assert json.loads(done.stdout) == expected


def test_another_seed_makes_other_records(records: Records) -> None:
    assert community_records(VOICES["asia"], 20) == records["asia"]
    assert community_records(VOICES["asia"], 22) != records["asia"]


def test_corpora_are_written_as_they_are_made_and_voices_cut_to_their_share(records: Records, tmp_path: Path) -> None:
    recipe: Any = read_yaml(RECIPE)
    make_corpora(recipe, tmp_path)
    written = {
        path.stem: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for path in (tmp_path / "corpora").iterdir()
    }
    assert set(written) == {*records, *(f"{name}.test" for name in VOICES)}
    for name, made in records.items():
        count = round(len(made) * recipe["voice_share"]) if name in VOICES else len(made)
        assert written[name] == made[:count]
        if name in VOICES:
            prompts = {record["prompt"] for record in (*records["shared"], *made[:count])}
            rest = [record for record in made[count:] if record["prompt"] not in prompts]
            assert written[f"{name}.test"] == rest != []
