"""Arguments of the base LLM."""

from types import SimpleNamespace

import pytest

from model_wrappers.base import build
from model_wrappers.base.build import build_base
from model_wrappers.base.llm import BaseLLM
from plural_tasks.utils.errors import ModPluralError
from tests.community_lms.tiny_models import save_model
from tests.model_wrappers.helpers import doc, requests


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global Loose, Strict
    from tests.model_wrappers.lms import Loose, Strict


@pytest.fixture(autouse=True)
def _registered(monkeypatch) -> None:
    import lm_eval.models  # noqa: F401
    from lm_eval.api.registry import model_registry

    monkeypatch.setitem(model_registry._objs, "strict", Strict)
    monkeypatch.setitem(model_registry._objs, "loose", Loose)


def test_known_arguments_pass_and_the_harness_extras_are_dropped_where_unknown() -> None:
    base = build_base(
        "strict", {"path": "m", "length": 7, "batch_size": 3, "device": "cuda:0", "max_batch_size": None}, {}
    )
    assert base.model.given == {"path": "m", "length": 7, "batch_size": 3}


@pytest.mark.parametrize("name", ["strict", "loose"])
def test_an_unknown_argument_is_refused_even_where_the_backend_would_swallow_it(name) -> None:
    with pytest.raises(ModPluralError, match=r"unknown argument 'lenght'\. Did you mean 'length'"):
        build_base(name, {"path": "m", "lenght": 7}, {})


def test_base_args_are_passed_on_unchecked() -> None:
    assert build_base("loose", {}, {"path": "m", "anything": 1}).model.given["path"] == "m"


def test_a_missing_argument_is_named() -> None:
    with pytest.raises(ModPluralError, match=r"the base 'strict' needs path="):
        build_base("strict", {}, {})


def test_a_failing_backend_is_one_line(monkeypatch) -> None:
    monkeypatch.setattr(
        Strict, "create_from_arg_obj", classmethod(lambda *_: (_ for _ in ()).throw(OSError("no\nnet")))
    )
    with pytest.raises(ModPluralError, match=r"base 'strict' cannot be set up \(OSError: no net\)"):
        build_base("strict", {"path": "m"}, {})


def test_transformers_arguments_are_known_to_hf() -> None:
    from lm_eval.models.huggingface import HFLM

    known, open_ended = build._parameters(HFLM)
    assert open_ended
    assert {"pretrained", "dtype", "gguf_file", "peft"} <= known
    assert {"attn_implementation", "device_map"} & build._forwarded(HFLM)


def test_automatic_batch_size_on_a_cpu_comes_from_free_memory(monkeypatch) -> None:
    import psutil

    # A row takes 8 bytes x 1,024 tokens x 1,000 words = 8.192 MB; half of 1 GB holds 61, of which 32 is a power of 2.
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=10**9))
    base = SimpleNamespace(device="cpu", max_length=8192, vocab_size=1000, max_batch_size=64, batch_size_per_gpu="auto")
    build._settle_batch_size(base)
    assert base.batch_size_per_gpu == 32
    gpu = SimpleNamespace(device="cuda:0", batch_size_per_gpu="auto")
    build._settle_batch_size(gpu)
    assert gpu.batch_size_per_gpu == "auto"


def test_a_base_llm_is_let_go_before_the_next_one_is_built(tmp_path) -> None:
    import weakref

    folders = [save_model(tmp_path / name, seed) for seed, name in enumerate("ab")]
    asked = requests([doc("distributional")], "loglikelihood")
    alive = []

    def take(folder: str) -> BaseLLM:
        given = {"pretrained": folder, "device": "cpu"}
        assert build_base("hf", given, {}) is build_base("hf", given, {})
        alive.append(len([one for one in known if one() is not None]))
        return build_base("hf", given, {})

    known: list = []
    with build.shared_base():
        for folder in folders:
            base = take(folder)
            base.ask("loglikelihood", asked)
            known.append(weakref.ref(base.model))
            del base
    assert alive == [0, 0]
