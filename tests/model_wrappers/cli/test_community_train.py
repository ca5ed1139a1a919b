"""``modplural community train``: what the user sees, and what a mistake looks like."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from model_wrappers.cli import main
from model_wrappers.cli.app import app
from model_wrappers.cli.community import settings, summary
from plural_tasks.utils.errors import ModPluralError
from tests.community_lms.training import runs

runner = CliRunner()


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    return runs.backbone(tmp_path_factory.mktemp("weights") / "bb")


def file(tmp_path: Path, weights: str, **changes: Any) -> str:
    fields = runs.settings(weights, runs.corpus(tmp_path / "c.jsonl"), tmp_path / "unused", **changes)
    del fields["output"]
    return str(runs.write(tmp_path / "us.yaml", fields))


def test_a_run_tells_steps_tokens_and_losses_and_a_second_one_does_not_train(
    tmp_path: Path, weights: str, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    arguments = ["community", "train", file(tmp_path, weights), "--set", "max_steps=2", "--set", "lora.rank=2"]
    first = runner.invoke(app, arguments, catch_exceptions=False)
    seen = capfd.readouterr()
    info = json.loads((tmp_path / "us" / "run_info.json").read_text())
    loss = info["loss"]

    assert first.exit_code == 0
    lines = first.stdout.splitlines()[-3:]
    assert lines[0] == f"us: {tmp_path / 'us'}"
    assert lines[1].startswith(f"  2 steps, {info['tokens']:,} tokens, ")
    assert lines[2] == (
        f"  held-out loss {loss['held_out_first']:.3f} -> {loss['held_out_last']:.3f} nats per token"
        f" ({info['corpus']['held_out_documents']} texts)"
    )
    assert info["config"]["lora"] == {"rank": 2, "alpha": 32.0, "dropout": 0.1}
    noise = seen.out + seen.err + first.stderr
    assert "2/2" in noise  # the bar
    for ugly in ("{'", "eval_loss", "grad_norm", "FutureWarning", "UserWarning"):
        assert ugly not in noise
    assert [str(found.message) for found in recwarn if found.category in (UserWarning, FutureWarning)] == []

    written = (tmp_path / "us" / "run_info.json").stat().st_mtime_ns
    again = runner.invoke(app, arguments, catch_exceptions=False)
    assert again.stdout.splitlines()[-3:] == lines
    assert (tmp_path / "us" / "run_info.json").stat().st_mtime_ns == written


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "epoch=3"], "unknown field 'epoch'. Did you mean 'epochs'?"),
        (["--set", "epochs"], "--set 'epochs': expected FIELD=VALUE, for example --set epochs=3."),
        (["--set", "epochs=["], "--set 'epochs=[': the value cannot be read as YAML."),
        (["--set", "corpus=no.jsonl"], "no.jsonl: no such file or folder"),
        (["--set", "backbone=/no/such"], "backbone /no/such: there is no such folder."),
        (["--set", "lora.layers=[7]"], "lora.layers: found 7, the backbone has layers 0 to 1."),
    ],
)
def test_a_mistake_is_one_line(
    tmp_path: Path,
    weights: str,
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.argv", ["modplural", "community", "train", file(tmp_path, weights), *arguments])
    with pytest.raises(SystemExit) as caught:
        main()
    last = capsys.readouterr().err.strip().splitlines()[-1]

    assert caught.value.code == 1
    assert last.startswith("modplural: error: ")
    assert message in last


def test_an_interrupted_run_says_how_it_goes_on(tmp_path: Path, weights: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("community_lms.training.train.train", interrupted)
    found = runner.invoke(app, ["community", "train", file(tmp_path, weights)])

    assert found.exit_code == 130
    assert found.stdout == "Interrupted; the same command goes on from the last checkpoint.\n"


def test_settings_of_one_mapping_are_joined() -> None:
    found = settings(["lora.rank=8", "lora.layers=[0, 1]", "learning_rate=2e-4", "packing=true"])

    assert found == {"lora": {"rank": 8, "layers": [0, 1]}, "learning_rate": "2e-4", "packing": True}
    with pytest.raises(ModPluralError, match="expected FIELD=VALUE"):
        settings(["rank"])


def test_a_run_without_held_out_texts_has_no_loss_line(tmp_path: Path) -> None:
    loss = {"train": 1.0, "held_out_first": None, "held_out_last": None}
    info = {"community": "us", "steps": 1200, "tokens": 1234567, "seconds": 90.0, "loss": loss, "corpus": {}}
    (tmp_path / "run_info.json").write_text(json.dumps(info))

    assert summary(tmp_path) == f"us: {tmp_path}\n  1200 steps, 1,234,567 tokens, 1.5 minutes"
