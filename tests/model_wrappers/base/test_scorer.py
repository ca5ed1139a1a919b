"""Our scoring against the harness's own, on a tiny real model."""

from __future__ import annotations

import random
from types import SimpleNamespace

import pytest

from model_wrappers.base.llm import BaseLLM
from plural_tasks.utils.errors import ModPluralError
from tests.community_lms.tiny_models import ROOM, save_adapter, save_model


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global torch, Instance, HFLM, scoring, Scorer, suits
    import torch
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    from model_wrappers.base import scorer as scoring
    from model_wrappers.base.scorer import Scorer, suits


TRUNK = "the well belongs to all of us, who decides"
PAIRS = [
    *((f"{TRUNK} {place}?\nAnswer:", f" {label}") for place in ("here", "there") for label in "ABC"),
    *(
        (f"{TRUNK} {place}?\nAnswer:", option)
        for place in ("here", "there")
        for option in (" rather not", " all of us")
    ),
    ("short", " A"),
    ("spaces at the end  ", "B"),
    ("", "no context"),
    ("we would rather not " * 40, " decides"),  # longer than the model can hold
]


@pytest.fixture(autouse=True)
def _sharing_pays(monkeypatch) -> None:
    """In a model this small attention is most of the work, and hardly anything would be shared."""
    monkeypatch.setattr(scoring, "PAIR", 0.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("base"), seed=3)


@pytest.fixture(scope="module")
def base(folder):
    return HFLM(pretrained=folder, device="cpu", batch_size=3)


def harness(base: HFLM, pairs) -> list[tuple[float, bool]]:
    return base.loglikelihood([Instance("loglikelihood", {}, pair, 0) for pair in pairs], disable_tqdm=True)


def same(found, expected) -> bool:
    return [value for value, _ in found] == pytest.approx([value for value, _ in expected], abs=2e-5) and [
        greedy for _, greedy in found
    ] == [greedy for _, greedy in expected]


def test_figures_are_those_of_the_harness(base) -> None:
    scorer = Scorer(base)
    assert same(scorer.score(PAIRS), harness(base, PAIRS))
    assert scorer.share  # proved, not given up


@pytest.mark.parametrize("budget", [1, 200, 10_000])
def test_whatever_the_batches(base, budget) -> None:
    scorer = Scorer(base)
    scorer.budget = budget
    pairs = random.Random(1).sample(PAIRS, len(PAIRS))
    assert same(scorer.score(pairs, show_progress=False), harness(base, pairs))


def test_greedy_answers_are_known(base) -> None:
    asked = Instance("generate_until", {}, (TRUNK, {"until": [], "max_gen_toks": 3, "do_sample": False}), 0)
    (said,) = base.generate_until([asked], disable_tqdm=True)
    ((_, greedy),) = Scorer(base).score([(TRUNK, said)])
    assert greedy == harness(base, [(TRUNK, said)])[0][1]


def test_a_prompt_is_read_once_for_all_its_options_and_a_shared_beginning_once(base, monkeypatch) -> None:
    read = []
    forward = type(base.model).forward

    def counted(self, input_ids, **rest):
        read.append(int(input_ids.numel()))
        return forward(self, input_ids=input_ids, **rest)

    monkeypatch.setattr(type(base.model), "forward", counted)
    scorer = Scorer(base)
    scorer._proved = True
    context = len(base.tok_encode(f"{TRUNK} here?\nAnswer:"))
    scorer.score([(f"{TRUNK} here?\nAnswer:", label) for label in "ABC"])
    assert read == [context]
    read.clear()
    scorer.score([(f"{TRUNK} {place}?\nAnswer:", label) for place in ("here", "there") for label in "ABC"])
    assert len(read) == 1
    assert read[0] < 1.6 * context


def test_only_scored_positions_reach_the_vocabulary(base) -> None:
    widths = []
    head = base.model.get_output_embeddings()
    handle = head.register_forward_hook(lambda _, inputs, output: widths.append(output.shape[:2]))
    Scorer(base).score([(TRUNK, label) for label in "ABC"])
    handle.remove()
    assert widths == [(1, 1)]


def test_adapters_and_truncation(folder, tmp_path, caplog) -> None:
    adapted = HFLM(pretrained=folder, peft=save_adapter(tmp_path, folder, 5), device="cpu")
    assert suits(adapted)
    assert same(Scorer(adapted).score(PAIRS), harness(adapted, PAIRS))
    assert "1 of 6 prompts is longer than the base LLM can read (128 tokens)" in caplog.text
    assert len(Scorer(adapted)._sequence((1,) * 500, (2, 3))) == ROOM


