"""Distributions that the base LLM states."""

from __future__ import annotations

import math

import pytest

from tests.model_wrappers.helpers import doc, model, requests


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global ScriptedLM
    from model_wrappers.base.scripted import ScriptedLM


def ask(tmp_path, replies, **arguments):
    base = ScriptedLM(replies=replies)
    lm, _, _ = model(tmp_path, base=base, **{"method": "vanilla", "elicitation": "verbalised", **arguments})
    results = lm.loglikelihood(requests([doc("distributional")], "loglikelihood"))
    return lm, base, [math.exp(value) for value, _ in results], next(iter(lm.session.notes.values()))


def test_stated_percentages_by_hand(tmp_path) -> None:
    lm, base, shares, note = ask(tmp_path, ["A. Yes: 50%\nB. No: 30%\nC. Both: 20%"])
    assert shares == pytest.approx([0.5, 0.3, 0.2])
    assert lm.session.fallbacks == {}
    assert note["elicited"] == [{"reply": "A. Yes: 50%\nB. No: 30%\nC. Both: 20%", "total": 100.0, "problems": []}]
    ((kind, (prompt, settings)),) = base.calls
    assert (kind, settings["do_sample"]) == ("generate_until", False)
    assert "Question: Should bridge 0 be built?" in prompt
    assert prompt.endswith("A. Yes: …%\nB. No: …%\nC. Both: …%")


@pytest.mark.parametrize(
    ("reply", "shares", "fallbacks"),
    [
        ("A: 60%\nB: 40%\nC: 20%", [0.5, 1 / 3, 1 / 6], {"stated_off_sum": 1}),  # 120: mass 1
        ("A: 30%\nB: 20%\nC: 10%", [0.3, 0.2, 0.1], {"stated_off_sum": 1}),  # shares of 60, mass .6
        ("A: 60%\nB: 40%", [0.6, 0.4, 0.0], {"stated_missing": 1}),
        ("A: 60%\nB: 10%", [0, 0, 0], {"stated_missing": 1, "stated_off_sum": 1, "no_mass": 1}),
        ("A: 110%\nB: -10%\nC: 0%", [0, 0, 0], {"stated_negative": 1, "no_mass": 1}),
        ("A: 50%\nA: 40%\nB: 30%\nC: 20%", [0, 0, 0], {"stated_conflicting": 1, "no_mass": 1}),
        ("A: 0.5\nB: 0.3\nC: 0.2", [0.5, 0.3, 0.2], {"stated_fractions": 1}),
        ("Mostly yes.", [0, 0, 0], {"unparsed": 1, "no_mass": 1}),
        ("I cannot give percentages.", [0, 0, 0], {"refusal": 1, "no_mass": 1}),
    ],
)
def test_what_is_inconsistent_is_counted_and_never_guessed(tmp_path, reply, shares, fallbacks) -> None:
    lm, _, found, _ = ask(tmp_path, [reply])
    assert found == pytest.approx(shares)
    assert lm.session.fallbacks == fallbacks


def test_communities_prompts_stand_in_the_template_and_are_mixed(tmp_path) -> None:
    def reply(prompt: str) -> str:
        return "A: 80%\nB: 20%\nC: 0%" if "left speaks" in prompt else "A: 20%\nB: 40%\nC: 40%"

    lm, base, shares, note = ask(
        tmp_path, reply, method="modplural", weights="3+1", script={"left": ["left speaks"], "right": ["right speaks"]}
    )
    # .75 x (.8, .2, 0) + .25 x (.2, .4, .4)
    assert shares == pytest.approx([0.65, 0.25, 0.1])
    assert [row["community"] for row in note["distributions"]] == ["left", "right"]
    assert all("left speaks" in args[0] or "right speaks" in args[0] for _, args in base.calls)
    assert lm.session.fallbacks == {}


def test_a_reply_that_is_of_no_use_leaves_its_community_out(tmp_path) -> None:
    def reply(prompt: str) -> str:
        return "A: 80%\nB: 20%\nC: 0%" if "left speaks" in prompt else "No idea."

    lm, _, shares, _ = ask(
        tmp_path, reply, method="modplural", script={"left": ["left speaks"], "right": ["right speaks"]}
    )
    # Shares of left alone, mean mass 1/2.
    assert shares == pytest.approx([0.4, 0.1, 0.0])
    assert lm.session.fallbacks == {"unparsed": 1}


def test_chat_turns_survive_the_template(tmp_path) -> None:
    base = ScriptedLM(replies=["A: 50%\nB: 30%\nC: 20%"])
    lm, _, _ = model(tmp_path, base=base, method="vanilla", elicitation="verbalised")
    history = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Build it?"}]
    lm.loglikelihood(requests([doc("distributional")], "loglikelihood", lambda _: lm.apply_chat_template(history)))
    ((_, (prompt, _)),) = base.calls
    assert prompt.startswith("<system> Be brief.\n<user> You will be shown")
    assert "Build it?" in prompt
    assert prompt.endswith("C. Both: …%\n<assistant> ")
