"""What every route does alike, and how one is picked."""

from __future__ import annotations

import itertools
import math

import pytest

from community_lms.remote.abilities import abilities_of
from model_wrappers.arguments import Arguments
from model_wrappers.base.llm import BaseLLM
from model_wrappers.collaboration.elicitation import AUTO, ROUTES, Job, choose, drawing
from model_wrappers.collaboration.methods import METHODS
from model_wrappers.collaboration.prompts import load_prompts
from model_wrappers.collaboration.query import read_queries
from model_wrappers.collaboration.session import Weighted
from plural_tasks.utils.errors import ModPluralError
from tests.model_wrappers.helpers import doc, model, requests


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global AnthropicChat, HFLM, LocalChatCompletion, LocalCompletionsAPI, OpenAIChatCompletion, OpenAICompletionsAPI
    global ScriptedLM, NoScores
    from lm_eval.models.anthropic_llms import AnthropicChat
    from lm_eval.models.huggingface import HFLM
    from lm_eval.models.openai_completions import (
        LocalChatCompletion,
        LocalCompletionsAPI,
        OpenAIChatCompletion,
        OpenAICompletionsAPI,
    )

    from model_wrappers.base.scripted import ScriptedLM
    from tests.model_wrappers.lms import NoScores


LIKELY = {"A": 0.5, "B": 0.3, "C": 0.2}
STATED = "A: 50%\nB: 30%\nC: 20%"


def base(route: str) -> ScriptedLM:
    """A base LLM of which every route gets (.5, .3, .2)."""
    said = itertools.cycle("AABABACABC" if route == "sample" else [STATED])
    return ScriptedLM(
        replies=lambda _: next(said), likelihood=lambda _, continuation: math.log(LIKELY.get(continuation.strip(), 0.1))
    )


def asked(tmp_path, route, **arguments):
    return model(
        tmp_path,
        base=base(route),
        elicitation=route,
        elicitation_samples=10,
        elicitation_smoothing=0.0,
        selection="score",
        **arguments,
    )


def test_the_registry_holds_what_the_argument_takes() -> None:
    assert all(route.name == name for name, route in ROUTES.items())
    choices = Arguments.model_json_schema()["properties"]["elicitation"]["enum"]
    assert sorted(choices) == sorted([AUTO, *ROUTES])


@pytest.mark.parametrize(
    ("route", "method"), itertools.product(ROUTES, [name for name in METHODS if name in ("vanilla", "prompting")])
)
def test_every_route_gives_the_same_figures_of_the_same_model(tmp_path, route, method) -> None:
    lm, _, _ = asked(tmp_path, route, method=method)
    results = lm.loglikelihood(requests([doc("distributional")], "loglikelihood"))
    assert [math.exp(value) for value, _ in results] == pytest.approx([0.5, 0.3, 0.2])
    note = next(iter(lm.session.notes.values()))
    assert note["distribution"] == pytest.approx([0.5, 0.3, 0.2])
    assert note["option_mass"] == pytest.approx(1.0)
    assert note["elicitation"] == lm.describe()["elicitation"]["route"] == route
    assert lm.session.fallbacks == {}


@pytest.mark.parametrize(
    ("route", "method", "mode"), itertools.product(ROUTES, METHODS, ("steerable", "distributional"))
)
def test_one_result_for_each_request_whatever_is_asked_for(tmp_path, route, method, mode) -> None:
    made = requests([doc(mode, 0), doc(mode, 1)], "loglikelihood")
    before = [(request.args, dict(request.doc), request.idx) for request in made]
    lm, _, _ = asked(tmp_path, route, method=method)
    results = lm.loglikelihood(made)
    assert len(results) == len(made)
    assert all(isinstance(value, float) and value <= 1e-12 for value, _ in results)
    assert [(request.args, request.doc, request.idx) for request in made] == before
    alone = asked(tmp_path, route, method=method)[0].loglikelihood(made[2:3])
    if route != "sample" or method != "modplural":  # two prompts share the cycle of replies
        assert alone[0][0] == pytest.approx(results[2][0])
    assert lm.loglikelihood([]) == []


@pytest.mark.parametrize(("route", "method"), itertools.product(ROUTES, METHODS))
def test_shuffling_the_gold_changes_no_prompt(tmp_path, route, method) -> None:
    seen = []
    for changes in ({}, {"gold": [2], "target": 2, "gold_distribution": [0.0, 0.1, 0.9]}):
        lm, spoken, _ = asked(tmp_path, route, method=method)
        lm.loglikelihood(requests([doc("distributional", **changes)], "loglikelihood"))
        seen.append(spoken.calls)
    assert seen[0] == seen[1]


