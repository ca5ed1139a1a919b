"""``modplural community card|push`` and ``modplural pool card|push``: what they print, send and leave."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from huggingface_hub import ModelCard
from typer.testing import CliRunner

from model_wrappers.cli.app import app
from plural_tasks.utils.errors import ModPluralError
from tests.community_lms.publishing.published import BASE, make_adapter, pool_text
from tests.hub_server import HubServer

runner = CliRunner()


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Iterator[HubServer]:
    with HubServer(organisations=["team"]) as server:
        server.use(monkeypatch, tmp_path)
        server.create(BASE, "model")
        yield server


@pytest.fixture
def folder(tmp_path) -> Path:
    return make_adapter(tmp_path / "left")


@pytest.fixture
def path(tmp_path) -> Path:
    (tmp_path / "pool").mkdir()
    return pool_text(tmp_path / "pool")


def invoke(*arguments: object) -> str:
    result = runner.invoke(app, [*map(str, arguments)], env={"COLUMNS": "200"}, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


class TestAdapter:
    def test_card_is_printed_or_written(self, folder) -> None:
        printed = invoke("community", "card", folder, "--repo", "team/left", "--language", "en", "--language", "sw")
        assert ModelCard(printed).data.language == ["en", "sw"]
        assert not (folder / "README.md").exists()
        invoke("community", "card", folder, "--write")
        assert "OWNER/NAME" in (folder / "README.md").read_text()

    def test_dry_run_lists_every_file_and_sends_nothing(self, hub, folder) -> None:
        output = invoke("community", "push", folder, "team/left", "--dry-run")
        listed = [line for line in output.splitlines() if " bytes  " in line]
        assert [line.split()[-1] for line in listed] == [
            *("README.md", "adapter_config.json", "adapter_model.safetensors", "evaluation.json", "loss.jsonl"),
            *("loss.svg", "run_info.json"),
        ]
        weights = (folder / "adapter_model.safetensors").read_bytes()
        assert listed[2].split() == [
            str(len(weights)), "bytes", hashlib.sha256(weights).hexdigest(), "adapter_model.safetensors"
        ]  # fmt: skip
        assert f"Left out: {folder / 'optimizer.pt'} (state of the training)" in output
        assert f"Left out: {folder / 'checkpoint-30'}/ (checkpoint)" in output
        assert output.endswith("Nothing was sent.\n")
        assert hub.requests == []

    def test_what_the_dry_run_lists_is_what_arrives(self, hub, folder) -> None:
        listed = invoke("community", "push", folder, "team/left", "--dry-run").splitlines()
        invoke("community", "push", folder, "team/left")
        files = hub.repo("team/left", "model").files()
        for line in listed:
            if " bytes  " in line:
                _, _, digest, name = line.split()
                assert hashlib.sha256(files[name]).hexdigest() == digest

    def test_push(self, hub, folder) -> None:
        output = invoke("community", "push", folder, "team/left", "--tag", "v1", "--collection", "team/Voices")
        commit = hub.repo("team/left", "model").resolve("v1").oid
        assert f"Pushed: {hub.url}/team/left/commit/{commit}" in output
        assert f"adapter: {{path: team/left, revision: {commit}}}" in output
        assert [found.items for found in hub.collections.values()] == [[("model", "team/left")]]
        assert HubServer.TOKEN not in output
        assert "team/left holds exactly this already" in invoke("community", "push", folder, "team/left")

    def test_push_private(self, hub, folder) -> None:
        invoke("community", "push", folder, "team/left", "--private")
        assert hub.repo("team/left", "model").private

    def test_push_as_a_pull_request(self, hub, folder) -> None:
        hub.create("ann/left", "model")
        output = invoke("community", "push", folder, "ann/left", "--pull-request")
        assert f"Offered as {hub.url}/ann/left/discussions/1" in output
        assert "In a pool file" not in output


class TestPool:
    def test_card_names_repositories_and_no_folder(self, path) -> None:
        output = invoke("pool", "card", path, "--repo", "team/mine")
        assert ModelCard(output).data.license == ["cc-by-4.0", "mit"]
        assert "| team/mine-left |" in output
        assert str(path.parent) not in output

    def test_dry_run(self, hub, path) -> None:
        output = invoke("pool", "push", path, "team/mine", "--dry-run")
        assert "7 files, " in output
        assert "bytes would go to team/mine-left." in output
        assert output.splitlines()[-1] == "Nothing was sent."
        assert "stands for the commit of an adapter that is still to be pushed" in output
        assert not [request for request in hub.requests if not request.startswith("GET")]
        assert list(hub.repos) == [("model", BASE)]

    def test_dry_run_says_what_cannot_be_pinned(self, hub, path) -> None:
        hub.break_off("info", status=503)
        output = invoke("pool", "push", path, "team/mine", "--dry-run")
        assert f"Cannot be pinned now, and would stop the push: {BASE} (" in output

    def test_push_and_show(self, hub, path) -> None:
        output = invoke(
            *("pool", "push", path, "team/mine", "--adapter", "right=tester/others", "--tag", "v1"),
            *("--collection", "team/Voices"),
        )
        assert output.splitlines()[-1] == "Load it with pool=team/mine@v1"
        members = yaml.safe_load(hub.repo("team/mine", "model").files("v1")["pool.yaml"])["communities"]
        assert [member.get("adapter", {}).get("path") for member in members] == [
            "team/mine-left",
            "tester/others",
            None,
        ]
        (collection,) = hub.collections.values()
        assert [name for _, name in collection.items] == ["team/mine-left", "tester/others", "team/mine"]
        shown = invoke("pool", "show", "team/mine@v1")
        assert "team/mine-left" in shown
        assert "neighbour" in shown

    def test_a_pair_that_is_none(self, path) -> None:
        with pytest.raises(ModPluralError, match="--adapter 'right': expected community=owner/name"):
            invoke("pool", "push", path, "team/mine", "--adapter", "right")


@pytest.mark.slow
def test_a_process_of_its_own_pushes_a_pool_and_hears_it(tmp_path) -> None:
    from tests.community_lms.tiny_models import save_adapter, save_model

    backbone = save_model(tmp_path / "base", seed=1)
    for number, name in enumerate(("left", "right")):
        save_adapter(tmp_path / name, backbone, seed=10 + number, init_lora_weights=False)
    members = [{"name": name, "description": name, "adapter": f"./{name}"} for name in ("left", "right")]
    for name, base in (("local", "./base"), ("mine", "team/base")):
        text = yaml.safe_dump({"name": name, "backbone": base, "communities": members})
        (tmp_path / f"{name}.yaml").write_text(text)
    with HubServer(organisations=["team"]) as server:
        files = {file.name: file.read_bytes() for file in Path(backbone).iterdir()}
        server.create("team/base", "model", files=files)

        def run(*words: str) -> list[str]:
            command = [sys.executable, "-m", "model_wrappers", "pool", *words]
            environment = server.environment(tmp_path / "home") | {"COLUMNS": "400", "OMP_NUM_THREADS": "1"}
            root = Path(__file__).resolve().parents[3]
            done = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout.splitlines()

        run("push", str(tmp_path / "mine.yaml"), "team/mine")
        check = ("--engine", "peft", "--device", "cpu")
        heard = run("check", "team/mine", *check)
        assert heard == run("check", str(tmp_path / "local.yaml"), *check)
    assert heard[-1] == "2 of 2 communities spoke; warnings: 0."
