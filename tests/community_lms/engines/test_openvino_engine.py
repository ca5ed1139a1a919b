"""What is particular to OpenVINO: what it leaves to transformers, its graphs, and messages that have peft's keys."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from community_lms.engines import engine_name, registry
from community_lms.engines.lora_matrices import UnusualAdapterError, read_matrices
from community_lms.messages.message import Message, MessageRequest
from community_lms.pools.spec import Community, Decoding, Weights
from tests.community_lms.tiny_models import save_adapter, save_model, save_tokenizer


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global torch, LoraConfig, get_peft_model, AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel, engine_name
    global openvino_graph, openvino_reader, OpenVINOEngine, GRAPH, graph_of, UnsuitableError, linear_layers
    global with_adapters, Reader, PeftEngine
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel

    from community_lms.engines import openvino_graph, openvino_reader
    from community_lms.engines.openvino import OpenVINOEngine
    from community_lms.engines.openvino_graph import GRAPH, graph_of
    from community_lms.engines.openvino_layers import UnsuitableError, linear_layers, with_adapters
    from community_lms.engines.openvino_reader import Reader
    from community_lms.engines.peft import PeftEngine


Ask = Callable[..., MessageRequest]
pytestmark = pytest.mark.usefixtures("own_cache")
GREEDY = Decoding(temperature=0.0, max_new_tokens=8)
SAMPLED = Decoding(max_new_tokens=8)


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_model(tmp_path_factory.mktemp("backbone"), seed=1)


def spoken(
    engine: Any, ask: Ask, backbone: str, adapter: str | None = None, decoding: Decoding = SAMPLED
) -> list[Message]:
    fields: dict[str, Any] = {"adapter": adapter} if adapter else {"persona": "p"}
    member = Community.model_validate({"name": "us", "description": "d", "backbone": backbone, **fields})
    questions = ("why?", "who decides on the well?")
    requests = [
        ask(question, member, turns=(("user", question),), decoding=decoding, engine="openvino")
        for question in questions
    ]
    said: list[Message] = engine.speak(requests)
    return said


def engine() -> OpenVINOEngine:
    return OpenVINOEngine(device="cpu", dtype="float32")


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Transformers must not be asked."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("transformers was asked")

    monkeypatch.setattr(PeftEngine, "speak", refuse)


@pytest.mark.slow
@pytest.mark.usefixtures("alone")
def test_adapters_of_different_layers_and_ranks_speak_without_transformers(
    backbone: str, request_for: Ask, tmp_path: Path
) -> None:
    first = save_adapter(tmp_path / "a", backbone, seed=5, init_lora_weights=False)
    second = save_adapter(tmp_path / "b", backbone, seed=6, r=2, target_modules="all-linear", init_lora_weights=False)
    speaks = engine()
    said = [spoken(speaks, request_for, backbone, adapter) for adapter in (first, second, None, first)]
    assert said[0] == said[3]
    assert said[0] != said[1] != said[2] != said[0]
    assert speaks.warnings == []


@pytest.mark.parametrize("decoding", [GREEDY, SAMPLED])
@pytest.mark.parametrize("settings", [{"use_rslora": True}, {"rank_pattern": {"v_proj": 2}}, {"lora_alpha": 3}])
@pytest.mark.usefixtures("alone")
def test_scales_and_ranks_are_those_of_peft(
    backbone: str, request_for: Ask, tmp_path: Path, settings: dict[str, Any], decoding: Decoding, request: Any
) -> None:
    adapter = save_adapter(tmp_path / "a", backbone, seed=5, init_lora_weights=False, **settings)
    found = spoken(engine(), request_for, backbone, adapter, decoding)
    request.getfixturevalue("monkeypatch").undo()
    assert found == spoken(PeftEngine(device="cpu", dtype="float32"), request_for, backbone, adapter, decoding)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"use_dora": True}, "it sets use_dora"),
        ({"modules_to_save": ["lm_head"]}, "it sets modules_to_save"),
        ({"bias": "lora_only"}, "it has bias lora_only"),
        ({"alpha_pattern": {"v_proj": 2}}, "it sets alpha_pattern"),
        ({"target_modules": ["q_proj", "embed_tokens"]}, "it has the weight base_model.model.model.embed_tokens"),
    ],
)
def test_other_adapters_speak_through_transformers_and_the_log_says_so(
    backbone: str,
    request_for: Ask,
    tmp_path: Path,
    settings: dict[str, Any],
    reason: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    adapter = save_adapter(tmp_path / "a", backbone, seed=5, init_lora_weights=False, **settings)
    with pytest.raises(UnusualAdapterError, match=reason):
        read_matrices(Weights(path=adapter))
    speaks = engine()
    plain = spoken(speaks, request_for, backbone)
    with caplog.at_level(logging.WARNING):
        said = spoken(speaks, request_for, backbone, adapter)
        assert spoken(speaks, request_for, backbone, adapter) == said
    assert said == spoken(PeftEngine(device="cpu", dtype="float32"), request_for, backbone, adapter)
    (told,) = (message for message in caplog.messages if "speaks through transformers" in message)
    assert reason in told
    assert spoken(speaks, request_for, backbone) == plain


@pytest.mark.slow
def test_a_backbone_of_another_kind_is_traced_and_its_adapters_are_left_to_transformers(
    request_for: Ask, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "gpt2"
    size = save_tokenizer(folder, None)
    torch.manual_seed(0)
    GPT2LMHeadModel(
        GPT2Config(vocab_size=size, n_embd=16, n_layer=2, n_head=2, n_positions=64, bos_token_id=0, eos_token_id=1)
    ).save_pretrained(folder)
    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(folder), LoraConfig(target_modules=["c_attn"], init_lora_weights=False)
    )
    model.save_pretrained(tmp_path / "adapter")

    speaks, other = engine(), PeftEngine(device="cpu", dtype="float32")
    assert spoken(speaks, request_for, str(folder)) == spoken(other, request_for, str(folder))
    assert "transformers" not in caplog.text
    adapted = (str(folder), str(tmp_path / "adapter"))
    assert spoken(speaks, request_for, *adapted) == spoken(other, request_for, *adapted)
    assert "us speaks through transformers" in caplog.text


def test_a_backbone_that_cannot_be_traced_speaks_through_transformers(
    backbone: str, request_for: Ask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise UnsuitableError("it is made of stone")

    monkeypatch.setattr("community_lms.engines.openvino_backbone.graph_of", refuse)
    speaks = engine()
    said = spoken(speaks, request_for, backbone)
    assert said == spoken(PeftEngine(device="cpu", dtype="float32"), request_for, backbone)
    spoken(speaks, request_for, backbone)
    told = [message for message in caplog.messages if "speaks through" in message]
    assert told == ["us speaks through transformers, OpenVINO cannot run it: it is made of stone."]


@pytest.mark.slow
def test_a_graph_that_computes_something_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = Weights(path=save_model(tmp_path / "b", seed=9))
    read = Reader.read
    monkeypatch.setattr(Reader, "read", lambda *given: 1.1 * read(*given))
    with pytest.raises(
        UnsuitableError, match=r"^the graph of LlamaForCausalLM does not compute what the backbone does$"
    ):
        graph_of(weights, whole=True)


@pytest.mark.slow
def test_a_graph_is_traced_once_and_again_for_other_weights(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = Weights(path=save_model(tmp_path / "b", seed=7))
    path = graph_of(weights, whole=True)
    assert path.is_relative_to(own_cache / "modplural" / "openvino")
    assert path != graph_of(weights, whole=False)
    traced: list[str] = []
    trace = openvino_graph._trace
    monkeypatch.setattr(openvino_graph, "_trace", lambda *given: (traced.append(given[0]), trace(*given))[1])
    assert graph_of(weights, whole=True) == path
    assert traced == []
    other = Weights(path=save_model(tmp_path / "c", seed=8))
    assert graph_of(other, whole=True) != path
    assert len(traced) == 1


@pytest.mark.slow
def test_an_interrupted_tracing_leaves_nothing_that_looks_whole(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = Weights(path=save_model(tmp_path / "b", seed=11))

    def die(model: Any, path: Path, **_: Any) -> None:
        path.write_text("half")
        raise KeyboardInterrupt

    before = {path.parent for path in own_cache.rglob(GRAPH)}
    with monkeypatch.context() as patched:
        patched.setattr(openvino_graph.openvino, "save_model", die)
        with pytest.raises(KeyboardInterrupt):
            graph_of(weights, whole=True)
    assert {path.parent for path in own_cache.rglob(GRAPH)} == before
    assert graph_of(weights, whole=True).is_file()


def test_an_adapter_of_another_size_is_refused_with_the_numbers(backbone: str) -> None:
    import openvino

    model = openvino.Core().read_model(graph_of(Weights(path=backbone), whole=True))
    name = "model.layers.1.self_attn.q_proj"
    assert name in linear_layers(model)
    with pytest.raises(ValueError, match=rf"^{name} takes 16 and gives 16 numbers, the adapter's layer 8 and 16$"):
        with_adapters(model, {name: (8, 16)})


def test_matrices_are_scaled(backbone: str, tmp_path: Path) -> None:
    adapter = save_adapter(tmp_path / "a", backbone, seed=5, init_lora_weights=False)  # alpha 16, rank 4
    (layer, (a, b)), *_ = read_matrices(Weights(path=adapter)).items()
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(backbone), LoraConfig(r=4, target_modules=["q_proj"]))
    assert (a.shape, b.shape, a.dtype) == ((4, 16), (16, 4), np.float32)
    assert layer.startswith("model.layers.")
    from safetensors.numpy import load_file

    saved = load_file(Path(adapter) / "adapter_model.safetensors")
    np.testing.assert_array_equal(b, saved[f"base_model.model.{layer}.lora_B.weight"] * 4)
    del model


def test_messages_have_the_keys_of_peft(request_for: Ask) -> None:
    asked = {name: request_for("why?", engine=name).key for name in ("openvino", "peft", "backend")}
    assert asked["openvino"] == asked["peft"] != asked["backend"]


@pytest.mark.parametrize("installed", [True, False])
def test_auto_takes_it_where_it_is_installed(installed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    member = Community.model_validate({"name": "us", "description": "d", "backbone": "b", "persona": "p"})
    monkeypatch.setattr(registry, "find_spec", lambda name: object() if installed else None)
    assert engine_name("auto", member) == ("openvino" if installed else "peft")
    assert engine_name("peft", member) == "peft"


@pytest.mark.parametrize(
    ("device", "accelerator", "here"),
    [(None, False, 1), (None, True, 0), ("cpu", True, 1), ("cuda:0", False, 1), ("cuda", True, 0), ("mps", False, 0)],
)
def test_accelerators_are_left_to_transformers(
    device: str | None,
    accelerator: bool,
    here: int,
    backbone: str,
    request_for: Ask,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: accelerator)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: accelerator)
    speaks = OpenVINOEngine(device=device, dtype="float32")
    loaded: list[Any] = []
    monkeypatch.setattr(OpenVINOEngine, "_hand_over", lambda self, requests: loaded.append(requests) or [])
    spoken(speaks, request_for, backbone)
    assert len(loaded) == 1 - here


def many(request_for: Ask, backbone: str) -> list[MessageRequest]:
    member = Community.model_validate({"name": "us", "description": "d", "backbone": backbone, "persona": "p"})
    decoding = Decoding(max_new_tokens=40, temperature=1.0, top_p=0.8)
    return [
        request_for(f"{number}?" * (1 + number % 3), member, decoding=decoding, engine="openvino")
        for number in range(24)
    ]


def test_texts_that_have_ended_are_not_read_on(
    backbone: str, request_for: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[int] = []
    call = Reader._call

    def watched(self: Reader, texts: Any, tokens: Any) -> torch.Tensor:
        rows.append(len(texts))
        return call(self, texts, tokens)

    speaks, requests = engine(), many(request_for, backbone)
    speaks.speak(requests[:1])  # so that only messages are watched
    monkeypatch.setattr(Reader, "_call", watched)
    said = speaks.speak(requests)
    assert said == PeftEngine(device="cpu", dtype="float32").speak(requests)
    lengths = [message.tokens or 0 for message in said]
    assert min(lengths) < 40  # some end before the others
    assert rows == [sum(length > step for length in lengths) for step in range(max(lengths))]


@pytest.mark.parametrize("at_once", [1, 50])
def test_prompts_that_are_read_in_several_calls_give_the_same_messages(
    at_once: int, backbone: str, request_for: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = many(request_for, backbone)
    whole = engine().speak(requests)
    monkeypatch.setattr(openvino_reader, "AT_ONCE", at_once)
    assert engine().speak(requests) == whole


def test_blocks_are_used_again_and_made_more_where_texts_need_them(backbone: str, request_for: Ask) -> None:
    requests = many(request_for, backbone)
    speaks, fresh = engine(), engine()
    few = speaks.speak(requests[:3])
    assert speaks.speak(requests) == fresh.speak(requests)
    assert speaks.speak(requests[:3]) == few


def test_low_precision_needs_two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    from community_lms.engines import openvino

    for count, low in ((1, False), (2, True)):
        monkeypatch.setattr(openvino, "cores", lambda count=count: count)
        assert OpenVINOEngine(device="cpu", dtype="bfloat16")._precision == {"low": low, "whole": False}
    assert openvino_reader.settings(low=True)["INFERENCE_NUM_THREADS"] == 2  # torch has one here
    assert openvino_reader.settings(low=False)["INFERENCE_NUM_THREADS"] == 1


@pytest.mark.parametrize(("count", "bound"), [(1, True), (2, False), (8, False)])
def test_threads_of_a_part_of_the_cores_are_not_bound_to_them(
    count: int, bound: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino_reader, "cores", lambda: count)
    assert openvino_reader.settings(low=False)["ENABLE_CPU_PINNING"] is bound  # one thread here
