"""Mixing, with figures worked by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest

from model_wrappers.collaboration.elicitation import Elicited
from tests.model_wrappers.helpers import doc, model, requests


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global ScriptedLM, mix_likelihoods, mix_options, uncertainty
    from model_wrappers.base.scripted import ScriptedLM
    from model_wrappers.collaboration.answer import mix_likelihoods, mix_options, uncertainty


def test_options_are_mixed_in_probability_space() -> None:
    # Elicited 1: masses .2 and .2 -> shares .5, .5; row 2: .06 and .18 -> shares .25, .75.
    # Weights .75 and .25: shares .75*.5+.25*.25 = .4375 and .5625; mean mass .75*.4+.25*.24 = .36.
    values = [[math.log(0.2), math.log(0.2)], [math.log(0.06), math.log(0.18)]]
    mixed = [math.exp(value) for value in mix_options(values, [0.75, 0.25])]
    assert mixed == pytest.approx([0.4375 * 0.36, 0.5625 * 0.36])


def test_a_prompt_without_mass_is_left_out_and_the_others_keep_their_proportions() -> None:
    values = [[-math.inf, -math.inf], [math.log(0.1), math.log(0.3)], [math.log(0.2), math.log(0.2)]]
    mixed = [math.exp(value) for value in mix_options(values, [0.5, 0.25, 0.25])]
    # Shares (.25+.5)/2 = .375 and .625; mean mass .5*0 + .25*.4 + .25*.4 = .2.
    assert mixed == pytest.approx([0.375 * 0.2, 0.625 * 0.2])


def test_options_whose_likelihood_is_too_small_for_a_float_are_mixed_all_the_same() -> None:
    # Shares (.5, .5) and (.25, .75), equal weights: .375 and .625; masses 2e^-1000 and 4e^-1000, mean 3e^-1000.
    mixed = mix_options([[-1000.0, -1000.0], [-1000.0, -1000.0 + math.log(3)]], [0.5, 0.5])
    assert mixed == pytest.approx([math.log(0.375 * 3) - 1000, math.log(0.625 * 3) - 1000])


def test_a_figure_that_is_no_number_counts_as_no_mass() -> None:
    # Elicited 1 is left out of the shares but not of the mean mass: (0 + .4) / 2 = .2; shares .25 and .75.
    mixed = mix_options([[math.nan, math.nan], [math.log(0.1), math.log(0.3)]], [0.5, 0.5])
    assert [math.exp(value) for value in mixed] == pytest.approx([0.25 * 0.2, 0.75 * 0.2])
    assert mix_likelihoods([[math.nan], [0.0]], [0.5, 0.5]) == pytest.approx([math.log(0.5)])


def test_no_mass_anywhere_is_minus_infinity() -> None:
    assert mix_options([[-math.inf, -math.inf]] * 2, [0.5, 0.5]) == [-math.inf, -math.inf]


def test_likelihoods_of_undeclared_options_are_mixed_as_they_are() -> None:
    # .5*.2+.5*.06 = .13; .5*.2+.5*.18 = .19; a column without mass stays without.
    values = [[math.log(0.2), math.log(0.2), -math.inf], [math.log(0.06), math.log(0.18), -math.inf]]
    mixed = mix_likelihoods(values, [0.5, 0.5])
    assert [math.exp(value) for value in mixed[:2]] == pytest.approx([0.13, 0.19])
    assert mixed[2] == -math.inf


def _likelihood(prompt: str, continuation: str) -> float:
    table = {"L": {" A": 0.5, " B": 0.25, " C": 0.05}, "R": {" A": 0.1, " B": 0.1, " C": 0.2}}
    return math.log(table["L" if "left speaks" in prompt else "R"][continuation])


def _pair(tmp_path, **arguments):
    return model(
        tmp_path,
        base=ScriptedLM(likelihood=_likelihood),
        script={"left": ["left speaks"] * 4, "right": ["right speaks"] * 4},
        **arguments,
    )


def test_the_mixture_over_communities_by_hand(tmp_path) -> None:
    lm, _, _ = _pair(tmp_path, weights="3+1")
    results = lm.loglikelihood(requests([doc("distributional")], "loglikelihood"))
    # left: (.5, .25, .05)/.8 = (.625, .3125, .0625); right: (.25, .25, .5), mass .4.
    # .75 and .25: (.53125, .296875, .171875); mean mass .75*.8+.25*.4 = .7.
    expected = [0.53125 * 0.7, 0.296875 * 0.7, 0.171875 * 0.7]
    assert [math.exp(value) for value, _ in results] == pytest.approx(expected)


def test_figures_do_not_depend_on_which_options_are_asked_for(tmp_path) -> None:
    asked = requests([doc("distributional")], "loglikelihood")
    whole = _pair(tmp_path)[0].loglikelihood(asked)
    only_last = _pair(tmp_path)[0].loglikelihood(asked[2:])
    assert only_last[0][0] == pytest.approx(whole[2][0])


def test_a_community_asked_twice_has_its_mean_taken_first(tmp_path) -> None:
    lm, _, _ = model(
        tmp_path,
        base=ScriptedLM(likelihood=_likelihood),
        script={"left": ["left speaks", "other"], "right": ["right speaks", "right again"]},
        messages_per_community=2,
    )
    results = lm.loglikelihood(requests([doc("distributional")], "loglikelihood"))
    # left's two: (.625, .3125, .0625) and (.25, .25, .5) -> mean (.4375, .28125, .28125); right: (.25, .25, .5).
    # halves: (.34375, .265625, .390625); mean mass .25*.8 + .75*.4 = .5.
    expected = [0.34375 * 0.5, 0.265625 * 0.5, 0.390625 * 0.5]
    assert [math.exp(value) for value, _ in results] == pytest.approx(expected)


def test_vanilla_gives_the_base_models_own_figures(tmp_path) -> None:
    asked = requests([doc("distributional"), doc("steerable", 1)], "loglikelihood")
    lm, _, _ = _pair(tmp_path, method="vanilla")
    assert lm.loglikelihood(asked) == ScriptedLM(likelihood=_likelihood).loglikelihood(asked)


def test_no_mass_on_any_option_is_counted(tmp_path) -> None:
    lm, _, _ = model(tmp_path, base=ScriptedLM(likelihood=lambda prompt, continuation: -math.inf))
    lm.loglikelihood(requests([doc("distributional")], "loglikelihood"))
    assert lm.session.fallbacks == {"no_mass": 1}


def test_generation_in_distributional_mode_draws_by_weight(tmp_path) -> None:
    documents = [doc("distributional", number) for number in range(400)]
    lm, _, _ = model(
        tmp_path, base=ScriptedLM(replies=lambda prompt: "L" if "the left bank" in prompt else "R"), weights="4+1"
    )
    answers = lm.generate_until(requests(documents, "generate_until"))
    # Binomial(400, .8): mean 320, standard deviation 8; four of them on either side.
    assert 288 <= answers.count("L") <= 352
    again = model(
        tmp_path, base=ScriptedLM(replies=lambda prompt: "L" if "the left bank" in prompt else "R"), weights="4+1"
    )[0].generate_until(requests(documents, "generate_until"))
    assert again == answers


def test_tasks_without_declared_options_mix_likelihoods(tmp_path) -> None:
    foreign = {"query": "Bridge?", "choices": ["A", "B"]}
    asked = requests([{**doc("distributional"), "labels": ["A", "B"]}], "loglikelihood")
    for request in asked:
        request.doc = foreign
    lm, _, _ = _pair(tmp_path, mode="distributional")
    results = lm.loglikelihood(asked)
    note = next(iter(lm.session.notes.values()))
    assert note["options"] == ["A", "B"]
    assert note["distribution"] == pytest.approx([0.3 / 0.475, 0.175 / 0.475])
    assert [row["community"] for row in note["distributions"]] == ["left", "right"]
    # .5*.5+.5*.1 = .3; .5*.25+.5*.1 = .175
    assert [math.exp(value) for value, _ in results] == pytest.approx([0.3, 0.175])


def test_a_letter_counts_with_and_without_a_space_where_asked(tmp_path) -> None:
    likely = {" A": 0.2, "A": 0.2, " B": 0.1, "B": 0.3, " C": 0.2, "C": 0.0}

    def likelihood(_: str, continuation: str) -> float:
        return math.log(likely[continuation]) if likely[continuation] else -math.inf

    def shares(**arguments) -> list[float]:
        lm, _, _ = model(tmp_path, base=ScriptedLM(likelihood=likelihood), method="vanilla", **arguments)
        scores = lm.loglikelihood(requests([doc("distributional")], "loglikelihood"))
        return [math.exp(score) for score, _ in scores]

    assert shares() == pytest.approx([0.2, 0.1, 0.2])
    assert shares(label_variants=True) == pytest.approx([0.4, 0.4, 0.2])


def test_the_uncertainty_of_a_mixture_by_hand() -> None:
    half = np.array([[1.0, 0.0], [0.0, 1.0]])
    rows = [
        Elicited([(math.log(0.5), False), (math.log(0.5), False)], draws=half, bounds=[(0.2, 0.8), (0.2, 0.8)]),
        Elicited([(math.log(0.25), False), (math.log(0.25), False)], draws=half[::-1], bounds=[(0.6, 0.8), (0.2, 0.4)]),
        Elicited([(-math.inf, False), (-math.inf, False)]),
    ]
    found = uncertainty(rows[:2], [0.75, 0.25])
    # Mixed draws .75 (1, 0) + .25 (0, 1) = (.75, .25), and (.25, .75); the mixture is (.5, .5).
    # JS divergence of (.5, .5) and (.75, .25): H(.625, .375) - (1 + H(.75, .25)) / 2 = .9544340 - .9056391 = .0487949.
    assert found["error"] == pytest.approx(math.sqrt(0.0487949), abs=1e-5)
    assert found["bounds"] == [pytest.approx([0.3, 0.8]), pytest.approx([0.2, 0.7])]
    # A row without mass has no part in the mixture.
    assert uncertainty([replace(rows[0], bounds=None), rows[2]], [0.2, 0.8])["error"] == pytest.approx(
        math.sqrt(0.3112781), abs=1e-5
    )
    assert uncertainty([rows[2]], [1.0]) == {}
