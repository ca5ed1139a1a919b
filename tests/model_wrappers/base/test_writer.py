"""Texts by OpenVINO against the harness's own, on a tiny real model."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from model_wrappers.base.llm import BaseLLM
from tests.community_lms.tiny_models import save_adapter, save_model


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global torch, Instance, HFLM, writing, Writer, suits
    pytest.importorskip("openvino")
    import torch
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    from model_wrappers.base import writer as writing
    from model_wrappers.base.writer import Writer, suits


pytestmark = pytest.mark.usefixtures("own_cache")
PROMPTS = ["who decides", "we would rather not, because the well belongs to all of us", "?", "all " * 60]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("base"), seed=3)


@pytest.fixture(scope="module")
def base(folder):
    return HFLM(pretrained=folder, device="cpu", batch_size=3, dtype="float32")


@pytest.fixture
def transformers_refuses(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("transformers was asked")

    monkeypatch.setattr(HFLM, "_model_generate", refuse)


def asked(prompts, **settings) -> list[Instance]:
    settings = {"until": [], "max_gen_toks": 24, "do_sample": False, **settings}
    return [Instance("generate_until", {}, (prompt, dict(settings)), 0) for prompt in prompts]


@pytest.mark.parametrize("until", [[], ["e"], ["</s>", "th"], "\n\n"])
def test_texts_are_those_of_transformers(base, until, request) -> None:
    expected = base.generate_until(asked(PROMPTS, until=until), disable_tqdm=True)
    request.getfixturevalue("transformers_refuses")
    assert Writer(base).write(asked(PROMPTS, until=until)) == expected
    assert len(set(expected)) > 1


def test_a_text_ends_for_itself_where_it_has_to(base, monkeypatch) -> None:
    rows: list[int] = []
    (whole,) = Writer(base).write(asked(PROMPTS[:1]))
    writer = Writer(base)
    writer._prepared()
    call = type(writer._reader)._call
    monkeypatch.setattr(type(writer._reader), "_call", lambda *given: rows.append(len(given[1])) or call(*given))
    (short,) = writer.write(asked(PROMPTS[:1], until=[whole[6]]))
    assert whole.startswith(short + whole[6])
    assert len(rows) < 24


def test_the_base_llm_is_left_as_it_was(base) -> None:
    Writer(base).write(asked(PROMPTS[:1]))
    assert base._model_generate.__func__ is HFLM._model_generate
    assert base.batch_size == 3


def test_texts_are_written_together_whatever_the_batch_size_of_the_harness(base, monkeypatch) -> None:
    widths = []
    generate = Writer._generate

    def watched(self, context, *given, **rest):
        widths.append(len(context))
        return generate(self, context, *given, **rest)

    monkeypatch.setattr(Writer, "_generate", watched)
    Writer(base).write(asked(PROMPTS))
    assert widths == [4]


@pytest.mark.parametrize("settings", [{"do_sample": True, "temperature": 0.7}, {"repetition_penalty": 1.2}])
def test_other_decoding_is_left_to_transformers(base, settings) -> None:
    writer = Writer(base)
    torch.manual_seed(1)
    found = writer.write(asked(PROMPTS[:2], **settings))
    torch.manual_seed(1)
    assert found == base.generate_until(asked(PROMPTS[:2], **settings), disable_tqdm=True)
    assert writer.ready is None


def test_a_model_that_its_path_does_not_tell_is_left_to_transformers(folder, tmp_path, caplog) -> None:
    adapted = HFLM(pretrained=folder, peft=save_adapter(tmp_path, folder, 5, init_lora_weights=False), device="cpu")
    writer = Writer(adapted)
    found = writer.write(asked(PROMPTS))
    assert found == adapted.generate_until(asked(PROMPTS), disable_tqdm=True)
    assert writer.ready is False
    assert "its graph computes something else" in caplog.text


def test_a_model_that_cannot_be_traced_is_left_to_transformers(base, monkeypatch, caplog) -> None:
    def refuse(*_, **__):
        raise RuntimeError("it is made of stone")

    monkeypatch.setattr("community_lms.engines.openvino_graph.graph_of", refuse)
    assert Writer(base).write(asked(PROMPTS)) == base.generate_until(asked(PROMPTS), disable_tqdm=True)
    assert caplog.text.count("it is made of stone") == 1


def test_room_and_library_decide(base, monkeypatch) -> None:
    assert suits(base)
    with monkeypatch.context() as patched:
        patched.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=10_000))
        assert not suits(base)
    monkeypatch.setattr(writing, "find_spec", lambda _: None)
    assert not suits(base)


def test_the_user_can_leave_it_all_to_the_harness(base, monkeypatch) -> None:
    def refuse(*_):
        raise AssertionError("not asked for")

    monkeypatch.setattr(Writer, "write", refuse)
    monkeypatch.setattr("model_wrappers.base.scorer.Scorer.score", refuse)
    left = BaseLLM(base)
    left.leave_to_harness()
    expected = base.generate_until(asked(PROMPTS), disable_tqdm=True)
    assert left.ask("generate_until", asked(PROMPTS)) == expected
    pair = Instance("loglikelihood", {}, ("a", " b"), 0)
    assert left.ask("loglikelihood", [pair]) == base.loglikelihood([pair], disable_tqdm=True)
