"""Training on a tiny backbone: what changes, what is refused, and that an interrupted run ends as if it were not."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from community_lms.messages.message import MessageRequest
from community_lms.pools.spec import Community, Decoding
from community_lms.training.config import TrainConfig
from community_lms.training.encode import PadLeft, encode
from community_lms.training.record import RUN_INFO
from plural_tasks.utils.errors import ModPluralError
from tests.community_lms.tiny_models import save_adapter, save_model
from tests.community_lms.training.runs import backbone, config, corpus, tokenizer


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global torch, PeftConfig, AutoModelForCausalLM, PeftEngine, adapter, callbacks, SETTINGS, WEIGHTS, build_model
    global check_branches, check_packing, load_tokenizer, RunClock, ResumableOrder, last_checkpoint, remove_broken
    global summed_loss
    global train, Stopped, interrupt, losses, same, tensors
    import torch
    from peft import PeftConfig
    from transformers import AutoModelForCausalLM

    from community_lms.engines.peft import PeftEngine
    from community_lms.training import adapter, callbacks
    from community_lms.training.adapter import (
        SETTINGS,
        WEIGHTS,
        build_model,
        check_branches,
        check_packing,
        load_tokenizer,
    )
    from community_lms.training.callbacks import ResumableOrder, RunClock, last_checkpoint, remove_broken
    from community_lms.training.train import summed_loss, train
    from tests.community_lms.training.ended import Stopped, interrupt, losses, same, tensors


ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    return backbone(tmp_path_factory.mktemp("weights") / "bb")


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> str:
    return corpus(tmp_path_factory.mktemp("texts") / "c.jsonl")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, weights: str, texts: str) -> Path:
    """A finished run."""
    return train(config(weights, texts, tmp_path_factory.mktemp("runs") / "done"))


def test_a_finished_run_leaves_adapter_record_and_losses_only(done: Path, weights: str) -> None:
    kept = {WEIGHTS, SETTINGS, RUN_INFO, "loss.jsonl", "loss.svg", "train_config.json"}
    info = json.loads((done / RUN_INFO).read_text())
    lines = losses(done)
    held_out = [line["held_out_loss"] for line in lines if "held_out_loss" in line]

    assert {path.name for path in done.iterdir()} == kept
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in done.iterdir())
    facts = info["corpus"]
    assert facts["documents"] + facts["held_out_documents"] == 20
    # two passes, four examples a step
    assert info["steps"] == 2 * -(-facts["documents"] // 4) == lines[-1]["step"]
    assert (lines[0]["step"], lines[0]["tokens"], lines[-1]["tokens"]) == (0, 0, info["tokens"])
    assert info["loss"]["held_out_first"] == held_out[0] > info["loss"]["held_out_last"] == held_out[-1]
    settings = json.loads((done / SETTINGS).read_text())
    assert settings["base_model_name_or_path"] == "bb"
    assert settings["target_modules"] == sorted(settings["target_modules"])
    for name in (SETTINGS, RUN_INFO):
        assert str(Path(weights).parent) not in (done / name).read_text()


def test_the_tokens_are_those_of_two_passes(done: Path, weights: str, texts: str) -> None:
    from community_lms.training.corpus import Corpus, stream

    records = stream(Corpus(path=texts), part="train", holdout=0.2, seed=0)
    once = sum(example["length"] for example in encode(records, tokenizer(weights), 64))

    assert json.loads((done / RUN_INFO).read_text())["tokens"] == 2 * once


def test_the_held_out_loss_is_per_token_over_all_held_out_texts(done: Path, weights: str, texts: str) -> None:
    from peft import PeftModel

    from community_lms.training.corpus import Corpus, stream

    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(weights), str(done)).eval()
    total, count = 0.0, 0
    for example in encode(stream(Corpus(path=texts), part="held_out", holdout=0.2), tokenizer(weights), 64):
        batch = PadLeft(1)([example])
        labels = batch.pop("labels")
        with torch.inference_mode():
            total += float(summed_loss(model(**batch).logits, labels))
        count += example["answer"]

    assert json.loads((done / RUN_INFO).read_text())["loss"]["held_out_last"] == pytest.approx(total / count, rel=1e-5)


def test_the_adapter_speaks_in_the_engine(done: Path, weights: str) -> None:
    engine = PeftEngine(device="cpu", dtype="float32")

    def said(**changes: Any) -> str:
        member = Community.model_validate({"name": "us", "description": "d", "backbone": weights, **changes})
        request = MessageRequest(
            community=member,
            engine="peft",
            identity={},
            turns=(("user", "question 3?"),),
            decoding=Decoding(temperature=0.0, max_new_tokens=8),
            seed=1,
        )
        return engine.speak([request])[0].text

    assert said(adapter=str(done)) != said(persona="You are one of us.")
    assert engine.warnings == []


def test_only_the_adapter_can_be_trained(weights: str, texts: str, tmp_path: Path) -> None:
    model = build_model(config(weights, texts, tmp_path))
    trained = [name for name, parameter in model.named_parameters() if parameter.requires_grad]

    assert trained
    assert all("lora_" in name for name in trained)
    assert not any("lm_head" in name for name in trained)


@pytest.mark.parametrize(
    ("lora", "layers", "modules"),
    [
        ({"layers": [1]}, {"1"}, 7),
        ({"target_modules": ["q_proj", "v_proj"]}, {"0", "1"}, 2),
        ({"target_modules": ["q_proj"], "layers": [0]}, {"0"}, 1),
    ],
)
def test_layers_and_modules_are_those_asked_for(
    weights: str, texts: str, tmp_path: Path, lora: dict[str, Any], layers: set[str], modules: int
) -> None:
    model = build_model(config(weights, texts, tmp_path, lora={"rank": 4, **lora}))
    adapted = [name.split(".lora_A")[0] for name, _ in model.named_parameters() if ".lora_A" in name]

    assert {name.split("layers.")[1].split(".")[0] for name in adapted} == layers
    assert len({name.rsplit(".", 1)[1] for name in adapted}) == modules


def test_going_on_from_another_adapter_starts_with_its_weights(
    done: Path, weights: str, texts: str, tmp_path: Path
) -> None:
    model = build_model(config(weights, texts, tmp_path, init_from=str(done)))
    first = {name.replace(".default", ""): tensor for name, tensor in model.state_dict().items() if "lora_" in name}

    assert all(torch.equal(first[name], tensor) for name, tensor in tensors(done).items())
    assert all(parameter.requires_grad for name, parameter in model.named_parameters() if "lora_" in name)

    again = train(config(weights, texts, tmp_path / "more", init_from=str(done), epochs=1))
    assert losses(again)[0]["held_out_loss"] == pytest.approx(losses(done)[-1]["held_out_loss"], rel=1e-6)
    assert not same(done, again)


def test_the_same_settings_give_the_same_weights_and_dropout_matters(
    done: Path, weights: str, texts: str, tmp_path: Path
) -> None:
    assert same(done, train(config(weights, texts, tmp_path / "again")))
    assert not same(done, train(config(weights, texts, tmp_path / "other", lora={"rank": 4, "dropout": 0.0})))


@pytest.mark.slow
def test_accumulated_batches_are_one_big_batch(weights: str, texts: str, tmp_path: Path) -> None:
    # token-weighted: a step over 2 x 2 examples of different lengths is a step over 4
    plain = {"lora": {"rank": 4, "dropout": 0.0}, "epochs": 1}
    one = train(config(weights, texts, tmp_path / "one", batch_size=4, **plain))
    two = train(config(weights, texts, tmp_path / "two", batch_size=2, gradient_accumulation=2, **plain))
    packed = train(config(weights, texts, tmp_path / "packed", batch_size=4, packing=True, **plain))

    for other in (two, packed):
        for name, tensor in tensors(one).items():
            torch.testing.assert_close(tensors(other)[name], tensor, rtol=2e-3, atol=2e-4)


def test_recomputed_activations_change_nothing(done: Path, weights: str, texts: str, tmp_path: Path) -> None:
    assert same(done, train(config(weights, texts, tmp_path / "r", gradient_checkpointing=True)))


def test_the_file_may_have_another_precision(weights: str, texts: str, tmp_path: Path) -> None:
    folder = train(config(weights, texts, tmp_path / "b", save_precision="bfloat16", max_steps=1))

    assert {tensor.dtype for tensor in tensors(folder).values()} == {torch.bfloat16}


@pytest.mark.parametrize("step", [pytest.param(2, marks=pytest.mark.slow), 4, pytest.param(6, marks=pytest.mark.slow)])
def test_a_run_that_died_ends_as_if_it_had_not(
    done: Path, weights: str, texts: str, tmp_path: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = config(weights, texts, tmp_path / "r")
    with monkeypatch.context() as patched:
        interrupt(patched, step)
        with pytest.raises(Stopped):
            train(settings)
    assert not (tmp_path / "r" / RUN_INFO).exists()
    assert last_checkpoint(tmp_path / "r") == tmp_path / "r" / "checkpoints" / f"checkpoint-{step - 1}"

    folder = train(settings)
    assert same(done, folder)
    assert losses(folder) == losses(done)
    assert json.loads((folder / RUN_INFO).read_text())["tokens"] == json.loads((done / RUN_INFO).read_text())["tokens"]


def test_a_run_that_died_after_its_last_step_is_only_finished(
    done: Path, weights: str, texts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from community_lms.training import train as module

    settings = config(weights, texts, tmp_path / "r")
    with monkeypatch.context() as patched:
        patched.setattr(module, "close_folder", lambda *_, **__: (_ for _ in ()).throw(Stopped()))
        with pytest.raises(Stopped):
            train(settings)

    assert same(done, train(settings))
    assert losses(tmp_path / "r") == losses(done)


@pytest.mark.slow
def test_a_killed_process_is_resumed_with_the_same_losses_and_weights(
    done: Path, weights: str, texts: str, tmp_path: Path
) -> None:
    output = tmp_path / "killed"
    code = f"""
