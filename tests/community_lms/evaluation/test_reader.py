"""Likelihoods of texts on real classes of transformers and peft, with a Llama of two tiny random layers."""

from __future__ import annotations

from pathlib import Path

import pytest

from community_lms.evaluation.texts import EvaluationText
from community_lms.pools.spec import Community
from plural_tasks.utils.errors import ModPluralError
from tests.community_lms.tiny_models import ROOM, TEMPLATE, save_adapter, save_model


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global torch, AutoModelForCausalLM, AutoTokenizer, PerplexityReader
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from community_lms.evaluation.reader import PerplexityReader


DOCUMENTS = [
    EvaluationText("who decides on the well?", "we would rather not"),
    EvaluationText("", "the well belongs to all of us"),
    EvaluationText("why?", "x"),
    EvaluationText("why not ask them all, one by one?", "who decides? the well belongs to all"),
]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("weights")
    made = {"plain": save_model(root / "plain", seed=1), "chat": save_model(root / "chat", seed=1, template=TEMPLATE)}
    made["left"] = save_adapter(root / "left", made["plain"], seed=10, init_lora_weights=False)
    made["right"] = save_adapter(root / "right", made["plain"], seed=11, init_lora_weights=False)
    return made


def member(**fields: object) -> Community:
    return Community.model_validate({"name": "us", "description": "d", **fields})


def reader(**options: object) -> PerplexityReader:
    return PerplexityReader(device="cpu", show_progress=False, **options)


def by_hand(folder: str, context: list[int], said: list[int]) -> float:
    """Minus the sum of the log-probabilities of ``said``, from one full forward pass without padding."""
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    with torch.inference_mode():
        logits = model(torch.tensor([context + said])).logits[0].double()
    logp = logits.log_softmax(dim=-1)
    return -sum(float(logp[len(context) + place - 1, token]) for place, token in enumerate(said))


def tokens(folder: str, text: str) -> list[int]:
    return AutoTokenizer.from_pretrained(folder)(text, add_special_tokens=False)["input_ids"]


def test_readings_are_those_of_a_forward_pass_for_each_text_whatever_the_batch(weights: dict[str, str]) -> None:
    folder = weights["chat"]
    contexts = [f"[user] {one.prompt}\n[assistant] " if one.prompt else "<s>" for one in DOCUMENTS]

    for size in (1, 2, 4):
        found = reader(batch_size=size).read(member(checkpoint=folder), DOCUMENTS)
        for one, context, document in zip(found, contexts, DOCUMENTS, strict=True):
            said = [*tokens(folder, document.comment), 1]  # </s> is token 1
            assert one.nll == pytest.approx(by_hand(folder, tokens(folder, context), said), rel=1e-4)
            assert (one.tokens, one.bytes) == (len(said), len(document.comment))


def test_few_tokens_in_a_batch_give_the_same_readings(weights: dict[str, str]) -> None:
    whole = reader().read(member(checkpoint=weights["plain"]), DOCUMENTS)
    parts = reader(batch_tokens=1).read(member(checkpoint=weights["plain"]), DOCUMENTS)

    assert [one.nll for one in parts] == pytest.approx([one.nll for one in whole], rel=1e-5)


def test_a_model_that_cannot_skip_positions_gives_the_same_readings(
    weights: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import community_lms.evaluation.reader as module

    usual = reader().read(member(checkpoint=weights["plain"]), DOCUMENTS)
    monkeypatch.setattr(module.inspect, "signature", lambda _: type("S", (), {"parameters": {}})())
    assert [one.nll for one in reader().read(member(checkpoint=weights["plain"]), DOCUMENTS)] == pytest.approx(
        [one.nll for one in usual], rel=1e-5
    )


def test_tokens_and_context_are_those_of_training(weights: dict[str, str]) -> None:
    from community_lms.training.encode import encode

    for folder in (weights["plain"], weights["chat"]):
        made = reader()
        made.read(member(checkpoint=folder), DOCUMENTS[:1])
        for document in DOCUMENTS:
            context, said = made._encode_document(member(checkpoint=folder), document)
            record = {"prompt": document.prompt, "comment": document.comment}
            (example,) = encode([record], AutoTokenizer.from_pretrained(folder), 100)
            assert [*context, *said] == list(example["input_ids"])
            assert len(said) == example["answer"]


def test_adapters_take_turns_and_read_as_their_merged_weights(weights: dict[str, str], tmp_path: Path) -> None:
    from peft import PeftModel

    made, bare = reader(), member(checkpoint=weights["plain"])
    left, right = (member(backbone=weights["plain"], adapter=weights[name]) for name in ("left", "right"))
    first = [made.read(who, DOCUMENTS) for who in (bare, left, right)]
    again = [made.read(who, DOCUMENTS) for who in (bare, left, right)]
    assert again == first
    assert len({one[0].nll for one in first}) == 3

    merged = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(weights["plain"]), weights["left"])
    merged.merge_and_unload().save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(weights["plain"]).save_pretrained(tmp_path)
    alone = reader().read(member(checkpoint=str(tmp_path)), DOCUMENTS)
    assert [one.nll for one in first[1]] == pytest.approx([one.nll for one in alone], rel=1e-4)


def test_a_persona_reads_with_its_instruction_before_the_same_tokens(weights: dict[str, str]) -> None:
    persona = member(backbone=weights["chat"], persona="You decide.")
    bare, instructed = (reader().read(who, DOCUMENTS) for who in (member(checkpoint=weights["chat"]), persona))
    # The template knows no system turn: its words go before the question, or stand alone before a plain text.
    asked = tokens(weights["chat"], "[user] You decide.\n\nwhy?\n[assistant] ")
    plain = tokens(weights["chat"], "[user] You decide.\n[assistant] ")

    for place, context in ((2, asked), (1, plain)):
        said = [*tokens(weights["chat"], DOCUMENTS[place].comment), 1]
        assert instructed[place].nll == pytest.approx(by_hand(weights["chat"], context, said), rel=1e-4)
    assert [one.tokens for one in instructed] == [one.tokens for one in bare]


def test_long_texts_lose_their_end_and_long_prompts_their_beginning_for_all_readers(weights: dict[str, str]) -> None:
    long = EvaluationText("why " * 200, "the well " * 200)
    made = reader(max_length=ROOM * 10)  # the model's own room counts: 128 tokens
    for who in (member(checkpoint=weights["chat"]), member(backbone=weights["chat"], persona="You " * 50)):
        made.cut = 0
        context, said = (made.read(who, [long]), made._encode_document(who, long))[1]
        assert (len(context), len(said)) == (64, 64)
        assert said == tokens(weights["chat"], long.comment)[:64]
        assert made.cut == 2  # read once, encoded once more here


def test_an_endpoint_cannot_read(weights: dict[str, str]) -> None:
    with pytest.raises(ModPluralError, match="community 'us' is an endpoint, which gives no likelihoods"):
        reader().read(member(endpoint={"backend": "openai"}), DOCUMENTS)
