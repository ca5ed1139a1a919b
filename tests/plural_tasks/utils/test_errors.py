import os
import subprocess
import sys
from pathlib import Path

import pytest

from plural_tasks.utils.errors import (
    TRACEBACK_VARIABLE,
    ModPluralError,
    nearest,
    one_line,
    show_errors_in_one_line,
    unknown_name,
)

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("name", "valid", "expected"),
    [
        ("perspectiv", ["culture", "perspective"], "perspective"),
        ("pool", ["loop", "pools"], "pools"),
        ("zzz", ["culture", "perspective"], None),
        ("anything", [], None),
        (7, ["7b", "13b"], "7b"),
    ],
)
def test_nearest_is_the_closest_valid_name_or_none(name: str, valid: list[str], expected: str | None) -> None:
    assert nearest(name, valid) == expected


def test_unknown_name_gives_place_hint_and_sorted_names() -> None:
    error = unknown_name("pool", "cultur", ["perspective", "culture"], where="pool")

    assert str(error) == "pool: unknown pool 'cultur'. Did you mean 'culture'? Valid: culture, perspective."


def test_unknown_name_without_place_or_close_name() -> None:
    assert str(unknown_name("mode", "zzz", ["overton"])) == "unknown mode 'zzz'. Valid: overton."


def test_unknown_name_lists_at_most_24_names() -> None:
    names = [f"n{number:02}" for number in range(25)]

    assert str(unknown_name("task", "zzz", names)).endswith("n22, n23, … (25 in all).")
    assert str(unknown_name("task", "zzz", names[:24])).endswith("n22, n23.")


def test_one_line_joins_lines_and_runs_of_spaces() -> None:
    assert one_line(ValueError("first\n   second\t third ")) == "first second third"


def test_the_error_is_a_value_error() -> None:
    assert issubclass(ModPluralError, ValueError)


@pytest.fixture
def passed_on(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """What reaches the hook that was there before."""
    seen: list[BaseException] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: seen.append(error))
    monkeypatch.delenv(TRACEBACK_VARIABLE, raising=False)
    return seen


def test_our_error_is_shown_in_one_line(passed_on: list[BaseException], capsys: pytest.CaptureFixture[str]) -> None:
    show_errors_in_one_line()
    sys.excepthook(ModPluralError, ModPluralError("a.yaml:1:2:\n  malformed"), None)

    assert capsys.readouterr().err == "modplural: error: a.yaml:1:2: malformed\n"
    assert passed_on == []


def test_other_errors_go_to_the_hook_before(passed_on: list[BaseException], capsys: pytest.CaptureFixture[str]) -> None:
    error = ValueError("not ours")
    show_errors_in_one_line()
    sys.excepthook(ValueError, error, None)

    assert passed_on == [error]
    assert capsys.readouterr().err == ""


def test_the_variable_brings_the_traceback_back(
    passed_on: list[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TRACEBACK_VARIABLE, "1")
    error = ModPluralError("ours")
    show_errors_in_one_line()
    sys.excepthook(ModPluralError, error, None)

    assert passed_on == [error]


def test_the_hook_is_set_once(passed_on: list[BaseException]) -> None:
    show_errors_in_one_line()
    first = sys.excepthook
    show_errors_in_one_line()

    assert sys.excepthook is first


def run(code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter, away from the checkout's own settings."""
    inherited = {name: value for name, value in os.environ.items() if name != TRACEBACK_VARIABLE}
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=inherited | {"PYTHONPATH": path} | environ,
        check=False,
    )


RAISE = """
from plural_tasks.utils.errors import ModPluralError, show_errors_in_one_line
show_errors_in_one_line()
raise ModPluralError("no such pool")
"""


def test_an_uncaught_error_ends_a_process_with_one_line_and_code_1() -> None:
    done = run(RAISE)

    assert (done.returncode, done.stderr) == (1, "modplural: error: no such pool\n")


def test_an_uncaught_error_ends_a_process_with_a_traceback_on_request() -> None:
    done = run(RAISE, **{TRACEBACK_VARIABLE: "1"})

    assert done.returncode == 1
    assert done.stderr.startswith("Traceback (most recent call last):")
    assert done.stderr.endswith("ModPluralError: no such pool\n")


def test_importing_the_package_loads_nothing_heavy() -> None:
    done = run(
        "import sys, plural_tasks.dataset, plural_tasks.scoring, plural_tasks.sources\n"
        "print(sorted({'torch', 'transformers', 'datasets', 'scipy', 'numpy'} & set(sys.modules)))"
    )

    assert (done.stdout, done.stderr) == ("[]\n", "")