import json
from community_lms.training.config import TrainConfig
from community_lms.training.train import train
train(TrainConfig.model_validate_json({config(weights, texts, output).model_dump_json()!r}))
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, cwd=ROOT, stderr=subprocess.DEVNULL)
    while last_checkpoint(output) is None:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (output / RUN_INFO).exists()

    folder = train(config(weights, texts, output))
    assert same(done, folder)
    assert losses(folder) == losses(done)


def test_half_written_checkpoints_are_removed(tmp_path: Path) -> None:
    for step, whole in ((5, True), (10, True), (15, False)):
        folder = tmp_path / "checkpoints" / f"checkpoint-{step}"
        folder.mkdir(parents=True)
        if whole:
            (folder / "complete").touch()

    assert last_checkpoint(tmp_path) == tmp_path / "checkpoints" / "checkpoint-10"
    remove_broken(tmp_path)
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["checkpoint-10", "checkpoint-5"]


def test_the_clock_adds_sessions_up(tmp_path: Path) -> None:
    (tmp_path / "complete").write_text('{"seconds": 100.0, "started": "2026-01-01T00:00:00+00:00"}')
    clock = RunClock(tmp_path)
    assert 100.0 <= clock.seconds < 110.0
    assert clock.started == "2026-01-01T00:00:00+00:00"

    (tmp_path / "complete").write_text("")  # of a version that kept no time
    assert 0.0 <= RunClock(tmp_path).seconds < 10.0


