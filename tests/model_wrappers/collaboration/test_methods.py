"""What each method puts before the base LLM."""

from __future__ import annotations

import pytest

from model_wrappers.collaboration.selection import parse_number
from plural_tasks.utils.errors import ModPluralError
from tests.model_wrappers.helpers import doc, model, requests


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global ScriptedLM
    from model_wrappers.base.scripted import ScriptedLM


SCRIPT = {"left": ["Ships need room."], "right": ["Carts need a way."]}
CONTEXT = "Question: Should bridge 0 be built?\nAnswer:"


def final_prompt(base: ScriptedLM) -> str:
    return str(base.calls[-1][1][0])


def test_vanilla_passes_the_prompt_on_untouched(tmp_path) -> None:
    lm, base, engine = model(tmp_path, method="vanilla")
    lm.generate_until(requests([doc("overton")], "generate_until"))
    assert base.calls == [("generate_until", (CONTEXT, {"until": ["\n"], "max_gen_toks": 5}))]
    assert engine.calls == []


def test_prompting_tells_the_attribute_and_asks_nobody(tmp_path) -> None:
    lm, base, engine = model(tmp_path, method="prompting")
    lm.generate_until(requests([doc("steerable")], "generate_until"))
    assert "ferrymen" in final_prompt(base)
    assert final_prompt(base).endswith(CONTEXT)
    assert engine.calls == []


def test_moe_asks_only_the_community_that_was_picked(tmp_path) -> None:
    lm, base, engine = model(tmp_path, base=ScriptedLM(replies=["2", "Yes."]), script=SCRIPT, method="moe")
    assert lm.generate_until(requests([doc("overton")], "generate_until")) == ["Yes."]
    routing = base.calls[0][1][0]
    assert "1. the left bank" in routing
    assert "2. the right bank" in routing
    assert [request.community.name for request in engine.calls] == ["right"]
    assert "Carts need a way." in final_prompt(base)
    assert "Ships need room." not in final_prompt(base)


def test_overton_synthesises_every_message_in_the_pools_order(tmp_path) -> None:
    lm, base, _ = model(tmp_path, base=ScriptedLM(replies=["Both."]), script=SCRIPT)
    assert lm.generate_until(requests([doc("overton")], "generate_until")) == ["Both."]
    prompt = final_prompt(base)
    assert len(base.calls) == 1
    assert prompt.index("Ships need room.") < prompt.index("Carts need a way.") < prompt.index(CONTEXT)


def test_steerable_selects_by_attribute_then_answers_with_that_message(tmp_path) -> None:
    lm, base, _ = model(tmp_path, base=ScriptedLM(replies=["2", "B"]), script=SCRIPT)
    assert lm.generate_until(requests([doc("steerable")], "generate_until")) == ["B"]
    selecting, answering = (call[1][0] for call in base.calls)
    assert "1. Ships need room.\n" in selecting
    assert "1. the left bank\n" in selecting
    assert "2. Carts need a way.\n" in selecting
    assert "2. the right bank\n" in selecting
    assert "ferrymen" in selecting
    assert "Carts need a way." in answering
    assert "Ships need room." not in answering
    assert answering.endswith(CONTEXT)


def test_distributional_answers_once_for_each_message(tmp_path) -> None:
    lm, base, _ = model(tmp_path, script=SCRIPT)
    lm.loglikelihood(requests([doc("distributional")], "loglikelihood"))
    prompts = list(dict.fromkeys(call[1][0] for call in base.calls))
    assert len(prompts) == 2
    assert len(base.calls) == 6
    assert "Ships need room." in prompts[0]
    assert "Carts need a way." in prompts[1]


def test_a_selection_that_cannot_be_read_is_drawn_seeded_and_counted(tmp_path) -> None:
    def chosen(seed: int) -> list[str]:
        lm, _base, _ = model(tmp_path, base=ScriptedLM(replies=lambda prompt: "I cannot say."), seed=seed)
        lm.generate_until(requests([doc("steerable", number) for number in range(12)], "generate_until"))
        assert lm.session.fallbacks == {"selection": 12}
        return [note["selected"] for note in lm.session.notes.values()]

    first = chosen(1)
    assert first == chosen(1)
    assert set(first) == {"left", "right"}
    assert first != chosen(2)


