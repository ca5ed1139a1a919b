"""Both engines of local weights on real classes of transformers and peft, with a Llama of two tiny random layers."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from community_lms.engines import MessageEngine, make_engine
from community_lms.engines.warning import EngineWarning
from community_lms.messages.message import Message, MessageRequest
from community_lms.pools.spec import Community, Decoding
from plural_tasks.utils.errors import ModPluralError
from tests.community_lms.tiny_models import ROOM, TEMPLATE, save_adapter, save_model


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global torch, AutoModelForCausalLM, AutoTokenizer
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer


pytestmark = pytest.mark.usefixtures("own_cache")

Ask = Callable[..., MessageRequest]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Folders of two backbones, one with a chat template, one of another width, and of adapters."""
    root = tmp_path_factory.mktemp("weights")
    made = {
        "first": save_model(root / "first", seed=1),
        "second": save_model(root / "second", seed=2),
        "templated": save_model(root / "templated", seed=1, template=TEMPLATE),
        "wide": save_model(root / "wide", seed=3, hidden=32),
    }
    for number, name in enumerate(("left", "right")):
        made[name] = save_adapter(root / name, made["first"], seed=10 + number, init_lora_weights=False)
    made["untrained"] = save_adapter(root / "untrained", made["first"], seed=20)
    made["wrong_shape"] = save_adapter(root / "wrong_shape", made["wide"], seed=21, init_lora_weights=False)
    (root / "empty").mkdir()
    made["empty"] = str(root / "empty")
    return made


Make = Callable[[], MessageEngine]


@pytest.fixture(params=["peft", "openvino"])
def make(request: pytest.FixtureRequest) -> Make:
    return lambda: make_engine(request.param, device="cpu", dtype="float32")


@pytest.fixture
def engine(make: Make) -> MessageEngine:
    return make()


Speak = Callable[..., list[Message]]
GREEDY = Decoding(temperature=0.0, max_new_tokens=12)
SAMPLED = Decoding(max_new_tokens=12)


@pytest.fixture
def speak(weights: dict[str, str], request_for: Ask) -> Speak:
    """Lets an engine speak: as a persona, adapter or checkpoint by name, on questions."""

    def said(
        engine: MessageEngine,
        name: str | None,
        questions: Sequence[str],
        *,
        backbone: str = "first",
        decoding: Decoding = SAMPLED,
        kind: str = "adapter",
        system: str = "",
    ) -> list[Message]:
        fields: dict[str, Any] = {"backbone": weights[backbone], "persona": "You are one of them."}
        if kind == "checkpoint":
            fields = {"checkpoint": weights[backbone]}
        elif name is not None:
            fields = {"backbone": weights[backbone], "adapter": weights.get(name, name)}
        member = Community.model_validate({"name": "us", "description": "d", **fields})
        first = (("system", system),) if system else ()
        requests = [
            request_for(question, member, turns=(*first, ("user", question)), decoding=decoding, engine="peft")
            for question in questions
        ]
        return engine.speak(requests)

    return said


def texts(messages: list[Message]) -> list[str]:
    return [message.text for message in messages]