@pytest.mark.parametrize("own", [False, True])
def test_an_order_is_drawn_again(tmp_path: Path, own: bool) -> None:
    def order(seed: int) -> ResumableOrder:
        generator = torch.Generator().manual_seed(seed) if own else None
        torch.manual_seed(seed)
        return ResumableOrder(2, lengths=list(range(100)), generator=generator)

    first = order(1)
    drawn = list(first)
    first.save(tmp_path / "order.pt")
    following = list(first)

    within, after = order(2), order(2)
    within.resume(tmp_path / "order.pt", within_epoch=True)
    assert list(within) == drawn != following
    after.resume(tmp_path / "order.pt", within_epoch=False)
    if own:  # the trainer itself restores the global generator at the end of an epoch
        assert list(after) == following


def test_a_finished_run_is_not_repeated(done: Path, weights: str, texts: str) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in done.iterdir()}

    assert train(config(weights, texts, done)) == done
    assert {path.name: path.stat().st_mtime_ns for path in done.iterdir()} == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": 0.5}, r"holds a run with learning_rate = 0\.01, now it is 0\.5\. Choose another output"),
        ({"lora": {"rank": 8, "dropout": 0.1}}, r"holds a run with lora\.rank = 4, now it is 8"),
    ],
)
def test_changed_settings_are_refused(
    done: Path, weights: str, texts: str, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModPluralError, match=message):
        train(config(weights, texts, done, **changes))


def test_settings_that_an_earlier_version_did_not_know_have_their_defaults(
    done: Path, weights: str, texts: str, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(done, tmp_path / "copy"))
    known = json.loads((folder / "train_config.json").read_text())
    del known["packing"]
    (folder / "train_config.json").write_text(json.dumps(known))

    assert train(config(weights, texts, folder)) == folder


