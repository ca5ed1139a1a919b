"""The table of contents: every command is found, and none waits for the libraries of the others."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from model_wrappers.cli.app import FILES, app
from tests.test_imports import HEAVY

runner = CliRunner()
FOLDER = Path(__file__).resolve().parents[3] / "model_wrappers" / "cli"


@pytest.mark.parametrize("name", FILES)
def test_every_command_has_help(name: str) -> None:
    shown = runner.invoke(app, [name, "--help"], catch_exceptions=False)
    assert shown.exit_code == 0
    assert f" {name} [OPTIONS]" in shown.stdout


def test_every_file_with_commands_of_its_own_is_listed() -> None:
    files = {path.stem for path in FOLDER.glob("*.py") if "\napp = typer.Typer(" in path.read_text("utf-8")}
    assert files - {"app"} == set(FILES.values())


def test_a_mistyped_command_is_told_the_nearest() -> None:
    shown = runner.invoke(app, ["evl"])
    assert shown.exit_code == 2
    assert "No such command 'evl'. Did you mean 'eval'?" in shown.output


def loaded(*arguments: str) -> list[str]:
    """Modules that a command has loaded at its end."""
    code = (
        "import sys\nfrom model_wrappers.cli import main\ntry: main()\nfinally: print('\\n'.join(['#', *sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.split("\n#\n")[1].splitlines()


def test_help_of_all_commands_loads_nothing_heavy() -> None:
    modules = loaded("--help")
    assert {f"model_wrappers.cli.{file}" for file in FILES.values()} <= set(modules)
    assert not set(HEAVY) & set(modules)


def test_eval_starts_without_the_other_commands() -> None:
    modules = loaded("eval", "--help")
    assert {name for name in FILES.values() if f"model_wrappers.cli.{name}" in modules} == {"evaluate"}
    assert "numpy" not in modules


def test_eval_names_its_own_options_and_where_the_others_are() -> None:
    for given in (["--help"], ["-h"], []):
        shown = runner.invoke(app, ["eval", *given], catch_exceptions=False)
        assert shown.exit_code == 0
        for part in ("--methods", "--bases", "--max-cost", "--max-tokens", "--prices", "lm_eval run --help"):
            assert part in shown.stdout


@pytest.mark.parametrize("given", [["--max-cost", "5"], ["--max_cost=5"]])
def test_eval_passes_on_what_it_does_not_know(given: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    monkeypatch.setattr("model_wrappers.cli.evaluate.evaluate", lambda arguments: seen.append(list(arguments)))
    others = ["--tasks", "a,b", "-L", "4", "--model_args", "base=hf", "base_args={}", "--limit=2"]
    shown = runner.invoke(app, ["eval", *others[:2], *given, *others[2:]], catch_exceptions=False)
    assert (shown.exit_code, seen) == (0, [others])
