"""Layers compiled in place: the same adapter but for rounding, the same names; without a compiler one clear error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plural_tasks.utils.errors import ModPluralError
from tests.community_lms.training.runs import backbone, config, corpus


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global torch, load_file, adapter, WEIGHTS, build_model, compile_layers, has_cpp_compiler, train
    import torch
    from safetensors.torch import load_file

    from community_lms.training import adapter
    from community_lms.training.adapter import WEIGHTS, build_model, compile_layers, has_cpp_compiler
    from community_lms.training.train import train


@pytest.fixture
def _compiler() -> None:
    if not has_cpp_compiler():
        pytest.skip("no C++ compiler")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    return backbone(tmp_path_factory.mktemp("weights") / "bb")


@pytest.mark.slow
@pytest.mark.usefixtures("_compiler")
def test_a_compiled_run_ends_as_one_without(tmp_path: Path, weights: str) -> None:
    texts = corpus(tmp_path / "c.jsonl")
    plain, compiled = (
        train(config(weights, texts, tmp_path / str(on), compile=on, lora={"rank": 4, "dropout": 0.0}))
        for on in (False, True)
    )
    first, second = load_file(plain / WEIGHTS), load_file(compiled / WEIGHTS)
    assert first.keys() == second.keys()
    assert all(torch.allclose(first[name], second[name], atol=1e-4) for name in first)
    told = [json.loads((folder / "loss.jsonl").read_text().splitlines()[-1]) for folder in (plain, compiled)]
    assert told[1]["held_out_loss"] == pytest.approx(told[0]["held_out_loss"], abs=1e-4)


@pytest.mark.usefixtures("_compiler")
def test_every_layer_is_compiled_and_nothing_else(tmp_path: Path, weights: str) -> None:
    texts = corpus(tmp_path / "c.jsonl")
    plain, model = (build_model(config(weights, texts, tmp_path / "r", compile=on)) for on in (False, True))
    compiled = [name for name, module in model.named_modules() if module._compiled_call_impl is not None]
    assert compiled == [f"base_model.model.model.layers.{layer}" for layer in range(2)]
    assert not any(module._compiled_call_impl is not None for module in plain.modules())
    assert list(model.state_dict()) == list(plain.state_dict())
    assert model.config.use_cache is plain.config.use_cache is False


def test_without_a_compiler_or_layers_it_is_refused(
    tmp_path: Path, weights: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = build_model(config(weights, corpus(tmp_path / "c.jsonl"), tmp_path / "r"))
    monkeypatch.setattr(adapter, "has_cpp_compiler", lambda: True)
    monkeypatch.setattr(model.get_base_model(), "_no_split_modules", None)
    with pytest.raises(ModPluralError, match="LlamaForCausalLM names no layers; set compile: false"):
        compile_layers(model)
    monkeypatch.setattr(adapter, "on_cpu", lambda: True)
    monkeypatch.setattr(adapter, "has_cpp_compiler", lambda: False)
    with pytest.raises(ModPluralError, match=r"no C\+\+ compiler .*set compile: false"):
        compile_layers(model)


def test_a_compiler_is_found_by_its_name_or_by_cxx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    assert not has_cpp_compiler()
    made = tmp_path / "mycc"
    made.write_text("#!/bin/sh\n")
    made.chmod(0o755)
    monkeypatch.setenv("CXX", "mycc")
    assert has_cpp_compiler()