def test_beginning_again_removes_what_was_written_and_nothing_else(
    done: Path, weights: str, texts: str, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(done, tmp_path / "copy"))
    (folder / "notes.txt").write_text("mine")
    train(config(weights, texts, folder, max_steps=1), fresh=True)

    assert json.loads((folder / RUN_INFO).read_text())["steps"] == 1
    assert (folder / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("fresh", [False, True])
def test_an_adapter_of_others_is_left_alone(weights: str, texts: str, tmp_path: Path, fresh: bool) -> None:
    theirs = save_adapter(tmp_path / "theirs", weights, seed=3)
    before = (Path(theirs) / WEIGHTS).read_bytes()

    with pytest.raises(ModPluralError, match="holds an adapter that this command did not train"):
        train(config(weights, texts, Path(theirs)), fresh=fresh)
    assert (Path(theirs) / WEIGHTS).read_bytes() == before


def test_a_corpus_that_changed_since_is_refused(weights: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = corpus(tmp_path / "c.jsonl")
    with monkeypatch.context() as patched:
        interrupt(patched, 1)
        with pytest.raises(Stopped):
            train(config(weights, said, tmp_path / "r"))
    corpus(tmp_path / "c.jsonl", count=25)

    with pytest.raises(ModPluralError, match=r"c\.jsonl: the corpus was changed since this run began"):
        train(config(weights, said, tmp_path / "r"))


def broken(weights: str, texts: str, folder: Path, what: str) -> TrainConfig:
    """A configuration with one mistake."""
    (folder / "empty.jsonl").touch()
    (folder / "file").touch()
    (folder / "one.jsonl").write_text('{"comment": "the only text of all"}\n')
    output = folder / "out"
    changes: dict[str, dict[str, Any]] = {
        "no corpus": {"corpus": str(folder / "no.jsonl")},
        "empty corpus": {"corpus": str(folder / "empty.jsonl")},
        "all held out": {"corpus": str(folder / "one.jsonl"), "holdout": 0.9999},
        "no backbone": {"backbone": str(folder / "no")},
        "empty backbone": {"backbone": str(folder)},
        "layer": {"lora": {"rank": 4, "layers": [0, 2]}},
        "module": {"lora": {"rank": 4, "target_modules": ["q_proj", "v_prj"]}},
        "no first": {"init_from": str(folder / "no")},
        "other rank": {"init_from": "first"},
        "other width": {"init_from": "wide", "lora": {}},
        "output is a file": {},
    }
    fields = dict(changes[what])
    if fields.get("init_from") == "first":
        fields["init_from"] = save_adapter(folder / "first", weights, seed=3, r=2)
    if fields.get("init_from") == "wide":
        wide = save_model(folder / "wide_bb", seed=3, hidden=16)
        fields["init_from"] = save_adapter(folder / "wide", wide, seed=3)
    made = {"corpus": {"path": fields.pop("corpus", texts)}, **fields}
    return config(weights, texts, folder / "file" / "out" if what == "output is a file" else output, **made)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("no corpus", r"no\.jsonl: no such file or folder"),
        ("empty corpus", r"empty\.jsonl: holds no record"),
        ("all held out", r"corpus: its only text is held out and none is left to train on; lower holdout \(0\.9999\)"),
        ("no backbone", r"backbone .*/no: there is no such folder"),
        ("empty backbone", r"backbone .*: cannot be loaded \("),
        ("layer", r"lora\.layers: found 2, the backbone has layers 0 to 1"),
        ("module", r"lora\.target_modules: unknown module 'v_prj'\. Did you mean 'v_proj'\?"),
        ("no first", r"init_from .*/no: there is no such folder"),
        ("other rank", r"init_from .*/first: has rank 2, lora\.rank is 4"),
        ("other width", r"init_from .*/wide: no adapter can be put on .*size mismatch"),
        ("output is a file", r"train_config\.json: cannot be written \("),
    ],
)
def test_bad_input_is_one_line(weights: str, texts: str, tmp_path: Path, what: str, message: str) -> None:
    with pytest.raises(ModPluralError, match=message) as caught:
        train(broken(weights, texts, tmp_path, what))
    assert "\n" not in str(caught.value)


