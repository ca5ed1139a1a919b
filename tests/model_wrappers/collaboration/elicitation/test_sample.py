"""Distributions from counted answers."""

from __future__ import annotations

import math

import pytest

from model_wrappers.collaboration.elicitation.drawing import Draw, write
from plural_tasks.metrics.montecarlo import js_error, replicates, smoothed
from tests.model_wrappers.helpers import doc, model, requests


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global ScriptedLM
    from model_wrappers.base.scripted import ScriptedLM


def shares(results) -> list[float]:
    return [math.exp(value) for value, _ in results]


def vanilla(tmp_path, replies, **arguments):
    base = ScriptedLM(replies=replies)
    settings = {"method": "vanilla", "elicitation": "sample", "elicitation_samples": len(replies), **arguments}
    return model(tmp_path, base=base, **settings)[:2]


def test_counted_answers_by_hand(tmp_path) -> None:
    replies = [
        "A",
        "B. No",
        "Yes",
        "the answer is A",
        "It depends.",
        "I cannot answer that.",
        "(A) or (B)",
        "",
        "A",
        "A",
    ]
    lm, base = vanilla(tmp_path, replies)
    results = lm.loglikelihood(requests([doc("distributional")], "loglikelihood"))
    # A 5, B 1, C 0 of 6 that are read: (5.5, 1.5, .5) / 7.5; mass 6 / 10.
    assert shares(results) == pytest.approx([5.5 / 7.5 * 0.6, 1.5 / 7.5 * 0.6, 0.5 / 7.5 * 0.6])
    note = next(iter(lm.session.notes.values()))
    assert note["elicitation"] == "sample"
    assert note["distribution"] == pytest.approx([5.5 / 7.5, 1.5 / 7.5, 0.5 / 7.5])
    assert note["option_mass"] == pytest.approx(0.6)
    assert note["elicited"][0]["counts"] == [5, 1, 0]
    assert note["elicited"][0]["replies"] == replies
    kinds = {"empty_answer": 1, "refusal": 1, "several_options": 1, "unparsed": 1}
    assert lm.session.fallbacks == kinds
    assert {kind: note["elicited"][0][kind] for kind in kinds} == kinds
    settings = [arguments[1] for _, arguments in base.calls]
    assert all(one["temperature"] == 1.0 and one["do_sample"] for one in settings)
    assert [kind for kind, _ in base.calls] == ["generate_until"] * 10


def test_the_error_of_one_prompt_is_reported_and_seeded(tmp_path) -> None:
    def error(seed: int) -> float:
        lm, _ = vanilla(tmp_path, ["A"] * 6 + ["B"] * 2, seed=seed)
        lm.loglikelihood(requests([doc("distributional")], "loglikelihood"))
        note = next(iter(lm.session.notes.values()))
        assert note["error"] == pytest.approx(note["elicited"][0]["error"])
        return note["error"]

    expected = js_error(smoothed([6, 2, 0], 0.5), replicates([6, 2, 0], 0.5, 7))
    assert error(1) == error(1)
    assert error(1) != error(2)
    assert error(1) == pytest.approx(expected, rel=0.15)


def test_without_a_readable_answer_nothing_stands_in(tmp_path) -> None:
    lm, _ = vanilla(tmp_path, ["It depends."] * 4)
    results = lm.loglikelihood(requests([doc("distributional")], "loglikelihood"))
    assert shares(results) == [0.0, 0.0, 0.0]
    assert lm.session.fallbacks == {"unparsed": 4, "no_mass": 1}
    assert list(lm.describe()["drawn"].values()) == [{"0": [[]]}]
    note = next(iter(lm.session.notes.values()))
    assert "error" not in note
    assert note["elicited"][0]["error"] is None


def test_smoothing_is_the_users(tmp_path) -> None:
    lm, _ = vanilla(tmp_path, ["A", "A", "A", "B"], elicitation_smoothing=0)
    results = lm.loglikelihood(requests([doc("distributional")], "loglikelihood"))
    assert shares(results) == pytest.approx([0.75, 0.25, 0.0])
    assert lm.describe()["elicitation"] == {
        "chosen": "sample",
        "route": "sample",
        "because": "it was asked for",
        "samples": 4,
        "smoothing": 0.0,
        "error": None,
    }


