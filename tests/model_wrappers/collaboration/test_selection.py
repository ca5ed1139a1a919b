"""Picking from a list: by the probability of the numbers, or by what is written."""

import math

import pytest

from model_wrappers.collaboration.selection import selection_of
from tests.model_wrappers.helpers import doc, model, requests


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global HFLM, LocalChatCompletion, LocalCompletionsAPI, ScriptedLM
    from lm_eval.models.huggingface import HFLM
    from lm_eval.models.openai_completions import LocalChatCompletion, LocalCompletionsAPI

    from model_wrappers.base.scripted import ScriptedLM


SCRIPT = {"left": ["Ships need room."] * 2, "right": ["Carts need a way."] * 2}


def likely(shares: dict[str, float]):
    """Probability of each number as an answer; letters all alike."""

    def likelihood(prompt: str, continuation: str) -> float:
        share = shares.get(continuation.strip(), 0.1)
        return math.log(share) if share else -math.inf

    return ScriptedLM(likelihood=likelihood)


def test_the_most_probable_number_is_picked_and_the_trace_says_how_probable(tmp_path) -> None:
    lm, base, _ = model(tmp_path, base=likely({"1": 0.1, "2": 0.3}), script=SCRIPT, selection="score")
    lm.loglikelihood(requests([doc("steerable")], "loglikelihood"))
    note = next(iter(lm.session.notes.values()))
    assert note["selected"] == "right"
    assert note["select_shares"] == pytest.approx([0.25, 0.75])
    assert "ferrymen" in note["select_prompt"]
    assert {kind for kind, _ in base.calls} == {"loglikelihood"}
    assert [args[1] for _, args in base.calls[:2]] == [" 1", " 2"]
    assert lm.session.fallbacks == {}


def test_a_router_is_scored_too_and_equal_prompts_once(tmp_path) -> None:
    lm, base, engine = model(
        tmp_path, base=likely({"1": 0.3, "2": 0.1}), script=SCRIPT, selection="score", method="moe"
    )
    documents = [doc("distributional"), doc("distributional")]
    lm.loglikelihood(requests(documents, "loglikelihood"))
    assert [request.community.name for request in engine.calls] == ["left"]
    assert [args[1] for _, args in base.calls if "Who should be asked?" in args[0]] == [" 1", " 2"]


def test_without_mass_on_any_number_one_is_drawn_and_counted(tmp_path) -> None:
    def chosen(seed: int) -> list[str]:
        base = likely({"1": 0.0, "2": 0.0})
        lm, _, _ = model(tmp_path, base=base, script=None, selection="score", seed=seed)
        lm.loglikelihood(requests([doc("steerable", number) for number in range(12)], "loglikelihood"))
        assert lm.session.fallbacks == {"selection": 12}
        return [note["selected"] for note in lm.session.notes.values()]

    assert chosen(1) == chosen(1)
    assert set(chosen(1)) == {"left", "right"}
    assert chosen(1) != chosen(2)


def test_chat_prompts_are_answered_without_a_space(tmp_path) -> None:
    lm, base, _ = model(tmp_path, base=likely({"1": 0.1, "2": 0.3}), script=SCRIPT, selection="score")
    asked = requests(
        [doc("steerable")],
        "loglikelihood",
        lambda d: lm.apply_chat_template([{"role": "user", "content": d["question"]}]),
    )
    lm.loglikelihood(asked)
    assert [args[1] for _, args in base.calls[:2]] == ["1", "2"]


@pytest.mark.parametrize(
    ("kind", "chosen", "selection"),
    [
        ("HFLM", "auto", "score"),
        ("ScriptedLM", "auto", "score"),
        ("LocalCompletionsAPI", "auto", "generate"),  # one request for each number
        ("LocalChatCompletion", "auto", "generate"),
        ("LocalCompletionsAPI", "score", "score"),
        ("HFLM", "generate", "generate"),
    ],
)
def test_who_scores(kind, chosen, selection) -> None:
    assert selection_of(globals()[kind], chosen) == selection


def test_a_run_says_how_it_picked(tmp_path) -> None:
    assert model(tmp_path, selection="auto")[0].describe()["selection"] == "score"
    assert model(tmp_path)[0].describe()["selection"] == "generate"
