"""Which tokens bear loss, what is cut, and that batches score as examples one at a time."""

from __future__ import annotations

from typing import Any

import pytest

from community_lms.engines import chat_text
from community_lms.training.encode import IGNORED, Pack, PadLeft, branch_mask, encode, render, with_branches
from tests.community_lms.tiny_models import TEMPLATE
from tests.community_lms.training.runs import backbone, tokenizer


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global torch, AutoModelForCausalLM, summed_loss
    import torch
    from transformers import AutoModelForCausalLM

    from community_lms.training.train import summed_loss


EOS = 1


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> str:
    return backbone(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def templated(tmp_path_factory: pytest.TempPathFactory) -> str:
    return backbone(tmp_path_factory.mktemp("templated"), TEMPLATE)


def one(prompt: str, comment: str, tokens: Any, length: int = 64) -> dict[str, Any]:
    (example,) = encode([{"prompt": prompt, "comment": comment}], tokens, length)
    return example


def bears_loss(example: dict[str, Any], tokens: Any) -> str:
    return str(tokens.decode(example["input_ids"][-example["answer"] :]))


def test_the_loss_covers_the_comment_and_its_end(plain: str, templated: str) -> None:
    for folder, prompt in ((plain, "why?\n\n"), (templated, "[user] why?\n[assistant] ")):
        tokens = tokenizer(folder)
        example = one("why?", "because of us", tokens)

        assert bears_loss(example, tokens) == "because of us</s>"
        assert tokens.decode(example["input_ids"][: -example["answer"]]) == prompt
        assert example["length"] == len(example["input_ids"])


@pytest.mark.parametrize("template", [None, TEMPLATE])
def test_the_prompt_is_what_the_engine_asks(template: str | None, plain: str, templated: str) -> None:
    tokens = tokenizer(plain if template is None else templated)

    assert render("who decides?", tokens) == chat_text.render(tokens, [("user", "who decides?")])


def test_a_long_prompt_loses_its_beginning_and_a_long_comment_its_end(plain: str) -> None:
    tokens = tokenizer(plain)
    # every "x", "y" and "\n" is a token: 30 + 2 of the prompt, 5 + 1 of the comment; 16 - 6 = 10 of the prompt stay
    example = one("x" * 30, "y" * 5, tokens, 16)
    assert tokens.decode(example["input_ids"]) == "x" * 8 + "\n\n" + "y" * 5 + "</s>"
    assert (example["answer"], example["length"]) == (6, 16)

    # a comment of 40 leaves one token of the prompt, and loses its end token
    example = one("x" * 30, "y" * 40, tokens, 16)
    assert tokens.decode(example["input_ids"]) == "\n" + "y" * 15
    assert (example["answer"], example["length"]) == (15, 16)


def test_plain_text_is_cut_into_pieces(plain: str) -> None:
    tokens = tokenizer(plain)
    # <s>, 40 y, </s> are 42 tokens: pieces of 16, 16 and 10; the first token of each is predicted by nothing
    pieces = list(encode([{"prompt": "", "comment": "y" * 40}], tokens, 16))

    assert [piece["length"] for piece in pieces] == [16, 16, 10]
    assert [piece["answer"] for piece in pieces] == [15, 15, 9]
    assert "".join(tokens.decode(piece["input_ids"]) for piece in pieces) == "<s>" + "y" * 40 + "</s>"
    # 31 y: 33 tokens, and the end token alone is no piece
    assert [piece["length"] for piece in encode([{"prompt": "", "comment": "y" * 31}], tokens, 16)] == [16, 16]


def test_what_spells_a_control_token_in_a_comment_is_text(plain: str) -> None:
    tokens = tokenizer(plain)

    for prompt in ("why?", ""):
        example = one(prompt, "a</s>b", tokens)
        assert example["input_ids"].count(EOS) == 1
        assert tokens.decode(example["input_ids"]).endswith("a</s>b</s>")


def test_an_empty_prompt_after_tokens_still_leaves_a_first_token_without_loss() -> None:
    class Silent:
        chat_template, eos_token_id = None, EOS

        def __call__(self, text: str, **_: Any) -> dict[str, list[int]]:
            return {"input_ids": [] if text.endswith("\n\n") else [5, 6]}

    assert one("?", "a", Silent()) == {"input_ids": [5, 6, EOS], "answer": 2, "replies": [2], "length": 3}


def test_padding_is_on_the_left_and_only_the_comments_columns_are_scored() -> None:
    batch = PadLeft(0)(
        [
            {"input_ids": [7, 8, 9], "answer": 1, "replies": [1], "length": 3},
            {"input_ids": [3, 4, 5, 6, 2], "answer": 2, "replies": [2], "length": 5},
        ]
    )

    assert batch["input_ids"].tolist() == [[0, 0, 7, 8, 9], [3, 4, 5, 6, 2]]
    assert batch["attention_mask"].tolist() == [[0, 0, 1, 1, 1], [1, 1, 1, 1, 1]]
    assert batch["labels"].tolist() == [[IGNORED, IGNORED, 9], [IGNORED, 6, 2]]
    assert batch["logits_to_keep"].tolist() == [2, 3, 4]


def test_packing_starts_positions_anew() -> None:
    batch = Pack()(
        [{"input_ids": [7, 8, 9], "answer": 1, "length": 3}, {"input_ids": [3, 4], "answer": 1, "length": 2}]
    )

    assert batch["input_ids"].tolist() == [[7, 8, 9, 3, 4]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 0, 1]]
    assert batch["labels"].tolist() == [[IGNORED, IGNORED, 9, IGNORED, 4]]


