"""The modules through the real library, without a network."""

import ast
import math
import re
import socket

import pytest
import yaml

from plural_tasks import evaluate_modules
from plural_tasks.judges.scripted import ScriptedJudge
from plural_tasks.utils.errors import ModPluralError

SHARES = {"predictions": [[1.0, 0.0], [0.2, 0.3, 0.5]], "references": [[0.5, 0.5], [0.5, 0.3, 0.2]]}
LABELS = {"predictions": ["A", None, "B"], "references": ["A", "A", "B"]}


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.parametrize(
    ("name", "inputs", "expected"),
    [
        # .557923 as in cases/divergence.json; [.2, .3, .5] beside [.5, .3, .2]: m = [.35, .3, .35],
        # KL = .2 lb(.2/.35) + .5 lb(.5/.35) = -.161471 + .257287 = .095816 on both sides, root .309542
        ("js_distance", SHARES, {"js_distance": (0.557923 + 0.309542) / 2}),
        # in natural units both shrink by sqrt(ln 2) = .832555
        ("js_distance", {**SHARES, "base": math.e}, {"js_distance": 0.832555 * (0.557923 + 0.309542) / 2}),
        # (.5 + .5) / 2 and (.3 + .3) / 2
        ("tv_distance", SHARES, {"tv_distance": (0.5 + 0.3) / 2}),
        # half of the people move by 1; three tenths move by two steps of 1/2
        ("wasserstein", SHARES, {"wasserstein": (0.5 + 0.3) / 2}),
        # recalls 1/2 and 1
        ("balanced_accuracy_strict", LABELS, {"balanced_accuracy": 0.75}),
        # weights 1 and 3 in A: recall 1/4
        ("balanced_accuracy_strict", {**LABELS, "sample_weight": [1, 3, 1]}, {"balanced_accuracy": 0.625}),
        # A 2/3, B 1; C does not occur
        ("macro_f1_strict", {**LABELS, "labels": ["A", "B", "C"]}, {"macro_f1": 5 / 6}),
        # A 2 / (2 + 3) = .4, B 1
        ("macro_f1_strict", {**LABELS, "labels": ["A", "B"], "sample_weight": [1, 3, 1]}, {"macro_f1": 0.7}),
    ],
)
def test_modules_compute_what_the_pure_functions_do(name: str, inputs: dict, expected: dict) -> None:
    assert evaluate_modules.load(name).compute(**inputs) == pytest.approx(expected, abs=1e-6)


def test_coverage_by_a_judge() -> None:
    judge = ScriptedJudge(
        script={
            ("Work.", "They work."): 0.9,
            ("Quiet.", "They work."): 0.1,
            ("Work.", "So?"): 0.2,
            ("Quiet.", "So?"): 0.3,
        }
    )
    found = evaluate_modules.load("value_coverage").compute(
        predictions=["They work. So?", ""], references=[["Work.", "Quiet."], ["Work."]], judge=judge
    )

    # (.9 + .3) / 2 = .6 by two sentences, and nothing by none
    assert found == pytest.approx(
        {"coverage": 0.3, "coverage_33": 0.5, "coverage_per_sentence": 0.15, "n_sentences": 1.0}, abs=1e-12
    )
    assert len(judge.calls) == 1


def test_a_judge_may_be_named() -> None:
    # word overlap: the sentence's one content word, work, is in the explanation
    found = evaluate_modules.load("value_coverage").compute(
        predictions=["They work."], references=[["Shops work."]], judge="lexical"
    )

    assert found["coverage"] == 1.0


def test_a_module_takes_rows_one_after_the_other(tmp_path) -> None:
    import evaluate

    (folder,) = evaluate_modules.write_modules(tmp_path, "ann", ["js_distance"])
    module = evaluate.load(str(folder), keep_in_memory=True)
    module.add(prediction=[1.0, 0.0], reference=[0.5, 0.5])
    module.add_batch(predictions=[[0.5, 0.5]], references=[[0.5, 0.5]])

    assert module.compute() == pytest.approx({"js_distance": 0.557923 / 2}, abs=1e-6)


def test_what_is_no_distribution_is_refused() -> None:
    with pytest.raises(ValueError, match="is no distribution"):
        evaluate_modules.load("tv_distance").compute(predictions=[[0.0, 0.0]], references=[[0.5, 0.5]])


def test_macro_f1_says_that_the_labels_are_missing() -> None:
    with pytest.raises(ValueError, match="macro_f1_strict: labels is missing; give compute"):
        evaluate_modules.load("macro_f1_strict").compute(**LABELS)


def test_every_module_is_found_and_described() -> None:
    assert set(evaluate_modules.MODULES) == {
        "balanced_accuracy_strict",
        "js_distance",
        "macro_f1_strict",
        "tv_distance",
        "value_coverage",
        "wasserstein",
    }
    assert list(evaluate_modules.MODULES) == sorted(evaluate_modules.MODULES)
    for name in evaluate_modules.MODULES:
        module = evaluate_modules.load(name)
        assert module.name == name
        assert len(module.description) > 40
        assert "predictions" in module.inputs_description
        assert "Modular Pluralism" in module.citation


@pytest.mark.parametrize("name", evaluate_modules.MODULES)
def test_what_would_be_pushed_does_what_its_card_says(name: str, tmp_path) -> None:
    import evaluate

    (folder,) = evaluate_modules.write_modules(tmp_path, "ann", [name])
    card = (folder / "README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", card, flags=re.DOTALL)
    _, loading, computing, result = code.strip().replace("\n\n", "\n").split("\n")
    assert loading == f'metric = evaluate.load("ann/{name}")'
    found = eval(computing, {"metric": evaluate.load(str(folder))})
    assert found == pytest.approx(ast.literal_eval(result.removeprefix("# ")), abs=1e-4)
    front = yaml.safe_load(card.split("---\n")[1])
    assert (front["title"], front["sdk"], front["tags"][:2]) == (name, "static", ["evaluate", "metric"])
    assert {path.name for path in folder.iterdir()} == {"README.md", "index.html", f"{name}.py", "requirements.txt"}
    assert evaluate_modules.MODULES[name].description in card
    assert "@inproceedings{feng2024modular" in card


def test_a_misspelt_module_names_the_nearest() -> None:
    with pytest.raises(ModPluralError, match="Did you mean 'js_distance'"):
        evaluate_modules.load("js_distanse")
