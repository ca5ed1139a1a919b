"""Show what happens with a base LLM and communities behind a real server, and write one JSON file.

python -m benchmarks.black_box --engine vllm --data FOLDER --out benchmarks/results/black_box.json
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, get_args

from benchmarks.black_box import agreement, doctors, routes, storm
from benchmarks.black_box.serve import Engine, Settings, served
from benchmarks.black_box.setting import Setting
from benchmarks.speed.machine import commit, machine, versions

OUT = Path("benchmarks/results/black_box.json")
SHOWS: Mapping[str, Callable[[Setting], dict[str, Any]]] = {
    "routes": routes.show,
    "agreement": agreement.show,
    "storm": storm.show,
    "doctor": doctors.show,
}


def main(arguments: list[str] | None = None) -> None:
    """Run the shows that are asked for against one server; each is written down as soon as it is there."""
    options = _options(sys.argv[1:] if arguments is None else arguments)
    results: dict[str, Any] = {"shows": {}}
    if options.resume and options.out.exists():
        results = json.loads(options.out.read_text(encoding="utf-8"))
    results |= {"machine": machine(), "versions": versions(), "engine": options.engine}
    wanted = [name for name in options.only if name not in results["shows"]]
    folder = options.folder or Path(tempfile.mkdtemp(prefix="modplural-black-box-"))
    with served(options.engine, Settings(at_once=options.at_once, precision=options.precision)) as server:
        for name in wanted:
            setting = Setting(
                address=server.address,
                model=server.model,
                weights=server.folder,
                folder=folder,
                data=options.data,
                limit=options.limit,
                kills=options.kills,
                down=options.down,
                samples=options.samples,
            )
            started = time.monotonic()
            print(f"{name} …", flush=True)
            found = SHOWS[name](setting)
            results["shows"][name] = {
                "commit": commit(),
                "precision": options.precision,
                "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
                "seconds": time.monotonic() - started,
                "found": found,
            }
            options.out.write_text(json.dumps(results, indent=1, default=str) + "\n", encoding="utf-8")
            print(f"{name}: {time.monotonic() - started:.0f} s", flush=True)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.black_box", description=__doc__.splitlines()[0])
    parser.add_argument("--engine", choices=get_args(Engine), default="vllm", help="default: %(default)s")
    parser.add_argument(
        "--out", type=Path, default=Path("benchmarks/results/black_box.json"), help="default: %(default)s"
    )
    parser.add_argument("--only", type=_names, default=list(SHOWS), help=f"of {','.join(SHOWS)}")
    parser.add_argument("--resume", action="store_true", help="keep the shows that the file has")
    parser.add_argument("--folder", type=Path, help="for the runs' files; default: a new one for this command")
    parser.add_argument("--data", default="", help="folder of the published task files; default: their public place")
    parser.add_argument("--limit", type=int, default=4, help="documents of a task; default: %(default)s")
    parser.add_argument("--samples", type=int, default=50, help="answers drawn for a prompt; default: %(default)s")
    parser.add_argument("--kills", type=int, default=10, help="default: %(default)s")
    parser.add_argument("--down", type=float, default=60.0, help="seconds of failure; default: %(default)s")
    parser.add_argument("--at-once", type=int, default=1, help="sequences that the server computes together")
    parser.add_argument("--precision", default="float32", help="default: %(default)s")
    return parser.parse_args(arguments)


def _names(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in SHOWS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no show {', '.join(unknown)}; there are {', '.join(SHOWS)}")
    return names


if __name__ == "__main__":
    main()