def test_a_model_that_computes_otherwise_in_a_shared_row_is_asked_one_by_one(base, monkeypatch, caplog) -> None:
    inputs = Scorer._inputs

    def blind(self, batch):
        made = inputs(self, batch)
        return {name: value for name, value in made.items() if name != "attention_mask"}

    monkeypatch.setattr(Scorer, "_inputs", blind)
    scorer = Scorer(base)
    assert same(scorer.score(PAIRS), harness(base, PAIRS))
    assert not scorer.share
    assert "scores shared prompts otherwise" in caplog.text


def test_a_model_that_takes_no_mask_is_asked_one_by_one(base, monkeypatch, caplog) -> None:
    forward = type(base.model).forward

    def plain(self, input_ids, use_cache=True):
        return forward(self, input_ids=input_ids, use_cache=use_cache)

    monkeypatch.setattr(type(base.model), "forward", plain)
    scorer = Scorer(base)
    assert same(scorer.score(PAIRS), harness(base, PAIRS))
    assert "takes no mask of its own" in caplog.text


def test_where_memory_runs_out_batches_are_halved(base, monkeypatch, caplog) -> None:
    forward = Scorer._forward

    def small(self, batch, wanted):
        if len(batch) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(self, batch, wanted)

    monkeypatch.setattr(Scorer, "_forward", small)
    assert same(Scorer(base).score(PAIRS), harness(base, PAIRS))
    assert "Memory ran out" in caplog.text


def test_another_error_is_not_taken_for_want_of_memory(base, monkeypatch) -> None:
    def broken(self, batch, wanted):
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(Scorer, "_forward", broken)
    with pytest.raises(RuntimeError, match="shapes"):
        Scorer(base).score(PAIRS)


def test_an_answer_without_tokens_is_one_clear_error(base) -> None:
    with pytest.raises(ModPluralError, match=r"makes no token of the answer ''"):
        Scorer(base).score([(TRUNK, "")])


def test_only_the_harness_own_causal_model_is_scored_so(base, folder) -> None:
    class Steered(HFLM):
        pass

    assert suits(base)
    assert not suits(Steered(pretrained=folder, device="cpu"))
    assert not suits(SimpleNamespace())


def test_a_text_with_the_first_special_token_is_encoded_as_the_harness_does(folder) -> None:
    bos = HFLM(pretrained=folder, device="cpu", add_bos_token=True)
    pairs = [("<s>we decide", " A"), ("we decide", " A")]
    assert same(Scorer(bos).score(pairs), harness(bos, pairs))


def test_the_base_llm_is_asked_through_it(base, monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(scoring.Scorer, "score", lambda self, pairs: asked.extend(pairs) or [(0.0, True)] * len(pairs))
    assert BaseLLM(base).ask("loglikelihood", [Instance("loglikelihood", {}, ("a", " b"), 0)]) == [(0.0, True)]
    assert asked == [("a", " b")]


def test_options_are_told_apart_that_bfloat16_rounds_to_one(folder) -> None:
    low = HFLM(pretrained=folder, device="cpu", dtype="bfloat16")
    pairs = [(f"{TRUNK} {number}", chr(65 + letter)) for number in range(40) for letter in range(26)]
    found = [value for value, _ in Scorer(low).score(pairs)]
    with torch.inference_mode():
        rounded = [value for value, _ in harness(low, pairs)]
    assert found == pytest.approx(rounded, abs=0.2)
    ties, left = (
        sum(len(values[at : at + 26]) - len(set(values[at : at + 26])) for at in range(0, len(values), 26))
        for values in (rounded, found)
    )
    assert ties > 50
    assert left == 0


def test_logits_that_a_model_changes_stay_as_they_are(folder, monkeypatch) -> None:
    low = HFLM(pretrained=folder, device="cpu", dtype="bfloat16")
    forward = type(low.model).forward

    def cooled(self, *given, **rest):
        made = forward(self, *given, **rest)
        made.logits = made.logits / 2
        return made

    monkeypatch.setattr(type(low.model), "forward", cooled)
    pairs = [(f"{TRUNK} {number}", letter) for number in range(9) for letter in "ABC"]
    found = [value for value, _ in Scorer(low).score(pairs)]
    assert found == pytest.approx([value for value, _ in harness(low, pairs)], abs=0.1)


def test_plain_rows_do_not_stand_beside_rows_that_need_a_mask(base, monkeypatch) -> None:
    kinds = []
    forward = Scorer._forward

    def watched(self, batch, wanted):
        kinds.append({row.plain for row in batch})
        return forward(self, batch, wanted)

    monkeypatch.setattr(Scorer, "_forward", watched)
    scorer = Scorer(base)
    scorer._proved = True
    assert same(scorer.score(PAIRS), harness(base, PAIRS))
    assert kinds == [{False}, {True}]
