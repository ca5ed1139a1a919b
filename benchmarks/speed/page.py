"""Write the page of a results file: what was aimed at, what was measured, plots, limits, profiles.

python -m benchmarks.speed.page benchmarks/results/speed.json        # writes benchmarks/speed.md and benchmarks/plots
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.speed.findings import read_results
from benchmarks.speed.plots import draw
from benchmarks.speed.tables import MORE, WIDTH, number

FOLDER = Path(__file__).resolve().parents[1]


def main(arguments: Sequence[str] | None = None) -> None:
    """Write page and plots."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.page", description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, help="of python -m benchmarks.speed")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where page and plots go (default: %(default)s)")
    options = parser.parse_args(arguments)
    write_page(read_results(options.results), options.folder, str(options.results))


def write_page(results: Mapping[str, Any], folder: Path, source: str) -> Path:
    """Write ``speed.md`` and its plots into a folder; return the page's path."""
    drawn = draw(results["comparisons"], folder / "plots")
    path = folder / "speed.md"
    path.write_text("\n".join(page(results, drawn, source)) + "\n", encoding="utf-8")
    return path


def page(results: Mapping[str, Any], drawn: Mapping[str, str], source: str) -> Iterator[str]:
    """The lines of the page."""
    yield "# Speed"
    yield ""
    yield f"<!-- Made by: python -m benchmarks.speed.page {source} -->"
    yield from _facts(results, source)
    yield from _claims(results["comparisons"].values())
    for name, found in results["comparisons"].items():
        yield from _comparison(name, found, drawn.get(name))


def _facts(results: Mapping[str, Any], source: str) -> Iterator[str]:
    machine, models = results["machine"], results["models"]
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    if results["quick"]:
        yield from _wrapped("**Made with --quick: the sizes are tiny, and no figure means anything.**")
    yield from _wrapped(
        f"Measured {results['date'][:10]} by `{results['command']}` at commit {results['commit']} on {machine['cpu']}, "
        f"{machine['cores']} cores, {machine['memory_gb']:g} GB, {', '.join(machine['instructions']) or 'no AVX2'}. "
        f"{versions}. Base LLM {models['base']}, pool {models['pool']}: {models['communities'].replace('+', ', ')}. "
        "Every comparison ran in a process of its own; its ways took turns, and figures are medians over the rounds, "
        f"which `{source}` has in full. Ratios hold within a comparison alone."
    )


def _claims(comparisons: Any) -> Iterator[str]:
    yield from ("| figure | aim | measured | |", "|---|---|---|---|")
    for found in comparisons:
        for claim in found["claims"]:
            met = "met" if claim["met"] else "**not met**"
            aim = f"{claim['sense']} {claim['aim']:,g} {claim['unit']}"
            yield f"| {claim['what']} | {aim} | {number(claim['measured'])} {claim['unit']} | {met} |"
    yield ""


def _comparison(name: str, found: Mapping[str, Any], plot: str | None) -> Iterator[str]:
    yield from (f"## {found['title']}", "")
    if plot is not None:
        yield from (f"![{found['title']}](plots/{plot})", "")
    if found["ways"]:
        yield from ("| way | " + f"{found['unit']} a second | rounds |", "|---|---|---|")
        for label, way in found["ways"].items():
            rates = [one["amount"] / one["seconds"] for one in way["rounds"]]
            span = f"{len(rates)}, {number(min(rates))} to {number(max(rates))}"
            yield f"| {label} | {number(way['per_second'])} | {span} |"
        yield ""
    yield from _ratios(found)
    if name in MORE:
        yield from (*MORE[name](found["figures"]), "")
    for note in found["notes"]:
        yield from _wrapped(f"- {note}", gap=False)
    yield ""


def _ratios(found: Mapping[str, Any]) -> Iterator[str]:
    if found["ratios"]:
        yield from _wrapped("; ".join(f"{name}: {number(value)}" for name, value in found["ratios"].items()) + ".")


def _wrapped(text: str, *, gap: bool = True) -> Iterator[str]:
    yield from textwrap.wrap(
        text, WIDTH, subsequent_indent="  " if text.startswith("- ") else "", break_on_hyphens=False
    )
    if gap:
        yield ""


if __name__ == "__main__":
    main()