@pytest.mark.parametrize(("bound", "drawn"), [(0.2, 10), (0.9, 5), (0.001, 20)])
def test_no_more_is_drawn_when_the_error_is_below_the_bound(tmp_path, bound, drawn) -> None:
    lm, base = vanilla(tmp_path, ["A", "A", "B", "A", "C"] * 4, elicitation_error=bound)
    lm.loglikelihood(requests([doc("distributional")], "loglikelihood"))
    # The error of (3, 1, 1) is about .24, that of (6, 2, 2) about .18.
    assert len(base.calls) == drawn
    note = next(iter(lm.session.notes.values()))
    assert note["elicited"][0]["n"] == drawn
    assert (note["error"] < bound) == (drawn < 20)


def test_answers_that_cannot_be_read_never_end_the_drawing(tmp_path) -> None:
    lm, base = vanilla(tmp_path, ["?"] * 10, elicitation_error=0.9)
    lm.loglikelihood(requests([doc("distributional")], "loglikelihood"))
    assert len(base.calls) == 10


def test_prompts_of_communities_are_mixed_in_probability_space(tmp_path) -> None:
    def reply(prompt: str) -> str:
        return "A" if "left speaks" in prompt else "B"

    lm, _, _ = model(
        tmp_path,
        base=ScriptedLM(replies=reply),
        script={"left": ["left speaks"], "right": ["right speaks"]},
        weights="3+1",
        elicitation="sample",
        elicitation_samples=4,
    )
    results = lm.loglikelihood(requests([doc("distributional")], "loglikelihood"))
    # left: (4.5, .5, .5) / 5.5; right: (.5, 4.5, .5) / 5.5; .75 and .25: (3.5, 1.5, .5) / 5.5; all answers are read.
    assert shares(results) == pytest.approx([3.5 / 5.5, 1.5 / 5.5, 0.5 / 5.5])
    note = next(iter(lm.session.notes.values()))
    assert [one["counts"] for one in note["elicited"]] == [[4, 0, 0], [0, 4, 0]]
    one = [each["error"] for each in note["elicited"]]
    assert 0 < note["error"] < max(one)  # independent errors partly cancel
    prompts = [{"weight": 0.75, "counts": [4, 0, 0]}, {"weight": 0.25, "counts": [0, 4, 0]}]
    assert lm.describe()["drawn"] == {"task_distributional": {"0": [prompts]}}


def test_every_sample_of_every_prompt_has_a_seed_of_its_own(tmp_path, monkeypatch) -> None:
    seen: list[list[Draw]] = []
    monkeypatch.setattr(
        "model_wrappers.collaboration.elicitation.sample.write",
        lambda draws, base: seen.append(draws) or write(draws, base),
    )

    def seeds(documents, **arguments) -> list[int]:
        seen.clear()
        lm, _, _ = model(tmp_path, elicitation="sample", elicitation_samples=3, **arguments)
        lm.loglikelihood(requests(documents, "loglikelihood"))
        return [draw.seed for draws in seen for draw in draws]

    both = seeds([doc("distributional", 0), doc("distributional", 1)])
    assert len(set(both)) == len(both) == 2 * 2 * 3
    assert seeds([doc("distributional", 1)]) == both[6:]  # whatever else is asked
    assert not set(seeds([doc("distributional", 1)], seed=77)) & set(both)


def test_a_model_in_this_process_draws_by_document_and_sample_alone(tmp_path) -> None:
    torch = pytest.importorskip("torch")

    class Drawing(ScriptedLM):
        def generate_until(self, requests, disable_tqdm=False):
            super().generate_until(requests)
            return ["ABC"[int(torch.randint(3, (1,)))] for _ in requests]

    def counts(documents) -> list[list[int]]:
        lm, _, _ = model(tmp_path, base=Drawing(), elicitation="sample", elicitation_samples=12, seed=1)
        lm.loglikelihood(requests(documents, "loglikelihood"))
        return [one["counts"] for note in lm.session.notes.values() for one in note["elicited"]]

    torch.manual_seed(5)
    state = torch.get_rng_state()
    both = counts([doc("distributional", 0), doc("distributional", 1)])
    assert torch.equal(torch.get_rng_state(), state)  # the user's random numbers go on as if nothing had been drawn
    torch.manual_seed(6)
    assert counts([doc("distributional", 1)]) == both[2:]
    assert all(max(one) < 12 for one in both)  # twelve draws, not one draw twelve times
