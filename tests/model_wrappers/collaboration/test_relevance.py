"""Mixtures by attribute: the base LLM's probability of each community's number is the community's weight."""

import math

import pytest

from model_wrappers.collaboration.selection import numbers
from plural_tasks.utils.errors import ModPluralError
from tests.model_wrappers.helpers import doc, model, requests


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global ScriptedLM
    from model_wrappers.base.scripted import ScriptedLM


FIT = {"1": 0.6, "2": 0.2}
"""Probabilities of the numbers: 3/4 and 1/4 of the mass on numbers."""

ANSWERS = {"left": {"A": 0.8, "B": 0.1, "C": 0.1}, "right": {"A": 0.2, "B": 0.4, "C": 0.4}}


def likelihood(prompt: str, continuation: str) -> float:
    if "Who should be asked?" in prompt:
        return math.log(FIT[continuation.strip()])
    side = "left" if "Tolls." in prompt else "right"
    return math.log(ANSWERS[side][continuation.strip()])


def run(tmp_path, documents, **arguments):
    base = ScriptedLM(likelihood=likelihood)
    script = {"left": ["Tolls."] * len(documents), "right": ["Carts."] * len(documents)}
    lm, base, _ = model(tmp_path, base=base, script=script, **arguments)
    return lm, base, lm.loglikelihood(requests(documents, "loglikelihood"))


@pytest.mark.parametrize(
    ("arguments", "weights"),
    [
        ({}, (0.5, 0.5)),
        ({"mixture": "attribute"}, (0.75, 0.25)),
        # 0.2 x 3/4 and 0.8 x 1/4.
        ({"mixture": "attribute", "weights": "1+4"}, (3 / 7, 4 / 7)),
    ],
)
def test_communities_weigh_as_much_as_their_number_is_likely(tmp_path, arguments, weights) -> None:
    lm, _, scores = run(tmp_path, [doc("distributional")], **arguments)
    note = next(iter(lm.session.notes.values()))
    assert note["weights"] == pytest.approx(dict(zip(("left", "right"), weights, strict=True)))
    left, right = weights
    expected = [left * ANSWERS["left"][label] + right * ANSWERS["right"][label] for label in "ABC"]
    total = sum(math.exp(score) for score, _ in scores)
    assert [math.exp(score) / total for score, _ in scores] == pytest.approx(expected)
    assert lm.describe()["mixture"] == arguments.get("mixture", "prior")


def test_one_population_is_weighed_once_and_none_equally(tmp_path) -> None:
    documents = [doc("distributional"), doc("distributional"), doc("distributional", 1, attribute="")]
    lm, base, _ = run(tmp_path, documents, mixture="attribute")
    asked = [args for kind, args in base.calls if kind == "loglikelihood" and "Who should be asked?" in str(args[0])]
    assert [continuation for _, continuation in asked] == [" 1", " 2"]
    assert "ferrymen" in asked[0][0]
    weights = [note["weights"] for note in lm.session.notes.values()]
    assert weights[:2] == [pytest.approx({"left": 0.75, "right": 0.25})] * 2
    assert weights[2] == {"left": 0.5, "right": 0.5}


def test_where_those_that_fit_say_nothing_the_pool_s_weights_count(tmp_path) -> None:
    fit = {"1": 0.0, "2": -math.inf}
    base = ScriptedLM(likelihood=lambda prompt, said: fit[said.strip()] if "Who should be" in prompt else -1.0)
    lm, _, _ = model(tmp_path, base=base, script={"left": [""], "right": ["Carts."]}, mixture="attribute")
    lm.loglikelihood(requests([doc("distributional")], "loglikelihood"))
    assert lm.session.fallbacks["no_weight"] == 1
    assert next(iter(lm.session.notes.values()))["weights"] == {"right": 1.0}


def test_a_base_without_likelihoods_is_refused(tmp_path) -> None:
    class Silent(ScriptedLM):
        def loglikelihood(self, requests, disable_tqdm=False):
            raise NotImplementedError("no logits here")

    lm, _, _ = model(tmp_path, base=Silent(), mixture="attribute")
    with pytest.raises(ModPluralError, match="cannot answer loglikelihood requests"):
        lm.generate_until(requests([doc("distributional")], "generate_until"))


def test_numbers_are_those_of_the_list() -> None:
    assert numbers(3) == ["1", "2", "3"]
    assert numbers(10)[::9] == ["01", "10"]
