"""Several methods and base LLMs in one command: the figures of single runs, nothing asked or loaded twice, resumed."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from community_lms.messages.store import MessageStore
from model_wrappers.base import build as building
from model_wrappers.cli import evaluate as command
from model_wrappers.runs.grid import DONE, lay_out
from tests.community_lms.tiny_models import save_model
from tests.model_wrappers.helpers import run_harness

TASKS = ("plural_embedded_steerable", "plural_embedded_distributional")


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    root = tmp_path_factory.mktemp("bases")
    return save_model(root / "one", seed=1), save_model(root / "two", seed=2)


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which base LLMs were loaded."""
    names: list[str] = []
    build = building._build

    def counted(name: str, arguments: Any, unchecked: Any) -> Any:
        names.append(Path(arguments["pretrained"]).name)
        return build(name, arguments, unchecked)

    monkeypatch.setattr(building, "_build", counted)
    return names


def arguments(folder: Path, *more: str) -> list[str]:
    settings = f"message_engine=scripted,messages={folder / 'm.sqlite'}"
    return [
        *("--model_args", settings, "--tasks", ",".join(TASKS), "--limit", "2", "--device", "cpu"),
        *("--output_path", str(folder / "out"), *more),
    ]


def results(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())  # type: ignore[no-any-return]


def found(folder: Path) -> dict[str, dict[str, Any]]:
    return {str(path.parent.relative_to(folder)): results(path) for path in sorted(folder.rglob("results_*.json"))}


@pytest.mark.parametrize(
    ("methods", "alone"),
    [
        (("vanilla", "modplural"), ("modplural",)),
        pytest.param(("vanilla", "moe", "modplural"), ("vanilla", "modplural"), marks=pytest.mark.slow),
    ],
)
def test_figures_are_those_of_single_runs_and_nothing_is_asked_or_loaded_twice(
    bases: tuple[str, str],
    built: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    methods: tuple[str, ...],
    alone: tuple[str, ...],
) -> None:
    chosen = ("--methods", ",".join(methods), "--bases", ",".join(bases))
    run_harness([*chosen, *arguments(tmp_path / "grid")])
    assert built == ["one", "two"]
    printed = capsys.readouterr().out
    stored = len(MessageStore(tmp_path / "grid" / "m.sqlite"))
    assert f"{stored} messages for all runs: 0 were stored, {stored} asked" in printed
    runs = 2 * len(methods)
    assert f"run {runs} of {runs}: two-modplural" in printed
    assert "to go" in printed
    assert "modplural compare one-vanilla=" in printed

    together = found(tmp_path / "grid" / "out")
    assert set(together) == {f"{base}/{method}" for base in ("one", "two") for method in methods}
    for name, run in together.items():
        assert run["config"]["modplural"]["message_counts"]["generated"] == 0, name
        assert run["config"]["modplural"]["method"] == name.split("/")[1]
    for base in bases:
        for method in alone:
            folder = tmp_path / f"{Path(base).name}-{method}"
            run_harness([*arguments(folder), "--model_args", f"method={method},pretrained={base}", "--log_samples"])
            (single,) = found(folder / "out").values()
            assert single["results"] == together[f"{Path(base).name}/{method}"]["results"]


@pytest.mark.slow
def test_an_interrupted_command_goes_on_and_another_setting_runs_anew(
    bases: tuple[str, str], built: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    evaluate = command.evaluate

    def dying(given: Sequence[str]) -> None:
        if len(done) == 1:
            done.append("killed")
            raise KeyboardInterrupt
        done.append(next(part for part in given if part.startswith("method=")))
        evaluate(given)

    monkeypatch.setattr(command, "evaluate", dying)
    given = ["--methods", "vanilla,prompting", *arguments(tmp_path, "--model_args", f"pretrained={bases[0]}")]
    with pytest.raises(SystemExit) as caught:
        run_harness(given)
    assert caught.value.code == 130
    assert [path.parent.name for path in tmp_path.rglob(DONE)] == ["vanilla"]

    run_harness(given)
    assert done == ["method=vanilla", "killed", "method=prompting"]
    assert not (tmp_path / "m.sqlite").exists()  # neither method asks every community
    run_harness(given)
    assert len(done) == 3
    run_harness([*given, "--num_fewshot", "1"])
    assert done[3:] == ["method=vanilla", "method=prompting"]


@pytest.mark.slow
def test_results_that_were_removed_are_made_again(bases: tuple[str, str], tmp_path: Path) -> None:
    given = ["--methods", "vanilla", *arguments(tmp_path, "--model_args", f"pretrained={bases[0]}")]
    run_harness(given)
    (path,) = tmp_path.rglob("results_*.json")
    path.unlink()
    run_harness(given)
    assert len(list(tmp_path.rglob("results_*.json"))) == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--methods", "vanila"], "--methods: unknown method 'vanila'"),
        (["--methods", "moe,moe"], "--methods: 'moe' is given twice."),
        (["--bases", "a/x,b/x"], "--bases: two of them would write to"),
        (
            ["--methods", "vanilla", "--include_path", "/no", "--tasks", "plural_embeded"],
            "unknown task 'plural_embeded'",
        ),
    ],
)
def test_mistakes_are_one_line(
    given: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        run_harness([*arguments(tmp_path), *given])
    assert caught.value.code == 1
    said = capsys.readouterr().err
    (told,) = (line for line in said.splitlines() if line.startswith("modplural: error: "))
    assert message in told
    assert not list(tmp_path.rglob("results_*.json"))


def test_without_a_place_for_results_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run_harness(["--methods", "vanilla", "--tasks", "plural_embedded_steerable"])
    assert "--methods and --bases need --output_path" in capsys.readouterr().err


def test_folders_and_labels(tmp_path: Path) -> None:
    runs = lay_out(["vanilla", "moe"], ["org/a", "./b:c"], tmp_path)
    assert [run.label for run in runs] == ["a-vanilla", "a-moe", "b_c-vanilla", "b_c-moe"]
    assert runs[3].folder == tmp_path / "b_c" / "moe"
    assert runs[3].model_args == {"pretrained": "./b:c", "method": "moe"}
    (only,) = lay_out([], ["org/a"], tmp_path)
    assert (only.label, only.folder, only.model_args) == ("run", tmp_path, {"pretrained": "org/a"})


@pytest.mark.slow
def test_each_run_has_a_trace_of_its_own(bases: tuple[str, str], tmp_path: Path) -> None:
    trace = ("--model_args", f"pretrained={bases[0]},trace=somewhere/t.jsonl")
    run_harness(["--methods", "vanilla,moe", *arguments(tmp_path, *trace)])
    for method in ("vanilla", "moe"):
        lines = (tmp_path / "out" / method / "t.jsonl").read_text().splitlines()
        assert {json.loads(line)["method"] for line in lines} == {method}


@pytest.mark.slow
def test_the_command_itself(tmp_path: Path, bases: tuple[str, str]) -> None:
    finished = subprocess.run(
        [
            sys.executable,
            "-m",
            "model_wrappers",
            "eval",
            "--methods",
            "vanilla,modplural",
            "--bases",
            bases[0],
            *arguments(tmp_path),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "run 2 of 2: modplural" in finished.stdout
    assert {path.parent.name for path in tmp_path.rglob(DONE)} == {"vanilla", "modplural"}
