"""The table of abilities against every backend that the harness has registered."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from functools import cache
from typing import Any

import pytest

from community_lms.remote.abilities import BACKENDS, FROM_PRETRAINED_ARGUMENTS, Abilities, abilities_of
from tests.every import every

pytest.importorskip("tenacity", reason="the harness's API backends need lm_eval[api]")


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global get_model, model_registry, TemplateAPI, HFLM, LocalChatCompletion, LocalCompletionsAPI, OpenAICompletionsAPI
    import lm_eval.models  # noqa: F401  (fills the registry)
    from lm_eval.api.registry import get_model, model_registry
    from lm_eval.models.api_models import TemplateAPI
    from lm_eval.models.huggingface import HFLM
    from lm_eval.models.openai_completions import LocalChatCompletion, LocalCompletionsAPI, OpenAICompletionsAPI


@cache
def registered() -> tuple[list[Any], set[str]]:
    """Classes of the registry that import here, and the class names of all others."""
    classes, names = {}, set()
    for name in sorted(model_registry.keys()):
        place = vars(model_registry)["_objs"][name]  # ``module:class`` until it is imported
        try:
            kind = get_model(name)
        except Exception:  # whatever a missing package, or one of another version, raises
            names.add(str(place).rpartition(":")[2])
            continue
        if kind.__module__.startswith("lm_eval."):
            classes[kind] = None
    return list(classes), names


def named(base: type = object) -> list[tuple[str, type]]:
    """Registered classes below ``base``, by name."""
    return [(kind.__name__, kind) for kind in registered()[0] if issubclass(kind, base)]


def owner(kind: type, name: str) -> type:
    return next(ancestor for ancestor in inspect.getmro(kind) if name in vars(ancestor))


def only_raises(kind: Any, name: str) -> bool:
    """Whether a method's first statement is ``raise``."""
    function = ast.parse(textwrap.dedent(inspect.getsource(getattr(kind, name)))).body[0]
    assert isinstance(function, ast.FunctionDef)
    steps = [
        step for step in function.body if not (isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant))
    ]
    return isinstance(steps[0], ast.Raise)


def payload(kind: Any, prompt: Any) -> dict[str, Any]:
    """Body of a generating request with a seed among its settings."""
    client = object.__new__(kind)
    client.model, client._max_gen_toks = "m", 8
    made: dict[str, Any] = client._create_payload(prompt, generate=True, gen_kwargs={}, seed=7, eos="x")
    return made


def test_the_registry_is_in_the_table() -> None:
    classes, absent = registered()
    missing = {kind.__name__ for kind in classes} | absent - {"ModPluralLM"}
    assert missing - BACKENDS.keys() == set()
    assert len(classes) >= 20


def test_what_a_backend_really_does() -> None:
    every(named(), check_backend)


def check_backend(kind: Any) -> None:
    able = abilities_of(kind)
    assert able is BACKENDS[kind.__name__]
    assert able.is_api is issubclass(kind, TemplateAPI)
    kept = able.is_api and all(owner(kind, name) is TemplateAPI for name in ("generate_until", "_loglikelihood_tokens"))
    assert able.asked_here is kept
    assert able.openai_chat is issubclass(kind, LocalChatCompletion)
    assert (able.library == "transformers") is issubclass(kind, HFLM)
    if able.scored_models is None:
        assert able.scores is not only_raises(kind, "loglikelihood")


def test_what_an_api_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    every(named(TemplateAPI), lambda kind: check_body(kind, monkeypatch))


def check_body(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    able = abilities_of(kind)
    prompt = [{"role": "user", "content": "why?"}] if able.chats_only else "why?"
    body = payload(kind, prompt)
    assert ("messages" in body) is able.chats_only
    if kind.__name__ != "SGLANGGENERATEAPI":  # its settings, a seed among them, are passed on as they are
        assert ("seed" in body) is able.takes_seeds
    assert able.draws_itself
    monkeypatch.delenv(able.key_variable, raising=False)
    if able.chats_only and "api_key" in vars(kind) and kind.__name__ != "LiteLLMChatCompletion":
        with pytest.raises(ValueError, match=able.key_variable):
            _ = kind.api_key.func(object.__new__(kind))


@pytest.mark.parametrize(("model", "able"), [("davinci-002", True), ("gpt-3.5-turbo-instruct", False)])
def test_models_that_alone_are_scored(model: str, able: bool) -> None:
    """OpenAI's client refuses others, so that its method does not only raise."""
    client = object.__new__(OpenAICompletionsAPI)
    client.model = model
    assert abilities_of(OpenAICompletionsAPI).scores_model(model) is able
    if not able:
        with pytest.raises(AssertionError):
            client.loglikelihood([])


class TestUnknownClasses:
    def test_can_do_what_their_nearest_ancestor_can(self) -> None:
        assert abilities_of(type("Mine", (HFLM,), {})) == BACKENDS["HFLM"]
        assert abilities_of(type("Mine", (OpenAICompletionsAPI,), {})).scored_models == ("babbage-002", "davinci-002")

    @pytest.mark.parametrize("method", ["generate_until", "_loglikelihood_tokens"])
    def test_are_left_to_the_harness_where_they_ask_in_another_way(self, method: str) -> None:
        mine = type("Mine", (LocalCompletionsAPI,), {method: lambda self: []})
        assert not abilities_of(mine).asked_here
        assert abilities_of(type("Mine", (mine,), {})).is_api

    def test_score_where_they_have_a_method_for_it(self) -> None:
        assert abilities_of(type("Mine", (LocalChatCompletion,), {"loglikelihood": lambda self: []})).scores
        assert not abilities_of(type("Mine", (LocalChatCompletion,), {})).scores
        assert abilities_of(type("Mine", (), {"loglikelihood": lambda self: []})) == Abilities(scores=True)
        assert abilities_of(object) == Abilities()

    def test_may_say_themselves_what_they_can_do(self) -> None:
        mine = type("Mine", (HFLM,), {"abilities": Abilities(), "loglikelihood": lambda self: []})
        assert abilities_of(mine) == abilities_of(type("Other", (mine,), {})) == Abilities()


def test_arguments_of_transformers_are_known() -> None:
    from transformers import PreTrainedModel

    taken = set(re.findall(r"kwargs\.pop\(\s*\"(\w+)\"", inspect.getsource(PreTrainedModel.from_pretrained)))
    assert taken - set(FROM_PRETRAINED_ARGUMENTS) == set()
    assert len(taken) > 15
    assert list(FROM_PRETRAINED_ARGUMENTS) == sorted(set(FROM_PRETRAINED_ARGUMENTS))
