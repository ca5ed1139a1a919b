"""The engine `vllm` on a stand-in with vLLM's signatures, real tokenizers and real files of adapters."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from community_lms.engines.vllm import VLLMEngine
from community_lms.engines.warning import EngineWarning
from community_lms.generation.ask import Asker
from community_lms.messages.message import MessageRequest
from community_lms.messages.store import MessageStore
from community_lms.pools.identity import identity
from community_lms.pools.spec import Community, Decoding
from plural_tasks.utils.errors import ModPluralError
from tests.community_lms.engines.vllm_stand_in import StandIn
from tests.community_lms.tiny_models import ROOM, TEMPLATE, save_adapter, save_model


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global torch
    import torch


Ask = Callable[..., MessageRequest]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("weights")
    made = {"first": save_model(root / "first", seed=1), "second": save_model(root / "second", seed=2)}
    made["templated"] = save_model(root / "templated", seed=1, template=TEMPLATE)
    for seed, (name, rank) in enumerate((("left", 4), ("right", 4), ("wide", 12))):
        made[name] = save_adapter(root / name, made["first"], seed=seed, r=rank, init_lora_weights=False)
    pattern = {"rank_pattern": {"q_proj": 20}}
    made["pattern"] = save_adapter(root / "pattern", made["first"], seed=3, init_lora_weights=False, **pattern)
    made["dora"] = save_adapter(root / "dora", made["first"], seed=3, init_lora_weights=False, use_dora=True)
    made["untrained"] = save_adapter(root / "untrained", made["first"], seed=4)
    return made


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    return StandIn().install(monkeypatch)


@pytest.fixture
def member(weights: dict[str, str]) -> Callable[..., Community]:
    def made(name: str, backbone: str = "first", kind: str = "adapter") -> Community:
        fields: dict[str, Any] = {"adapter": weights.get(name, name), "backbone": weights[backbone]}
        if kind == "persona":
            fields = {"persona": f"You are {name}.", "backbone": weights[backbone]}
        elif kind == "checkpoint":
            fields = {"checkpoint": weights[backbone]}
        return Community.model_validate({"name": name, "description": "d", **fields})

    return made


def asks(ask: Ask, member: Community, *questions: str, **changes: Any) -> list[MessageRequest]:
    first = (("system", member.persona),) if member.persona else ()
    settings = {"engine": "vllm", "identity": identity(member), "decoding": Decoding(max_new_tokens=12), **changes}
    return [ask(text, member, turns=(*first, ("user", text)), **settings) for text in questions]


def test_one_call_speaks_for_all_communities_of_a_backbone(
    stand_in: StandIn, member: Callable[..., Community], request_for: Ask, weights: dict[str, str]
) -> None:
    members = [member("left"), member("wide"), member("elders", kind="persona"), member("right")]
    decoding = Decoding(temperature=0.6, top_p=0.7, max_new_tokens=9)
    requests = [
        request for one in members for request in asks(request_for, one, "why?", "who decides?", decoding=decoding)
    ]
    said = VLLMEngine(dtype="bfloat16").speak(requests)

    assert stand_in.made == [
        {
            "model": weights["first"],
            "revision": None,
            "tokenizer_revision": None,
            "tokenizer_mode": "hf",
            "dtype": "bfloat16",
            "enable_prefix_caching": True,
            "max_model_len": -1,
            "gpu_memory_utilization": 0.9,
            "enable_lora": True,
            "max_lora_rank": 16,  # the least of vLLM's that holds 12
            "max_loras": 3,
        }
    ]
    ((_, settings, adapters),) = stand_in.calls
    assert [(s.temperature, s.top_p, s.max_tokens) for s in settings] == [(0.6, 0.7, 9)] * 8
    assert [s.seed for s in settings] == [int(request.key[:8], 16) % 2**31 for request in requests]
    assert [adapter and Path(adapter.lora_path).name for adapter in adapters] == [
        *("left", "left", "wide", "wide", None, None, "right", "right")
    ]
    assert len({adapter.lora_int_id for adapter in adapters if adapter}) == 3
    assert len({adapter.lora_name for adapter in adapters if adapter}) == 3
    assert stand_in.waits == 0
    assert [message.community for message in said] == [
        *("left",) * 2,
        *("wide",) * 2,
        *("elders",) * 2,
        *("right",) * 2,
    ]
    assert len({message.text for message in said}) == 8
    assert all(message.text == message.text.strip() and message.tokens == 6 for message in said)
    # plain paragraphs, byte-level tokens of the tiny tokenizer
    assert said[0].prompt_tokens == len(stand_in.calls[0][0][0])


def test_prompts_are_in_the_chat_template_and_cut_on_the_left(
    stand_in: StandIn, member: Callable[..., Community], request_for: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    from transformers import AutoTokenizer

    elders = member("elders", backbone="templated", kind="persona")
    engine = VLLMEngine()
    engine.speak(asks(request_for, elders, "why?"))
    tokens = stand_in.calls[0][0][0]
    tokenizer = AutoTokenizer.from_pretrained(stand_in.made[0]["model"])
    assert tokenizer.decode(tokens) == "[user] You are elders.\n\nwhy?\n[assistant] "

    (said,) = engine.speak(asks(request_for, elders, "x" * 300))
    assert said.prompt_tokens == ROOM - 12
    assert tokenizer.decode(stand_in.calls[1][0][0]).endswith("x\n[assistant] ")
    assert "was cut on the left to 116" in caplog.text


def test_a_message_depends_on_its_own_request_alone(
    stand_in: StandIn, member: Callable[..., Community], request_for: Ask
) -> None:
    requests = [
        *asks(request_for, member("left"), "one?", "two?", "three?"),
        *asks(request_for, member("right"), "one?", "two?"),
    ]
    engine = VLLMEngine()
    together = engine.speak(requests)
    assert engine.speak(requests[::-1]) == together[::-1]
    assert [engine.speak([request])[0] for request in requests] == together
    assert len(stand_in.made) == 1


def test_a_backbone_is_loaded_anew_only_for_more_room(
    stand_in: StandIn, member: Callable[..., Community], request_for: Ask
) -> None:
    engine = VLLMEngine()

    def speak(*names: str) -> tuple[int, int]:
        engine.speak([request for name in names for request in asks(request_for, member(name), "why?")])
        last = stand_in.made[-1]
        return last["max_lora_rank"], last["max_loras"]

    assert speak("left") == (8, 1)
    assert speak("right") == (8, 1)  # the same room
    assert len(stand_in.made) == 1
    assert speak("left", "right") == (8, 2)
    assert speak("pattern") == (32, 2)  # 20 of one layer; room for two stays
    assert speak("wide", "left") == (32, 2)
    assert len(stand_in.made) == 3
    assert (stand_in.alive, stand_in.cleaned) == (1, 2)


def test_more_adapters_than_have_room_take_turns(
    stand_in: StandIn, member: Callable[..., Community], request_for: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("community_lms.engines.vllm_adapters.MOST_LORAS", 2)
    requests = [request for name in ("left", "right", "wide") for request in asks(request_for, member(name), "why?")]
    assert len(VLLMEngine().speak(requests)) == 3
    assert stand_in.made[0]["max_loras"] == 2
    assert stand_in.waits == 1


def test_checkpoints_are_models_of_their_own_and_one_is_in_memory(
    stand_in: StandIn, member: Callable[..., Community], request_for: Ask, weights: dict[str, str]
) -> None:
    members = [
        member("doctors", backbone="second", kind="checkpoint"),
        member("left"),
        member("right"),
        member("elders", kind="persona"),
    ]
    requests = [request for number in range(6) for one in members for request in asks(request_for, one, f"{number}?")]
    asker = Asker(MessageStore(None), batch_size=16, show_progress=False)
    assert len(asker.ask(requests)) == 24
    # each backbone once, its communities mixed in every batch
    assert [made["model"] for made in stand_in.made] == [weights["second"], weights["first"]]
    assert "enable_lora" not in stand_in.made[0]
    assert [len(prompts) for prompts, _, _ in stand_in.calls] == [6, 16, 2]
    assert len({lora and lora.lora_name for lora in stand_in.calls[1][2]}) == 3  # six of elders, ten of twelve others
    assert stand_in.alive == 1

    with pytest.raises(ValueError, match="is of one backbone or checkpoint"):
        VLLMEngine().speak(requests)


def test_an_adapter_that_was_never_trained_is_warned_of_once_and_kept_with_its_community(
    stand_in: StandIn, member: Callable[..., Community], request_for: Ask
) -> None:
    warning = "adapter of community 'untrained' changes nothing: it is ignored or was never trained."
    left, untrained = (asks(request_for, member(name), "why?", "who?") for name in ("left", "untrained"))
    store = MessageStore(None)
    asker = Asker(store, batch_size=2, show_progress=False)
    asker.ask([*left, *untrained])
    assert asker.engines["vllm"].warnings == [EngineWarning("untrained", "adapter_without_effect", warning)]
    assert asker.warnings() == [warning]
    later = Asker(store, show_progress=False)
    later.ask(left)
    assert later.warnings() == []
    later.ask(untrained)
    assert later.warnings() == [warning]


@pytest.mark.parametrize(
    ("name", "kind", "problem"),
    [
        ("/no/such", "adapter", r"^community '/no/such': adapter /no/such cannot be read \("),
        (
            "dora",
            "adapter",
            r"^community 'dora': vLLM does not answer \(ValueError: vLLM does not yet support DoRA\.\)",
        ),
        (
            "huge",
            "adapter",
            r"^community 'huge': adapter .*huge has rank 600, vLLM takes 512 at most; take message_eng",
        ),
        (
            "bare",
            "adapter",
            r"^community 'bare': adapter .*bare has no rank 'r' in its adapter_config\.json; it is no ",
        ),
        ("far", "endpoint", r"^community 'far' is an endpoint; the vllm engine has no weights for it\."),
        ("empty", "checkpoint", r"^community 'empty': .*empty cannot be loaded by vLLM \("),
    ],
)
def test_a_mistake_is_one_error_and_does_no_harm(
    name: str,
    kind: str,
    problem: str,
    stand_in: StandIn,
    member: Callable[..., Community],
    request_for: Ask,
    weights: dict[str, str],
    tmp_path: Path,
) -> None:
    engine = VLLMEngine()
    before = engine.speak(asks(request_for, member("left"), "why?"))
    folder = tmp_path / name.strip("/")
    folder.mkdir(parents=True)
    fields: dict[str, Any] = {"adapter": weights.get(name, str(folder)), "backbone": weights["first"]}
    if name in ("huge", "bare"):
        source = Path(weights["left"])
        (folder / "adapter_model.safetensors").write_bytes((source / "adapter_model.safetensors").read_bytes())
        text = (source / "adapter_config.json").read_text()
        new = text.replace('"r": 4', '"r": 600' if name == "huge" else '"r": null')
        assert new != text
        (folder / "adapter_config.json").write_text(new)
    elif kind == "endpoint":
        fields = {"endpoint": {"backend": "openai"}}
    elif kind == "checkpoint":
        fields = {"checkpoint": str(folder)}
    elif name == "/no/such":
        fields["adapter"] = name
    wrong = Community.model_validate({"name": name.strip("/").replace("/", "_"), "description": "d", **fields})
    with pytest.raises(ModPluralError, match=problem.replace("'/no/such'", "'no_such'")) as caught:
        engine.speak([request_for("why?", wrong, engine="vllm", turns=(("user", "why?"),))])
    assert "\n" not in str(caught.value)
    assert engine.speak(asks(request_for, member("left"), "why?")) == before
    assert stand_in.alive == 1


def test_it_leaves_the_base_llm_its_memory(
    stand_in: StandIn, member: Callable[..., Community], request_for: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (30 << 30, 80 << 30))
    VLLMEngine().speak(asks(request_for, member("left"), "why?"))
    assert stand_in.made[0]["gpu_memory_utilization"] == 0.338  # 0.9 x 30 / 80


def test_closing_frees_the_gpu_and_speaking_loads_again(
    stand_in: StandIn, member: Callable[..., Community], request_for: Ask
) -> None:
    engine = VLLMEngine()
    requests = asks(request_for, member("left"), "why?")
    first = engine.speak(requests)
    engine.close()
    engine.close()
    assert (stand_in.alive, stand_in.cleaned) == (0, 1)
    assert engine.speak(requests) == first
    assert len(stand_in.made) == 2


def test_without_vllm_it_says_how_to_get_it(
    member: Callable[..., Community], request_for: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(ModPluralError, match=r"^message engine 'vllm' needs vLLM: pip install 'modplural\[vllm\]'\.$"):
        VLLMEngine().speak(asks(request_for, member("left"), "why?"))


def test_its_messages_have_keys_of_their_own(request_for: Ask) -> None:
    assert len({request_for("why?", engine=name).key for name in ("peft", "openvino", "vllm", "server")}) == 3