def test_a_corpus_with_nothing_held_out_is_trained_on_without_a_held_out_loss(
    weights: str, texts: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = config(weights, texts, tmp_path / "r", holdout=1e-9, max_steps=1)
    info = json.loads((train(settings) / RUN_INFO).read_text())

    assert (info["corpus"]["documents"], info["corpus"]["held_out_documents"]) == (20, 0)
    assert info["loss"]["held_out_last"] is None
    assert "nothing of the corpus is held out" in caplog.text


def test_a_diverged_run_writes_no_adapter(weights: str, texts: str, tmp_path: Path) -> None:
    model = build_model(config(weights, texts, tmp_path))
    next(parameter for name, parameter in model.named_parameters() if "lora_A" in name).data.fill_(float("nan"))

    with pytest.raises(ModPluralError, match=r"the training diverged .* Lower learning_rate \(now 0\.01\)"):
        adapter.save_adapter(model, config(weights, texts, tmp_path), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_backbone_that_mixes_packed_examples_is_refused(weights: str, texts: str, tmp_path: Path) -> None:
    model = build_model(config(weights, texts, tmp_path))
    model.config.use_cache = False
    check_packing(model)

    model.get_base_model().model.config.use_cache = True  # with a cache, transformers looks at no positions
    model.config.use_cache = True
    with pytest.raises(ModPluralError, match=r"packing: LlamaForCausalLM with eager attention does not keep"):
        check_packing(model)


def test_a_tokenizer_without_an_end_is_refused(weights: str, texts: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(weights, tmp_path / "endless"))
    tokens = tokenizer(str(folder))
    tokens.eos_token = None
    tokens.save_pretrained(folder)

    with pytest.raises(ModPluralError, match="its tokenizer has no eos_token, so no comment would ever end"):
        load_tokenizer(config(str(folder), texts, tmp_path))


@pytest.mark.parametrize(
    ("found", "expected"),
    [({"avx512_bf16": True}, True), ({"amx_bf16": True}, True), ({"avx2": True}, False), ({}, False)],
)
def test_auto_is_float32_where_there_is_no_bfloat16(
    found: dict[str, bool], expected: bool, monkeypatch: pytest.MonkeyPatch, weights: str, texts: str, tmp_path: Path
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found, raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    auto = config(weights, texts, tmp_path, precision="auto")

    assert adapter.has_native_bfloat16() is expected
    assert adapter.dtype_of(auto) is (torch.bfloat16 if expected else torch.float32)


def test_a_probe_that_vanishes_means_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True, raising=False)
    assert adapter.has_native_bfloat16()
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported", raising=False)
    assert not adapter.has_native_bfloat16()


def test_saved_settings_are_read_by_peft(done: Path) -> None:
    found = PeftConfig.from_pretrained(str(done))

    assert (found.r, found.lora_alpha, found.inference_mode) == (4, 32.0, True)


@pytest.mark.slow
def test_replies_put_together_train_to_the_weights_of_the_records_one_by_one(weights: str, tmp_path: Path) -> None:
    said = [("why?", ("because of us", "we", "they say so")), ("who decides?", ("we", "all of us", "you"))]
    lines = [json.dumps({"prompt": prompt, "comment": text}) for prompt, texts in said for text in texts]
    (tmp_path / "c.jsonl").write_text("\n".join(lines), encoding="utf-8")
    shared = {"max_steps": 3, "gradient_accumulation": 1, "holdout": 0.0, "lora": {"rank": 2, "dropout": 0.0}}
    one = train(config(weights, str(tmp_path / "c.jsonl"), tmp_path / "one", **shared, batch_size=6))
    three = train(
        config(weights, str(tmp_path / "c.jsonl"), tmp_path / "three", **shared, batch_size=2, replies_together=3)
    )

    found, expected = (tensors(folder) for folder in (three, one))
    assert set(found) == set(expected)
    for name, weight in expected.items():
        torch.testing.assert_close(found[name], weight, rtol=1e-3, atol=1e-5)
    tokens = [json.loads((folder / RUN_INFO).read_text())["tokens"] for folder in (three, one)]
    assert tokens[0] < tokens[1]


def test_a_backbone_that_does_not_keep_replies_apart_is_refused(
    weights: str, texts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = build_model(config(weights, texts, tmp_path))
    model.config.use_cache = False
    check_branches(model)

    monkeypatch.setattr(
        adapter, "with_branches", lambda batch, dtype: {k: v for k, v in batch.items() if k != "branches"}
    )
    with pytest.raises(ModPluralError, match=r"replies_together: LlamaForCausalLM with eager attention does not keep"):
        check_branches(model)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"packing": True}, "replies_together and packing cannot both be used"),
        ({"attention": "flash_attention_2"}, "replies_together needs eager or sdpa attention"),
    ],
)
def test_replies_together_go_with_attention_that_takes_a_mask(
    fields: dict[str, Any], message: str, weights: str, texts: str, tmp_path: Path
) -> None:
    with pytest.raises((ModPluralError, ValueError), match=message):
        config(weights, texts, tmp_path, replies_together=2, **fields)