def by_hand(folder: str, prompt: str, steps: int) -> tuple[str, int]:
    """What greedy decoding says, one forward pass for each token, and the number of prompt tokens."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    tokens = tokenizer(prompt, return_tensors="pt")["input_ids"]
    width = tokens.shape[1]
    with torch.inference_mode():
        for _ in range(steps):
            following = model(tokens).logits[0, -1].argmax()
            if following == tokenizer.eos_token_id:
                break
            tokens = torch.cat([tokens, following[None, None]], dim=1)
    return tokenizer.decode(tokens[0, width:], skip_special_tokens=True).strip(), width


@pytest.mark.slow
def test_a_persona_says_what_greedy_decoding_of_its_backbone_says(
    engine: MessageEngine, speak: Speak, weights: dict[str, str]
) -> None:
    for question in ("why?", "who decides on the well?", "x"):
        text, width = by_hand(weights["first"], question + "\n\n", steps=12)

        (message,) = speak(engine, None, [question], decoding=GREEDY)
        assert (message.community, message.text, message.prompt_tokens) == ("us", text, width)
        assert message.tokens is not None
        assert 1 <= message.tokens <= 12


def test_padding_changes_nothing(engine: MessageEngine, speak: Speak) -> None:
    questions = ["why?", "who decides on the well that belongs to all of us?", "x"]

    together = speak(engine, None, questions, decoding=GREEDY)
    assert together == [speak(engine, None, [question], decoding=GREEDY)[0] for question in questions]


def test_messages_are_the_same_each_time_and_for_another_engine(
    engine: MessageEngine, make: Make, speak: Speak
) -> None:
    questions = ["why?", "who decides?", "the well"]

    for name in (None, "left", "right"):
        first = speak(engine, name, questions)
        assert speak(engine, name, questions) == first
        assert speak(make(), name, questions) == first
        assert len(set(texts(first))) == 3


def test_messages_do_not_depend_on_the_rest_of_the_batch(engine: MessageEngine, speak: Speak) -> None:
    first = speak(engine, "left", ["question one?", "question two?", "short"])
    other = speak(engine, "left", ["question one?", "question 200", "who?"])
    alone = speak(engine, "left", ["question one?"])

    assert first[0] == other[0] == alone[0]
    assert first[1] != other[1]


def test_the_global_generator_is_not_used(engine: MessageEngine, speak: Speak) -> None:
    torch.manual_seed(1)
    first = speak(engine, None, ["why?"])
    torch.manual_seed(2)
    before = torch.get_rng_state()

    assert speak(engine, None, ["why?"]) == first
    assert torch.equal(torch.get_rng_state(), before)


def test_adapters_and_the_bare_backbone_say_different_things(engine: MessageEngine, speak: Speak) -> None:
    questions = ["why?", "who decides?"]
    said = [texts(speak(engine, name, questions)) for name in (None, "left", "right")]

    assert len({tuple(messages) for messages in said}) == 3
    assert engine.warnings == []


def test_communities_may_take_turns(engine: MessageEngine, make: Make, speak: Speak) -> None:
    alone = {name: speak(make(), name, ["why?"]) for name in (None, "left", "right")}

    for name in ("left", None, "right", "left", None, None, "right"):
        assert speak(engine, name, ["why?"]) == alone[name], name


def test_an_adapter_speaks_as_its_weights_merged_into_the_backbone(
    engine: MessageEngine, speak: Speak, weights: dict[str, str], tmp_path: Path
) -> None:
    from peft import PeftModel

    backbone = AutoModelForCausalLM.from_pretrained(weights["first"])
    PeftModel.from_pretrained(backbone, weights["left"]).merge_and_unload().save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(weights["first"]).save_pretrained(tmp_path)

    text, _ = by_hand(str(tmp_path), "why?\n\n", steps=12)
    assert texts(speak(engine, "left", ["why?"], decoding=GREEDY)) == [text]


def test_an_adapter_that_was_never_trained_is_warned_of_once(engine: MessageEngine, speak: Speak) -> None:
    bare = speak(engine, None, ["why?"])

    assert speak(engine, "untrained", ["why?"]) == bare
    speak(engine, "untrained", ["who?"])
    text = "adapter of community 'us' changes nothing: it is ignored or was never trained."
    assert engine.warnings == [EngineWarning("us", "adapter_without_effect", text)]


@pytest.mark.parametrize("before", [None, "left"])
@pytest.mark.parametrize("adapter", ["empty", "/no/such/folder", "wrong_shape"])
def test_a_wrong_adapter_is_one_error_that_names_the_community_and_does_no_harm(
    engine: MessageEngine, make: Make, speak: Speak, weights: dict[str, str], adapter: str, before: str | None
) -> None:
    alone = {name: speak(make(), name, ["why?"]) for name in (None, "left")}
    if before:
        speak(engine, before, ["why?"])

    with pytest.raises(ModPluralError) as caught:
        speak(engine, adapter, ["why?"])
    assert str(caught.value).startswith(
        f"community 'us': adapter {weights.get(adapter, adapter)} cannot be attached to its backbone ("
    )
    assert "\n" not in str(caught.value)
    for name in (None, "left"):
        assert speak(engine, name, ["why?"]) == alone[name], name


@pytest.mark.parametrize("kind", ["persona", "checkpoint"])
def test_a_wrong_backbone_is_one_error_that_names_the_community(
    engine: MessageEngine, speak: Speak, weights: dict[str, str], kind: str
) -> None:
    with pytest.raises(ModPluralError) as caught:
        speak(engine, None, ["why?"], backbone="empty", kind=kind)
    assert str(caught.value).startswith(f"community 'us': {weights['empty']} cannot be loaded on cpu (")
    assert "\n" not in str(caught.value)


def test_an_endpoint_is_not_for_this_engine(engine: MessageEngine, request_for: Ask) -> None:
    member = Community.model_validate({"name": "far", "description": "d", "endpoint": {"backend": "openai"}})

    with pytest.raises(
        ModPluralError, match=rf"^community 'far' is an endpoint; the {engine.name} engine has no weights for it"
    ):
        engine.speak([request_for("why?", member)])


@pytest.mark.slow
def test_a_pool_may_have_two_backbones(engine: MessageEngine, make: Make, speak: Speak) -> None:
    first = speak(make(), None, ["why?"])
    second = speak(make(), None, ["why?"], backbone="second")
    assert first != second

    assert speak(engine, None, ["why?"]) == first
    assert speak(engine, None, ["why?"], backbone="second") == second
    left = speak(engine, "left", ["why?"])
    assert speak(engine, None, ["why?"], backbone="second") == second
    assert speak(engine, "left", ["why?"]) == left
    assert speak(engine, None, ["why?"]) == first


def test_a_checkpoint_speaks_as_its_weights(engine: MessageEngine, speak: Speak, weights: dict[str, str]) -> None:
    text, width = by_hand(weights["second"], "why?\n\n", steps=12)

    (message,) = speak(engine, None, ["why?"], backbone="second", kind="checkpoint", decoding=GREEDY)
    assert (message.text, message.prompt_tokens) == (text, width)


def test_messages_never_hold_the_prompt(engine: MessageEngine, speak: Speak) -> None:
    questions = ["who decides on the well?", "why not?"]

    for backbone in ("first", "templated"):
        for decoding in (GREEDY, SAMPLED):
            for message in speak(engine, None, questions, backbone=backbone, decoding=decoding, system="the village"):
                assert message.tokens is not None
                assert message.tokens <= 12
                for part in (*questions, "the village", "[assistant]", "</s>", "<s>"):
                    assert part not in message.text


def test_a_template_without_a_system_turn_gets_its_words_before_the_question(
    engine: MessageEngine, speak: Speak, weights: dict[str, str]
) -> None:
    (message,) = speak(engine, None, ["why?"], backbone="templated", decoding=GREEDY, system="You are old.")

    prompt = "[user] You are old.\n\nwhy?\n[assistant] "
    assert (message.text, message.prompt_tokens) == by_hand(weights["templated"], prompt, steps=12)


def test_without_a_template_the_turns_are_plain_paragraphs(
    engine: MessageEngine, speak: Speak, weights: dict[str, str]
) -> None:
    (message,) = speak(engine, None, ["why?"], decoding=GREEDY, system="You are old.")

    assert (message.text, message.prompt_tokens) == by_hand(weights["first"], "You are old.\n\nwhy?\n\n", steps=12)


def test_a_prompt_that_is_too_long_is_cut_on_the_left(
    engine: MessageEngine, speak: Speak, weights: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    # every "x" and "\n" is a token of its own; 128 - 12 of them fit, the last two are "\n\n"
    expected = by_hand(weights["first"], "x" * (ROOM - 12 - 2) + "\n\n", steps=12)
    (message,) = speak(engine, None, ["x" * 300], decoding=GREEDY)

    assert (message.text, message.prompt_tokens) == expected
    assert message.prompt_tokens == 116
    assert "A community prompt of 302 tokens was cut on the left to 116." in caplog.text


def test_closing_frees_the_model_and_speaking_loads_it_again(engine: MessageEngine, speak: Speak) -> None:
    before = speak(engine, "left", ["why?"])
    engine.close()

    assert speak(engine, "left", ["why?"]) == before