def test_an_empty_message_is_counted_and_its_weight_goes_to_the_others(tmp_path) -> None:
    lm, base, _ = model(tmp_path, script={"left": [""], "right": ["Carts need a way."]}, weights="9+1")
    lm.loglikelihood(requests([doc("distributional")], "loglikelihood"))
    assert lm.session.fallbacks == {"empty_message": 1}
    assert {call[1][0] for call in base.calls} == {base.calls[0][1][0]}
    assert next(iter(lm.session.notes.values()))["weights"] == {"right": 1.0}


@pytest.mark.parametrize("method", ["moe", "modplural"])
def test_without_any_message_the_query_is_answered_as_vanilla_would(tmp_path, method) -> None:
    lm, base, _ = model(tmp_path, script={"left": [""], "right": [""]}, method=method)
    lm.generate_until(requests([doc("overton")], "generate_until"))
    assert final_prompt(base) == CONTEXT
    assert lm.session.fallbacks["no_message"] == 1


@pytest.mark.parametrize("method", ["prompting", "modplural"])
def test_steering_without_an_attribute_is_an_error_before_anyone_is_asked(tmp_path, method) -> None:
    lm, base, engine = model(tmp_path, method=method)
    documents = [doc("overton"), doc("steerable", attribute="")]
    with pytest.raises(ModPluralError, match=r"task 'task_steerable', document 1.*'attribute'"):
        lm.generate_until(requests(documents, "generate_until"))
    assert base.calls == []
    assert engine.calls == []


def test_the_users_attribute_and_mode_take_the_place_of_the_documents(tmp_path) -> None:
    lm, base, _ = model(tmp_path, method="prompting", mode="steerable", attribute="swimmers")
    lm.generate_until(requests([doc("overton")], "generate_until"))
    assert "swimmers" in final_prompt(base)


def test_a_task_without_a_mode_is_an_error_that_says_what_to_give(tmp_path) -> None:
    lm, _, _ = model(tmp_path)
    asked = requests([doc("overton")], "generate_until")
    asked[0].doc = {"text": "no mode here"}
    with pytest.raises(ModPluralError, match=r"task 'task_overton'.*mode=overton\|steerable\|distributional"):
        lm.generate_until(asked)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("2", 2),
        (" 3.", 3),
        ("(1) because", 1),
        ("Number 2", 2),
        ("The answer is: 3", 3),
        ("#2", 2),
        ("**2**", 2),
        ("2. I would choose 2 over 1", 2),
        ("1. People of faith\n2. People of", None),
        ("1 or 2", 1),
        ("either 1 or 2", None),
        ("7", None),
        ("11", None),
        ("7, no: 2", 2),
        ("none", None),
        ("", None),
    ],
)
def test_parse_number(reply, expected) -> None:
    assert parse_number(reply, 3) == expected


def test_a_persona_speaks_as_the_system_turn(tmp_path) -> None:
    lm, _, engine = model(tmp_path)
    lm.generate_until(requests([doc("overton")], "generate_until"))
    turns = [request.turns for request in engine.calls]
    assert [turn[0] for turn in turns] == [
        ("system", "You live on the left bank."),
        ("system", "You live on the right bank."),
    ]
    assert all(asked[0] == "user" and "Should bridge 0 be built?" in asked[1] for _, asked in turns)


def test_communities_are_asked_one_after_the_other_over_all_modes(tmp_path) -> None:
    lm, _, engine = model(tmp_path)
    lm.loglikelihood(requests([doc("overton"), doc("steerable", 1), doc("distributional", 2)], "loglikelihood"))
    assert [request.community.name for request in engine.calls] == ["left"] * 3 + ["right"] * 3


def test_the_base_llm_never_gets_a_document(tmp_path) -> None:
    class Curious(ScriptedLM):
        documents: list = []  # noqa: RUF012

        def generate_until(self, requests, disable_tqdm=False):
            self.documents.extend(request.doc for request in requests)
            return super().generate_until(requests)

        def loglikelihood(self, requests, disable_tqdm=False):
            self.documents.extend(request.doc for request in requests)
            return super().loglikelihood(requests)

    lm, base, _ = model(tmp_path, base=Curious())
    lm.generate_until(requests([doc("steerable")], "generate_until"))
    lm.loglikelihood(requests([doc("distributional")], "loglikelihood"))
    assert len(base.documents) == 8
    assert base.documents == [{}] * 8
