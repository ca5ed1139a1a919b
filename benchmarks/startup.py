"""Measure what the start-up hook costs every interpreter of an environment.

Two throw-away environments differ in one thing: one holds the hook files. `python -c pass` runs in both by
turns, so that a change of the machine's speed meets both alike.

    python benchmarks/startup.py
    python benchmarks/startup.py --runs 200 --json startup.json
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sysconfig
import tempfile
import time
import venv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

HOOKS = Path(__file__).resolve().parent.parent / "hooks"
HOOK_FILES = ("_modplural_autoload.py", "modplural.pth", "modplural.start")
HOOK_MODULE = "_modplural_autoload"


def make_environment(folder: Path, *, hooked: bool) -> str:
    """Make an environment without pip, with or without the hook files, and return its interpreter."""
    venv.create(folder, symlinks=os.name != "nt")
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if hooked:
        ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
        packages = subprocess.run([python, "-c", ask], check=True, capture_output=True, text=True).stdout
        for name in HOOK_FILES:
            shutil.copy(HOOKS / name, packages.strip())
    return str(python)


def lend_packages(python: str) -> None:
    """Let an environment import what this interpreter's own can, but none of its start-up files."""
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = subprocess.run([python, "-c", ask], check=True, capture_output=True, text=True).stdout.strip()
    lent = [sysconfig.get_path("purelib"), str(HOOKS.parent)]  # a .pth file of a lent folder is not run
    Path(packages, "lent.pth").write_text("\n".join(lent) + "\n", encoding="utf-8")


def clean_environ() -> dict[str, str]:
    """Return this process' environment without what would change how an interpreter starts."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "MODPLURAL"))}


def wall_ms(python: str, environ: dict[str, str], arguments: Sequence[str] = ("-c", "pass")) -> float:
    """Return the wall-clock time of `python -c pass`, or with other arguments, in milliseconds."""
    start = time.perf_counter()
    subprocess.run([python, *arguments], check=True, env=environ, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - start) * 1000


def import_us(python: str, environ: dict[str, str]) -> tuple[int, int]:
    """Return the microseconds of importing the hook module, and of `site` as a whole, by -X importtime."""
    command = [python, "-X", "importtime", "-c", "pass"]
    report = subprocess.run(command, check=True, env=environ, capture_output=True, text=True).stderr
    rows = [line.partition(":")[2].split("|") for line in report.splitlines() if line.count("|") == 2]
    cumulative = {name.strip(): int(total) for _, total, name in rows if total.strip().isdigit()}
    return cumulative[HOOK_MODULE], cumulative["site"]


def by_turns(first: Callable[[], float], second: Callable[[], float], runs: int) -> list[tuple[float, float]]:
    """Call both functions `runs` times, changing which goes first, after one uncounted call of each."""
    first(), second()
    pairs = []
    for run in range(runs):
        if run % 2:
            late = second()
            pairs.append((first(), late))
        else:
            pairs.append((first(), second()))
    return pairs


def summary(values: Sequence[float]) -> dict[str, float]:
    """Return the median, the quartiles and the minimum."""
    lower, median, upper = statistics.quantiles(values, n=4)
    figures = {"median": median, "lower_quartile": lower, "upper_quartile": upper, "minimum": min(values)}
    return {name: round(value, 3) for name, value in figures.items()}


def measure(runs: int) -> dict[str, Any]:
    """Return all figures: wall-clock times in milliseconds, import times in microseconds."""
    environ = clean_environ()
    with tempfile.TemporaryDirectory() as folder:
        bare = make_environment(Path(folder, "bare"), hooked=False)
        hooked = make_environment(Path(folder, "hooked"), hooked=True)
        pairs = by_turns(lambda: wall_ms(bare, environ), lambda: wall_ms(hooked, environ), runs)
        imports = [import_us(hooked, environ) for _ in range(max(2, runs // 3))]
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "runs": runs,
        "wall_ms": _compared(pairs),
        "importtime_us": {
            HOOK_MODULE: summary([module for module, _ in imports]),
            "site, hook included": summary([site for _, site in imports]),
        },
    }


def measure_help(runs: int) -> dict[str, dict[str, float]]:
    """Return the wall-clock times of `lm_eval --help` in milliseconds, without and with the hook, and what it adds."""
    environ = clean_environ()
    asked = ("-m", "lm_eval", "--help")
    with tempfile.TemporaryDirectory() as folder:
        bare = make_environment(Path(folder, "bare"), hooked=False)
        hooked = make_environment(Path(folder, "hooked"), hooked=True)
        for python in (bare, hooked):
            lend_packages(python)
        pairs = by_turns(lambda: wall_ms(bare, environ, asked), lambda: wall_ms(hooked, environ, asked), runs)
    return _compared(pairs)


def _compared(pairs: Sequence[tuple[float, float]]) -> dict[str, dict[str, float]]:
    return {
        "without hook": summary([without for without, _ in pairs]),
        "with hook": summary([with_hook for _, with_hook in pairs]),
        "difference by pair": summary([with_hook - without for without, with_hook in pairs]),
    }


def table(rows: dict[str, dict[str, float]], unit: str) -> str:
    """Return the summaries as aligned text, one line each."""
    lines = [f"{unit:<24}{'median':>10}{'quartiles':>22}{'minimum':>10}"]
    for name, row in rows.items():
        quartiles = f"{row['lower_quartile']:.2f} .. {row['upper_quartile']:.2f}"
        lines.append(f"{name:<24}{row['median']:>10.2f}{quartiles:>22}{row['minimum']:>10.2f}")
    return "\n".join(lines)


def main() -> None:
    """Measure, print the tables, and write the figures where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=60, help="starts of each environment (default 60)")
    parser.add_argument(
        "--help-runs", type=int, default=0, help="starts of `lm_eval --help`, at least 2 (default none)"
    )
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures to this file, too")
    args = parser.parse_args()
    if args.runs < 2 or args.help_runs == 1:
        parser.error("--runs and --help-runs must be at least 2")
    figures = measure(args.runs)
    print(f"Python {figures['python']}, {figures['runs']} starts each")
    print(table(figures["wall_ms"], "python -c pass, ms"))
    print(table(figures["importtime_us"], "-X importtime, us"))
    if args.help_runs:
        figures["lm_eval_help_ms"] = measure_help(args.help_runs)
        print(table(figures["lm_eval_help_ms"], "lm_eval --help, ms"))
    if args.json:
        args.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