def test_replies_to_one_prompt_share_it_and_nothing_else() -> None:
    # Prompt 5 6 7, replies 8 2 and 9 9 2: before the second the prompt's last token, 7, stands again.
    batch = PadLeft(0)(
        [
            {"input_ids": [5, 6, 7, 8, 2, 7, 9, 9, 2], "answer": 6, "replies": [2, 4], "length": 9},
            {"input_ids": [3, 4, 2], "answer": 1, "replies": [1], "length": 3},
        ]
    )

    assert batch["branches"].tolist() == [[0, 0, 1, 1, 1, 2, 2, 2, 2], [0, 0, 0, 0, 0, 0, 0, 1, 1]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 3, 4, 2, 3, 4, 5], [0, 0, 0, 0, 0, 0, 0, 1, 2]]
    assert batch["labels"].tolist()[0] == [IGNORED, 8, 2, IGNORED, 9, 9, 2]
    assert batch["labels"].tolist()[1] == [IGNORED] * 6 + [2]
    seen = branch_mask(batch["attention_mask"], batch["branches"])
    assert seen.shape == (2, 1, 9, 9)
    rows = [[place for place in range(9) if row[place]] for row in seen[0, 0]]
    assert rows == [
        [0],
        [0, 1],
        [0, 1, 2],
        [0, 1, 2, 3],
        [0, 1, 2, 3, 4],
        [0, 1, 5],
        [0, 1, 5, 6],
        [0, 1, 5, 6, 7],
        [0, 1, 5, 6, 7, 8],
    ]
    assert [row.nonzero().flatten().tolist() for row in seen[1, 0]][6:] == [[6], [6, 7], [6, 7, 8]]


def test_consecutive_replies_to_one_prompt_are_put_together(plain: str) -> None:
    tokens = tokenizer(plain)
    said = [
        ("who decides?", "we"),
        ("who decides?", "you"),
        ("who decides?", "all"),
        ("who?", "we"),
        ("", "a text"),
        ("", "a text"),
    ]
    records = [{"prompt": prompt, "comment": comment} for prompt, comment in said]

    made = list(encode(records, tokens, 64, together=2))

    assert [len(example["replies"]) for example in made] == [2, 1, 1, 1, 1]
    first = made[0]
    assert tokens.decode(first["input_ids"]) == "who decides?\n\nwe</s>\nyou</s>"
    assert first["answer"] == sum(first["replies"])
    assert first["replies"][1] == first["replies"][0] + 2  # a letter more, and the prompt's last token
    both = first["length"]
    assert [len(one["replies"]) for one in encode(records[:2], tokens, both, together=2)] == [2]
    assert [len(one["replies"]) for one in encode(records[:2], tokens, both - 1, together=2)] == [1, 1]


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_replies_put_together_have_the_gradients_of_the_records_one_by_one(plain: str, attention: str) -> None:
    tokens = tokenizer(plain)
    model = AutoModelForCausalLM.from_pretrained(plain, attn_implementation=attention)
    model.config.use_cache = False
    said = [("why?", "because of us"), ("why?", "we"), ("why?", "they say so"), ("who decides?", "we")]
    records = [{"prompt": prompt, "comment": comment} for prompt, comment in said]

    def gradients(*batches: list[dict[str, Any]]) -> tuple[float, list[torch.Tensor]]:
        model.zero_grad()
        total = 0.0
        for examples in batches:
            batch = with_branches(PadLeft(EOS)(examples), model.dtype)
            labels = batch.pop("labels")
            loss = summed_loss(model(**batch).logits, labels)
            loss.backward()
            total += loss.item()
        return total, [weight.grad.clone() for weight in model.parameters() if weight.grad is not None]

    alone, expected = gradients(*([one] for one in encode(records, tokens, 64)))
    loss, found = gradients(list(encode(records, tokens, 64, together=3)))
    assert loss == pytest.approx(alone, rel=1e-5)
    assert len(found) == len(expected) > 5
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4 * other.abs().max().item())


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_batches_have_the_loss_of_their_examples_alone(plain: str, attention: str) -> None:
    tokens = tokenizer(plain)
    model = AutoModelForCausalLM.from_pretrained(plain, attn_implementation=attention).eval()
    model.config.use_cache = False  # as the trainer sets it
    said = [("why?", "because of us"), ("who decides on the well?", "we"), ("", "the well belongs to all of us")]
    examples = list(encode([{"prompt": p, "comment": c} for p, c in said], tokens, 64))

    def loss(batch: dict[str, Any]) -> float:
        labels = batch.pop("labels")
        with torch.inference_mode():
            return float(summed_loss(model(**batch).logits, labels))

    by_hand = 0.0
    for example in examples:
        row = torch.tensor([example["input_ids"]])
        with torch.inference_mode():
            scores = model(row).logits[0].log_softmax(-1)
        first = len(example["input_ids"]) - example["answer"]
        by_hand -= sum(float(scores[place - 1, row[0, place]]) for place in range(first, row.shape[1]))
    assert loss(PadLeft(EOS)(examples)) == pytest.approx(by_hand, rel=1e-5)
    assert loss(Pack()(examples)) == pytest.approx(by_hand, rel=1e-5)
    assert sum(loss(PadLeft(EOS)([example])) for example in examples) == pytest.approx(by_hand, rel=1e-5)
