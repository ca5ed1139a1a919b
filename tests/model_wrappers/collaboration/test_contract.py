"""Every combination of mode, method and kind of request."""

import itertools
import math

import pytest

from model_wrappers.arguments import METHOD_NAMES
from model_wrappers.collaboration.methods import METHODS
from model_wrappers.collaboration.modes import MODES
from plural_tasks.schema import MODES as MODE_NAMES
from tests.model_wrappers.helpers import doc, model, requests

KINDS = ("generate_until", "loglikelihood", "loglikelihood_rolling")


def test_registries_hold_what_their_keys_say() -> None:
    assert set(METHODS) == {"vanilla", "prompting", "moe", "modplural"}
    assert tuple(METHODS) == METHOD_NAMES
    assert tuple(MODES) == MODE_NAMES
    assert all(method.name == name for name, method in METHODS.items())
    assert all(mode.name == name for name, mode in MODES.items())


@pytest.mark.parametrize(("mode", "method", "kind"), itertools.product(MODE_NAMES, METHODS, KINDS))
def test_one_result_for_each_request_in_order(tmp_path, mode, method, kind) -> None:
    documents = [doc(mode, number) for number in range(3)]
    asked = requests(documents, kind)
    lm, _, _ = model(tmp_path, method=method)
    results = getattr(lm, kind)(asked)
    assert len(results) == len(asked)
    if kind == "generate_until":
        assert all(isinstance(result, str) for result in results)
    elif kind == "loglikelihood":
        assert all(value <= 0.0 and isinstance(greedy, bool) for value, greedy in results)
    else:
        assert all(isinstance(result, float) for result in results)
    backwards = getattr(model(tmp_path, method=method)[0], kind)(asked[::-1])
    assert backwards[::-1] == pytest.approx(results) if kind != "loglikelihood" else True
    if kind == "loglikelihood":
        for (there, _), (back, _) in zip(results, backwards[::-1], strict=True):
            assert there == pytest.approx(back)


@pytest.mark.parametrize(("mode", "method", "kind"), itertools.product(MODE_NAMES, METHODS, KINDS[:2]))
def test_requests_are_left_as_they_were(tmp_path, mode, method, kind) -> None:
    asked = requests([doc(mode)], kind)
    before = [(request.args, dict(request.doc), request.idx) for request in asked]
    getattr(model(tmp_path, method=method)[0], kind)(asked)
    assert [(request.args, request.doc, request.idx) for request in asked] == before


@pytest.mark.parametrize(("mode", "method", "kind"), itertools.product(MODE_NAMES, METHODS, KINDS[:2]))
def test_shuffling_the_gold_changes_no_prompt(tmp_path, mode, method, kind) -> None:
    plain = [doc(mode, number) for number in range(2)]
    shuffled = [
        doc(mode, number, gold=[2], target=2, gold_distribution=[0.0, 0.1, 0.9], values=["X"], explanations=["Y"])
        for number in range(2)
    ]
    seen = []
    for documents in (plain, shuffled):
        lm, base, engine = model(tmp_path, method=method)
        getattr(lm, kind)(requests(documents, kind))
        seen.append((base.calls, [request.turns for request in engine.calls]))
    assert seen[0] == seen[1]
    assert seen[0][0]


@pytest.mark.parametrize(("mode", "kind"), itertools.product(MODE_NAMES, KINDS[:2]))
def test_chat_prompts_keep_their_turns_for_every_method(tmp_path, mode, kind) -> None:
    for method in METHODS:
        lm, base, _ = model(tmp_path, method=method)
        history = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Build it?"}]
        asked = requests([doc(mode)], kind, context=lambda _, lm=lm, history=history: lm.apply_chat_template(history))
        getattr(lm, kind)(asked)
        final = str(base.calls[-1][1][0])
        assert final.startswith("<system> Be brief.\n<user> ")
        assert "Build it?" in final
        assert final.endswith("<assistant> ")


@pytest.mark.parametrize("method", ["moe", "modplural"])
def test_each_community_is_asked_once_for_all_options_and_repeats(tmp_path, method) -> None:
    documents = [doc("distributional", number) for number in range(2)]
    asked = requests(documents, "loglikelihood")
    lm, _, engine = model(tmp_path, method=method)
    lm.loglikelihood(asked + asked)
    expected = 4 if method == "modplural" else 2
    assert len(engine.calls) == expected
    lm.loglikelihood(asked)
    assert len(engine.calls) == expected


def test_padding_repeats_of_one_request_get_a_result_each(tmp_path) -> None:
    asked = requests([doc("distributional")], "loglikelihood")
    lm, _, _ = model(tmp_path)
    padded = lm.loglikelihood([*asked, asked[-1], asked[-1]])
    assert len(padded) == 5
    assert padded[2] == padded[3] == padded[4]
    assert math.isfinite(padded[0][0])
