"""The configuration files for several GPUs are what accelerate itself reads; two processes train one adapter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from plural_tasks.utils.errors import ModPluralError
from tests.community_lms.training.runs import backbone, config, corpus, settings, write


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global ClusterConfig, load_config_from_file, _validate_launch_command, launch_command_parser, DistributedType
    global FullyShardedDataParallelPlugin, prepare_multi_gpu_env, module, train
    from accelerate.commands.config.config_args import ClusterConfig, load_config_from_file
    from accelerate.commands.launch import _validate_launch_command, launch_command_parser
    from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin
    from accelerate.utils.launch import prepare_multi_gpu_env

    from community_lms.training import train as module
    from community_lms.training.train import train


ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "community_lms" / "training" / "accelerate"


@pytest.mark.parametrize(("name", "kind"), [("multi_gpu.yaml", "MULTI_GPU"), ("fsdp.yaml", "FSDP")])
def test_accelerate_reads_the_file(name: str, kind: str) -> None:
    found = load_config_from_file(str(FOLDER / name))

    assert isinstance(found, ClusterConfig)
    assert (found.distributed_type, found.mixed_precision, found.use_cpu) == (DistributedType[kind], "no", False)


def test_the_launcher_turns_the_settings_into_fsdp2(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = launch_command_parser().parse_args(["--config_file", str(FOLDER / "fsdp.yaml"), "train.py"])
    arguments, _, _ = _validate_launch_command(arguments)
    arguments.num_processes = 2
    environment = prepare_multi_gpu_env(arguments)
    for variable, value in environment.items():
        if variable.startswith("FSDP_"):
            monkeypatch.setenv(variable, value)
    plugin = FullyShardedDataParallelPlugin()

    assert environment["ACCELERATE_USE_FSDP"] == "true"
    assert (plugin.fsdp_version, plugin.reshard_after_forward, plugin.activation_checkpointing) == (2, True, True)
    assert plugin.cpu_ram_efficient_loading
    assert "FULL" in str(plugin.state_dict_type)
    assert "transformer" in str(plugin.auto_wrap_policy)


def test_processes_that_do_not_know_of_each_other_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(module, "PartialState", lambda **_: SimpleNamespace(num_processes=1, is_main_process=True))

    with pytest.raises(ModPluralError, match=r"2 processes were started but do not know of each other"):
        train(config(str(tmp_path / "bb"), str(tmp_path / "c.jsonl"), tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_two_processes_train_one_adapter(tmp_path: Path) -> None:
    weights, texts = backbone(tmp_path / "bb"), corpus(tmp_path / "c.jsonl", count=30)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}

    def run(name: str, batch_size: int, *launcher: str) -> dict[str, object]:
        fields = settings(
            weights, texts, tmp_path / name, batch_size=batch_size, epochs=1, lora={"rank": 4, "dropout": 0}
        )
        command = [sys.executable, *launcher, "-m", "model_wrappers", "community", "train"]
        done = subprocess.run(
            [*command, str(write(tmp_path / f"{name}.yaml", fields))],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("held-out loss") == 1
        return json.loads((tmp_path / name / "run_info.json").read_text())

    # `accelerate launch --cpu` starts several processes by MPI only; torch's launcher needs nothing else.
    one, two = run("one", 4), run("two", 2, "-m", "torch.distributed.run", "--nproc_per_node", "2")

    assert one["steps"] == two["steps"]
    # The same texts are held out, and before training the same loss is measured on them.
    assert two["loss"]["held_out_first"] == pytest.approx(one["loss"]["held_out_first"], rel=1e-6)
    assert two["loss"]["held_out_last"] == pytest.approx(one["loss"]["held_out_last"], rel=0.05)
    assert {path.name for path in (tmp_path / "two").iterdir()} == {path.name for path in (tmp_path / "one").iterdir()}
