"""A document whose options are shown in several orders."""

from typing import Any

import pytest

from model_wrappers.collaboration.query import read_queries
from tests.model_wrappers.helpers import doc, model


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global Instance, ScriptedLM
    from lm_eval.api.instance import Instance

    from model_wrappers.base.scripted import ScriptedLM


SCRIPT = {"left": ["Ships need room."], "right": ["Carts need a way."]}
ORDERS = ([0, 1, 2], [2, 1, 0])
ASKED = ["No", "Both", "Yes"]


def shuffled(mode: str, kind: str) -> list[Any]:
    """Requests as `plural_tasks.task.PluralTask` makes them."""
    plain = doc(mode)
    made: list[Any] = []
    for order in ORDERS:
        shown = {**plain, "options": [plain["options"][index] for index in order], "order": order, "asked": ASKED}
        prompt = f"Question: {shown['question']} {' '.join(shown['options'])}\nAnswer:"
        arguments = [(prompt, f" {label}") for label in shown["labels"]]
        if kind == "generate_until":
            arguments = [(prompt, {"until": []})]
        made += [Instance(kind, shown, pair, len(made) + place, ("t", 0, 1)) for place, pair in enumerate(arguments)]
    return made


def test_each_order_is_a_query_of_its_own_that_knows_what_communities_see() -> None:
    first, second = read_queries(shuffled("distributional", "loglikelihood"), mode=None, attribute=None)
    assert first.options == ("Yes", "No", "Both")
    assert second.options == ("Both", "No", "Yes")
    assert first.asked == second.asked == ("No", "Both", "Yes")
    assert second.positions == (3, 4, 5)


def test_communities_are_asked_once_and_see_one_order(tmp_path) -> None:
    lm, base, engine = model(tmp_path, script=SCRIPT)
    scores = lm.loglikelihood(shuffled("distributional", "loglikelihood"))
    assert len(scores) == 6
    assert [request.community.name for request in engine.calls] == ["left", "right"]
    for request in engine.calls:
        text = request.turns[-1][1]
        assert text.index("No") < text.index("Both") < text.index("Yes")
    prompts = list(dict.fromkeys(str(call[1][0]) for call in base.calls))
    assert [("Both No Yes" in prompt, "Yes No Both" in prompt) for prompt in prompts] == [
        *[(False, True)] * 2,
        *[(True, False)] * 2,
    ]


def test_the_message_is_selected_once_for_all_orders(tmp_path) -> None:
    lm, base, _ = model(tmp_path, base=ScriptedLM(replies=["2", "B", "C"]), script=SCRIPT)
    assert lm.generate_until(shuffled("steerable", "generate_until")) == ["B", "C"]
    selecting, *answering = (str(call[1][0]) for call in base.calls)
    assert "1. Ships need room.\n" in selecting
    assert "1. the left bank\n" in selecting
    assert len(answering) == 2
    assert all("Carts need a way." in prompt for prompt in answering)


def test_the_trace_says_how_options_were_shown(tmp_path) -> None:
    lm, _, _ = model(tmp_path, script=SCRIPT, method="vanilla", trace=str(tmp_path / "trace.jsonl"))
    lm.loglikelihood(shuffled("distributional", "loglikelihood"))
    import json

    records = [json.loads(line) for line in (tmp_path / "trace.jsonl").read_text().splitlines()]
    assert [record["order"] for record in records] == [list(order) for order in ORDERS]
    assert [record["options"] for record in records] == [["Yes", "No", "Both"], ["Both", "No", "Yes"]]
