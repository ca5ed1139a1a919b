"""An estimate counts what a run then asks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from community_lms.messages.store import MessageStore
from model_wrappers.cli.app import app
from plural_tasks.utils.errors import ModPluralError
from tests.community_lms.tiny_models import save_adapter, save_model
from tests.model_wrappers.helpers import run_harness


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global MessageCounts, PromptCounts, RunEstimate, Speed, estimate
    from model_wrappers.runs.counting import MessageCounts, PromptCounts
    from model_wrappers.runs.estimate import RunEstimate, estimate
    from model_wrappers.runs.speed import Speed


runner = CliRunner()


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_model(tmp_path_factory.mktemp("estimate") / "b", seed=1)


def arguments(folder: Path, backbone: str, *more: str) -> list[str]:
    settings = f"message_engine=scripted,messages={folder / 'm.sqlite'},pretrained={backbone}"
    return ["--model_args", settings, "--tasks", "plural_embedded", "--limit", "2", "--device", "cpu", *more]


def test_prompts_are_counted_by_running_the_methods(backbone: str, tmp_path: Path) -> None:
    methods = ("vanilla", "prompting", "moe", "modplural")
    found = estimate(arguments(tmp_path, backbone), methods, (), measure=False)
    # Two documents of each task. Eleven communities: each speaks on five questions (one steerable question stands for
    # two attributes, which the embedded pool is not told); modplural scores eleven prompts for a distribution.
    assert {name: one.planned for name, one in found.messages.items()} == dict.fromkeys(found.messages, 5)
    assert len(found.messages) == 11
    assert [(found.prompts[name].scored, found.prompts[name].generated) for name in methods] == [
        (3, 2),  # the two steerable documents put the same question, without the attribute
        (4, 2),
        (10, 2),  # an expert is chosen for each document, by the numbers' scores
        (26, 2),  # two selections for the steerable ones
    ]
    assert found.prompts["modplural"].read_tokens > found.prompts["vanilla"].read_tokens > 0
    assert found.bases == [backbone]
    assert found.exact
    assert found.seconds() is None
    assert not (tmp_path / "m.sqlite").exists()


@pytest.mark.slow
def test_a_run_asks_what_was_estimated_and_afterwards_nothing_is_missing(backbone: str, tmp_path: Path) -> None:
    given = arguments(tmp_path, backbone)
    before = estimate(given, (), (), measure=False)
    run_harness([*given, "--output_path", str(tmp_path / "r.json"), "--gen_kwargs", "max_gen_toks=4"])
    (path,) = tmp_path.glob("r_*.json")
    counts = json.loads(path.read_text())["config"]["modplural"]["message_counts"]
    assert counts["generated"] == sum(one.missing for one in before.messages.values()) == 55
    after = estimate(given, (), (), measure=False)
    assert sum(one.missing for one in after.messages.values()) == 0
    assert [one.stored for one in after.messages.values()] == [5] * 11
    assert after.prompts["modplural"].generated == before.prompts["modplural"].generated


def test_measuring_keeps_its_messages_and_gives_seconds(backbone: str, tmp_path: Path) -> None:
    adapter = save_adapter(tmp_path / "a", backbone, seed=2, init_lora_weights=False)
    (tmp_path / "pool.yaml").write_text(
        f"name: us\nbackbone: {backbone}\ndecoding: {{max_new_tokens: 4}}\ncommunities:\n"
        f"  - {{name: ours, description: we, adapter: {adapter}}}\n"
    )
    settings = f"pool={tmp_path / 'pool.yaml'},messages={tmp_path / 'm.sqlite'},pretrained={backbone}"
    given = ["--model_args", settings, "--tasks", "plural_embedded", "--limit", "2", "--device", "cpu"]
    found = estimate([*given, "--gen_kwargs", "max_gen_toks=4"], (), (), measure=True)
    assert found.messages["ours"].missing == 6  # this pool is told attributes
    assert found.messages["ours"].new_tokens == 24
    assert len(MessageStore(tmp_path / "m.sqlite")) == 6  # fewer than a batch
    assert found.prompts["modplural"].written_tokens == 2 * 4  # of one community none is selected
    seconds = found.seconds()
    assert seconds is not None
    assert 0 < seconds < 600
    assert found.memory["adapters"] == (Path(adapter) / "adapter_model.safetensors").stat().st_size
    assert (
        found.memory[f"backbone {backbone}"]
        == found.memory["base LLM"]
        == (Path(backbone) / "model.safetensors").stat().st_size
    )


def test_a_base_that_does_not_answer_is_one_error(backbone: str, tmp_path: Path) -> None:
    with pytest.raises(ModPluralError, match=r"the base LLM does not answer \(AssertionError: Invalid configuration"):
        estimate([*arguments(tmp_path, backbone), "--gen_kwargs", "max_gen_toks=500"], (), (), measure=True)


def by_hand() -> RunEstimate:
    return RunEstimate(
        messages={"left": MessageCounts(10, 4, 600, 300)},
        prompts={"vanilla": PromptCounts(8, 2, 1000, 100), "modplural": PromptCounts(40, 2, 9000, 100)},
        bases=["a", "b"],
        memory={"adapters": 3_000_000, "base LLM": None},
        exact=False,
        speed=Speed(0.5, 0.1, 2.0),
    )


def test_seconds_and_money_are_sums() -> None:
    found = by_hand()
    # 6 messages x 0.5 + 2 bases x (48 x 0.1 + 4 x 2.0); 2 bases x (10,000 tokens at $2 + 200 at $10 a million).
    assert found.seconds() == pytest.approx(3.0 + 2 * (4.8 + 8.0))
    assert found.money(2.0, 10.0) == pytest.approx(2 * (0.02 + 0.002))
    found.speed.message_seconds = None
    assert found.seconds() is None
    found.messages["left"].stored = 10
    assert found.seconds() == pytest.approx(2 * (4.8 + 8.0))


def test_the_command_prints_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def known(arguments: Any, methods: Any, bases: Any, *, measure: bool) -> RunEstimate:
        asked.update(arguments=list(arguments), methods=list(methods), bases=list(bases), measure=measure)
        return by_hand()

    monkeypatch.setattr("model_wrappers.runs.estimate.estimate", known)
    given = ("estimate", "--methods", "vanilla,modplural", "--measure", "--tasks", "x", "--prices", "2,10")
    result = runner.invoke(app, list(given), catch_exceptions=False)
    assert asked == {"arguments": ["--tasks", "x"], "methods": ["vanilla", "modplural"], "bases": [], "measure": True}
    for part in ("left", "10", "about 9,000", "Base LLM, each of 2", "adapters 3 MB, base LLM not on this machine"):
        assert part in result.output
    assert (
        "Time: about 29 s (0.50 s for a message, 0.10 s for a scored prompt, 2.00 s for a generated text)."
        in result.output
    )
    assert "at most $0.04" in result.output


@pytest.mark.parametrize("prices", ["cheap", "1", "-1,2"])
def test_wrong_prices_are_refused(prices: str) -> None:
    result = runner.invoke(app, ["estimate", "--tasks", "plural_embedded", "--prices", prices])
    assert isinstance(result.exception, ModPluralError)
    assert str(result.exception).startswith(f"--prices: found {prices!r}, expected ")


def test_without_tasks_it_asks_for_them(tmp_path: Path) -> None:
    with pytest.raises(ModPluralError, match="name the tasks"):
        estimate(["--model_args", "messages=none"], (), (), measure=False)
