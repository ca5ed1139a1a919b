"""`plural_tasks.metrics.paper`, by way of files in the authors' format, against an implementation written apart."""

import importlib.machinery
import random
import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from plural_tasks.judges.scripted import ScriptedJudge
from plural_tasks.metrics import paper
from plural_tasks.rescore import RescoredFigure, rescore
from plural_tasks.rescore.outputs import output_source, read_outputs
from tests.every import every
from tests.plural_tasks.metrics import reference_paper as reference
from tests.plural_tasks.rescore.authors_rows import (
    ADVERSARIAL,
    ANSWERS,
    OPTIONS,
    REASONS,
    TEXTS,
    UNKNOWN,
    Rows,
    moral,
    overton,
    random_answer,
    random_gold,
    random_shares,
    stance,
    survey,
    write,
)

CLOSE = {"rel": 0, "abs": 1e-9}


def figures(tmp_path: Path, rows: Rows, task: str, judge: Any = None) -> dict[str, RescoredFigure]:
    outputs = read_outputs(write(tmp_path / "outputs.json", rows), output_source(task))
    return {figure.name: figure for figure in rescore(outputs, judge).figures}


def surveys(attribute: str, seed: int) -> Rows:
    rng = random.Random(seed)
    drawn = [
        (
            options := rng.choice([OPTIONS, UNKNOWN, OPTIONS[:2]]),
            random_gold(rng, len(options)),
            random_shares(rng, len(options)),
        )
        for _ in range(300)
    ]
    return [survey(number, attribute, *row) for number, row in enumerate([*ADVERSARIAL, *drawn])]


@pytest.mark.parametrize("seed", range(3))
def test_global_opinion_qa(tmp_path, seed) -> None:
    rows = surveys("Ghana", seed)
    found, expected = figures(tmp_path, rows, "plural_distributional_globalopinionqa"), reference.distributions(rows)

    assert found["js_distance"].paper == pytest.approx(expected["js_distance"], **CLOSE)
    assert found["js_distance_nat"].paper == pytest.approx(expected["js_distance_nat"], **CLOSE)
    assert found["argmax_match"].paper == pytest.approx(expected["most_likely"], **CLOSE)
    assert found["js_distance"].n_paper == expected["n"] < len(rows)
    assert found["argmax_match"].n_paper == len(rows)


def test_opinion_qa(tmp_path) -> None:
    rows = surveys("SEX_Female", 3)
    found, expected = figures(tmp_path, rows, "plural_steerable_opinionqa"), reference.distributions(rows)

    assert found["js_distance"].paper == pytest.approx(expected["js_distance"], **CLOSE)
    assert found["accuracy"].paper == pytest.approx(expected["most_likely"], **CLOSE)


def test_moral_choice(tmp_path) -> None:
    rng = random.Random(4)
    rows = [moral(number, rng.choice([[1, 0], [0.5, 0.5]]), random_shares(rng, 2)) for number in range(200)]
    found = figures(tmp_path, rows, "plural_distributional_moralchoice")
    expected = reference.distributions(rows)

    assert found["js_distance"].paper == pytest.approx(expected["js_distance"], **CLOSE)
    assert found["argmax_match"].paper == pytest.approx(expected["most_likely"], **CLOSE)


def test_every_answer_is_read_alike() -> None:
    def check(answer: str) -> None:
        assert paper.paper_three_way(answer) == [*"ABC", None][reference.stance(answer)]

    every([(repr(answer), answer) for answer in ANSWERS], check)


def test_random_answers_are_read_alike() -> None:
    rng = random.Random(5)
    answers = [random_answer(rng) for _ in range(3000)]
    read = [paper.paper_three_way(answer) for answer in answers]

    assert read == [[*"ABC", None][reference.stance(answer)] for answer in answers]
    assert set(read) == {*"ABC", None}


@pytest.mark.parametrize("seed", range(3))
def test_three_way_and_binary_figures(tmp_path, seed) -> None:
    rng = random.Random(seed)
    answers = [*ANSWERS, *(random_answer(rng) for _ in range(200))]
    rows = [stance(number, rng.choice("AABC"), answer) for number, answer in enumerate(answers)]
    found, expected = figures(tmp_path, rows, "plural_steerable_vk"), reference.stances(rows)

    assert found["binary_accuracy"].n_paper == expected.pop("n_binary")
    assert {name: found[name].paper for name in expected} == pytest.approx(expected, **CLOSE)
    assert len(expected) == 6


def test_figures_without_unreadable_answers_and_without_a_class(tmp_path) -> None:
    rows = [stance(number, label, said) for number, (label, said) in enumerate([("A", "A"), ("A", "B"), ("B", "B")])]
    found, expected = figures(tmp_path, rows, "plural_steerable_vk"), reference.stances(rows)

    expected.pop("n_binary")
    assert {name: found[name].paper for name in expected} == pytest.approx(expected, **CLOSE)


class Splitter:
    """Stands in for the package sentence-splitter: another rule, with empty sentences as the real one has them."""

    def __init__(self, language: str) -> None:
        assert language == "en"

    def split(self, text: str) -> list[str]:
        return re.split(r"\n|(?<=[.!]) (?=[A-Z])", text.strip()) if text else []


@pytest.fixture(params=["stand-in", "package"])
def splitter(request, monkeypatch) -> Any:
    paper._splitter.cache_clear()
    if request.param == "stand-in":
        module = types.ModuleType("sentence_splitter")
        module.__spec__ = importlib.machinery.ModuleSpec("sentence_splitter", None)
        module.SentenceSplitter = Splitter  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "sentence_splitter", module)
        yield Splitter("en")
    else:
        package = pytest.importorskip("sentence_splitter", reason="the optional package is not installed")
        yield package.SentenceSplitter(language="en")
    paper._splitter.cache_clear()


def test_coverage(tmp_path, splitter) -> None:
    rng = random.Random(6)
    rows = [overton(number, rng.sample(REASONS, rng.randint(1, 3)), text) for number, text in enumerate(TEXTS * 4)]
    found = figures(tmp_path, rows, "plural_overton_vk", ScriptedJudge())
    alone = ScriptedJudge()

    def probability(premise: str, hypothesis: str) -> float:
        return alone.entail([(premise, hypothesis)])[0].entailment

    expected = reference.coverage(rows, probability, splitter.split)
    assert found["coverage"].paper == pytest.approx(expected["coverage"], **CLOSE)
    assert found["coverage_33"].paper == pytest.approx(expected["coverage_33"], **CLOSE)
    assert 0 < expected["coverage_33"] < 1