@pytest.mark.parametrize("route", ["sample", "verbalised"])
def test_options_that_no_document_declares_are_a_clear_error(tmp_path, route) -> None:
    made = requests([doc("distributional")], "loglikelihood")
    for request in made:
        request.doc = {"query": "Bridge?", "choices": ["A", "B"]}
    lm, spoken, _ = asked(tmp_path, route, method="vanilla", mode="distributional")
    message = rf"task 'task_distributional', document 0: elicitation={route} needs options .* 'A', 'B', 'C'.*=logprob"
    with pytest.raises(ModPluralError, match=message):
        lm.loglikelihood(made)
    assert spoken.calls == []


@pytest.mark.parametrize("route", ["sample", "verbalised"])
def test_two_options_of_one_text_are_a_clear_error(tmp_path, route) -> None:
    document = doc("distributional", options=["Yes", "Yes", "No"], labels=["Yes", "Yes", "No"])
    lm, _, _ = asked(tmp_path, route, method="vanilla")
    with pytest.raises(ModPluralError, match="two of them are the same"):
        lm.loglikelihood(requests([document], "loglikelihood"))


@pytest.mark.parametrize("route", ROUTES)
def test_options_may_be_asked_for_by_text(tmp_path, route) -> None:
    document = doc("distributional", labels=["Yes", "No", "Both"])
    lm, spoken, _ = asked(tmp_path, route, method="vanilla")
    spoken._likelihood = lambda _, text: math.log({" Yes": 0.5, " No": 0.3, " Both": 0.2}[text])
    results = lm.loglikelihood(requests([document], "loglikelihood"))
    assert [math.exp(value) for value, _ in results] == pytest.approx([0.5, 0.3, 0.2])


@pytest.mark.parametrize(
    ("kind", "model_name", "able"),
    [
        ("HFLM", None, True),
        ("ScriptedLM", None, True),
        ("LocalCompletionsAPI", "any", True),
        ("LocalChatCompletion", "any", False),
        ("OpenAIChatCompletion", "any", False),
        ("OpenAICompletionsAPI", "davinci-002", True),
        ("OpenAICompletionsAPI", "gpt-3.5-turbo-instruct", False),
        ("NoScores", None, False),
    ],
)
def test_who_gives_log_likelihoods(kind, model_name, able) -> None:
    assert abilities_of(globals()[kind]).scores_model(model_name) is able


def test_auto_scores_where_it_can_and_samples_where_it_cannot(tmp_path) -> None:
    assert choose(BaseLLM(ScriptedLM())) == ("logprob", "ScriptedLM gives log-likelihoods")
    assert choose(BaseLLM(NoScores())) == ("sample", "NoScores gives no log-likelihoods")
    lm, spoken, _ = model(tmp_path, base=NoScores(replies=lambda _: "B"), elicitation_samples=4, method="vanilla")
    assert lm.describe()["elicitation"] == {"chosen": "auto", "route": None, "because": None}
    results = lm.loglikelihood(requests([doc("distributional")], "loglikelihood"))
    assert [math.exp(value) for value, _ in results] == pytest.approx([0.5 / 5.5, 4.5 / 5.5, 0.5 / 5.5])
    told = lm.describe()["elicitation"]
    assert (told["route"], told["because"]) == ("sample", "NoScores gives no log-likelihoods")
    assert len(spoken.calls) == 4


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"elicitation": "ask"}, r"field 'elicitation'.*'auto', 'logprob', 'sample' or 'verbalised'"),
        ({"elicitation_samples": 0}, "elicitation_samples"),
        ({"elicitation_smoothing": -1}, "elicitation_smoothing"),
        ({"elicitation_error": 0}, "elicitation_error"),
    ],
)
def test_settings_that_mean_nothing_are_refused(tmp_path, given, message) -> None:
    with pytest.raises(ModPluralError, match=message):
        model(tmp_path, **given)


def test_a_prompt_set_of_an_earlier_release_states_in_the_default_wording(tmp_path) -> None:
    import yaml

    default = load_prompts("default")
    data = {name: text for name, text in default.model_dump().items() if name != "verbalise"}
    path = tmp_path / "old.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    assert load_prompts(str(path)).verbalise == default.verbalise


@pytest.mark.parametrize(("kind", "seeded"), [("LocalChatCompletion", True), ("AnthropicChat", False)])
def test_a_draw_has_a_seed_where_the_server_takes_one(monkeypatch, kind, seeded) -> None:
    asked: list = []
    monkeypatch.setattr(BaseLLM, "write", lambda base, instances: asked.extend(instances) or ["A"] * len(instances))
    made = requests([doc("distributional")], "loglikelihood")
    (query,) = read_queries(made, mode=None, attribute=None)
    job = Job(query, Weighted("prompt"), 0, (" A", " B"), True, made[0])
    drawing.write([drawing.Draw(job, 0, 11), drawing.Draw(job, 1, 12)], BaseLLM(object.__new__(globals()[kind])))
    assert [one.args[1].get("seed") for one in asked] == ([11, 12] if seeded else [None, None])
    assert [one.purpose["sample"] for one in asked] == [11, 12]  # and is known by it in the answer store
