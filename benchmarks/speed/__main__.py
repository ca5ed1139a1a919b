"""Measure all claims about speed and write one JSON file; see `benchmarks.speed`."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import Any

from benchmarks.speed import machine
from benchmarks.speed.child import ChildError, run_child
from benchmarks.speed.findings import FORMAT, read_results, write_results
from benchmarks.speed.registry import COMPARISONS, Models


def main(arguments: list[str] | None = None) -> None:
    """Run the comparisons that are asked for, each in a process of its own, and keep each as soon as it is there.

    Raises:
        SystemExit: If one failed; the others are kept.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _options(arguments)
    models = Models(**{field.name: getattr(options, field.name) for field in dataclasses.fields(Models)})
    results = _started(options, models, arguments)
    failed = []
    for name in options.only:
        if name in results["comparisons"]:
            print(f"{name}: measured before", flush=True)
            continue
        try:
            results["comparisons"][name] = _measured(name, models, options.quick)
        except ChildError as error:
            failed.append(name)
            print(f"{name}: {error}", file=sys.stderr, flush=True)
        write_results(options.out, results)
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}; --resume tries them again")


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/speed.json"), help="default: %(default)s")
    parser.add_argument("--only", type=_names, default=list(COMPARISONS), help="comparisons, joined by commas")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: tries everything, measures nothing")
    parser.add_argument("--resume", action="store_true", help="keep the comparisons that the file has")
    for field in dataclasses.fields(Models):
        parser.add_argument(f"--{field.name.replace('_', '-')}", default=field.default, help="default: %(default)s")
    return parser.parse_args(arguments)


def _names(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in COMPARISONS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no comparison {', '.join(unknown)}; there are {', '.join(COMPARISONS)}")
    return names


def _started(options: argparse.Namespace, models: Models, arguments: list[str]) -> dict[str, Any]:
    """The results so far: none, or with ``--resume`` those of the file, which must be of the same models and sizes."""
    fresh = {
        "format": FORMAT,
        "command": " ".join(["python -m benchmarks.speed", *arguments]),
        "date": machine.now(),
        "commit": machine.commit(),
        "quick": options.quick,
        "models": vars(models),
        "machine": machine.machine(),
        "versions": machine.versions(),
        "comparisons": {},
    }
    if not options.resume or not options.out.is_file():
        return fresh
    before = read_results(options.out)
    differing = [name for name in ("quick", "models", "versions") if before[name] != fresh[name]]
    if differing or before["machine"]["cpu"] != fresh["machine"]["cpu"]:
        raise SystemExit(
            f"{options.out} was measured otherwise ({', '.join(differing) or 'machine'}): leave --resume out"
        )
    return {**fresh, "comparisons": before["comparisons"]}


def _measured(name: str, models: Models, quick: bool) -> dict[str, Any]:
    print(f"{name} …", flush=True)
    facts = {"date": machine.now(), "commit": machine.commit()}
    found = run_child("benchmarks.speed.registry:measure", name=name, models=vars(models), quick=quick)
    for claim in found["claims"]:
        met = "met" if claim["met"] else "not met"
        aim = f"{claim['sense']} {claim['aim']:g} {claim['unit']}, {met}"
        print(f"  {claim['what']}: {claim['measured']:.3g} ({aim})", flush=True)
    print(f"  {found['seconds_in_all']:.0f} s", flush=True)
    return {**facts, **found}


if __name__ == "__main__":
    main()
