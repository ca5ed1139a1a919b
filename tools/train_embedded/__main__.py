"""Make the corpora and train everything: ``python -m tools.train_embedded``; an interrupted run goes on.

1. corpora   what each community says, what all say, and the reader's examples, as JSONL
2. shared    one adapter that learns to answer as a person does, from a part of what all communities say
3. voices    each community's adapter goes on from there with what that community says
4. reader    the adapter by which the embedded base reads passages
5. install   adapters and their records to community_lms/adapters/
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch

from community_lms.training.adapter import SETTINGS, WEIGHTS, has_cpp_compiler
from community_lms.training.config import TrainConfig
from community_lms.training.record import RUN_INFO
from community_lms.training.train import train
from plural_tasks.utils.checked import parse, read_yaml
from plural_tasks.utils.errors import ModPluralError
from plural_tasks.utils.files import write_lines
from tools.train_embedded.corpora import LICENCE, community_records, shared_records
from tools.train_embedded.jobs import run_all
from tools.train_embedded.pools import ROOT, voices
from tools.train_embedded.reader import brief_records, pick_records, reader_records

RECIPE = Path(__file__).with_name("recipe.yaml")
TARGET = ROOT / "community_lms" / "adapters"
DESCRIPTIONS = {
    "shared": "all communities of the embedded pools together",
    "brief": "reads short passages; no community",
    "pick": "finds who is described; no community",
    "reader": "reads passages; no community",
}
SOURCE = "texts written for modplural (tools/train_embedded/themes) and train questions of plural_surveys"
TRAININGS: dict[str, tuple[str, ...]] = {
    "shared": ("shared",),
    "reader": ("brief", "pick", "reader"),
    "voices": tuple(voice.name for voice in voices()),
}
GOES_ON_FROM = {"pick": "brief", "reader": "pick", **dict.fromkeys(TRAININGS["voices"], "shared")}
STEPS = ("corpora", "shared", "voices", "reader", "install")


def main() -> None:
    """Run the steps that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m tools.train_embedded", description=__doc__.splitlines()[0])
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"of {', '.join(STEPS)} (default: all)")
    parser.add_argument("--train", metavar="NAME", help="only this training, in this process")
    parser.add_argument("--work", type=Path, default=Path("build/embedded"), help="folder for corpora and runs")
    parser.add_argument("--jobs", type=int, help="trainings at once (default: 2 on CPUs of two cores or more, else 1)")
    options = parser.parse_args()
    trainings = [name for names in TRAININGS.values() for name in names]
    for step in options.steps:
        if step not in STEPS:
            parser.error(f"{step!r} is no step; steps are {', '.join(STEPS)}")
    if options.train is not None and (options.train not in trainings or options.steps):
        parser.error(f"--train: found {options.train!r}, expected one of {', '.join(trainings)}, and no step")
    if options.jobs is not None and options.jobs < 1:
        parser.error(f"--jobs: found {options.jobs}, expected at least 1")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        if options.train is not None:
            train_one(_recipe(), options.work, options.train)
        else:
            run(options.steps or STEPS, options.work, options.jobs or _default_jobs())
    except ModPluralError as error:
        raise SystemExit(f"{parser.prog}: {error}") from None
    except KeyboardInterrupt:
        raise SystemExit(f"{parser.prog}: interrupted; the same command goes on.") from None


def run(steps: Sequence[str], work: Path, jobs: int) -> None:
    """Run steps, their trainings in the order of what needs what, each in a process of its own."""
    if "corpora" in steps:
        make_corpora(_recipe(), work)
    names = [name for step, listed in TRAININGS.items() for name in listed if step in steps]
    # What is not among the steps was trained before.
    needs = {name: need if (need := GOES_ON_FROM.get(name)) in names else None for name in names}
    run_all(needs, lambda name: ("-m", "tools.train_embedded", "--train", name, "--work", str(work)), jobs)
    if "install" in steps:
        install(work)


def _recipe() -> dict[str, Any]:
    return cast(dict[str, Any], read_yaml(RECIPE))


def _default_jobs() -> int:
    return 2 if (os.cpu_count() or 1) > 1 and not torch.cuda.is_available() else 1


def make_corpora(recipe: dict[str, Any], work: Path) -> None:
    """Write one JSONL file for each community, one for all of them, and the reader's."""
    seed = recipe["seed"]
    parts = {"shared": shared_records(seed)}
    asked = {record["prompt"] for record in parts["shared"]}
    for voice in voices():
        said = community_records(voice, seed)
        heard = round(len(said) * recipe["voice_share"])
        known = asked | {record["prompt"] for record in said[:heard]}
        parts[voice.name] = said[:heard]
        # For `community evaluate`: questions that were put neither to this community's adapter nor to the shared one.
        parts[f"{voice.name}.test"] = [record for record in said[heard:] if record["prompt"] not in known]
    parts["brief"] = brief_records(recipe["brief_examples"], seed)
    parts["pick"] = pick_records(recipe["pick_examples"], seed)
    parts["reader"] = reader_records(recipe["reader_examples"], seed)
    (work / "corpora").mkdir(parents=True, exist_ok=True)
    for name, records in parts.items():
        write_lines(_corpus(work, name), (json.dumps(record, ensure_ascii=False) for record in records))
        print(f"{name}: {len(records)} records")


def train_one(recipe: dict[str, Any], work: Path, name: str) -> None:
    """Train one adapter, from the one that it goes on from."""
    described = {voice.name: voice.description for voice in voices()}
    settings = dict(recipe["voices" if name in described else name])
    if name in GOES_ON_FROM:
        settings["init_from"] = {"path": str(work / "runs" / GOES_ON_FROM[name])}
    train(_config(recipe, work, name, described.get(name) or DESCRIPTIONS[name], settings))


def install(work: Path) -> None:
    """Copy adapters and their records into the package."""
    for name in (*TRAININGS["voices"], "reader"):
        folder, target = work / "runs" / name, TARGET / name
        if not (folder / RUN_INFO).is_file():
            print(f"{name}: not trained yet, left as it is")
            continue
        target.mkdir(parents=True, exist_ok=True)
        for file in (WEIGHTS, SETTINGS, RUN_INFO, "loss.jsonl", "loss.svg"):
            shutil.copyfile(folder / file, target / file)
        print(f"{name}: {(target / WEIGHTS).stat().st_size / 1e6:.1f} MB")


def _config(recipe: dict[str, Any], work: Path, name: str, description: str, settings: dict[str, Any]) -> TrainConfig:
    fields = {
        "community": name,
        "description": description,
        "backbone": {"path": "embedded"},
        "corpus": [{"path": str(_corpus(work, name)), "source": SOURCE, "licence": LICENCE}],
        "licence": LICENCE,
        "output": str(work / "runs" / name),
        "compile": has_cpp_compiler() and not torch.cuda.is_available(),
        **recipe["common"],
        **settings,
    }
    return parse(TrainConfig, fields, where=f"{RECIPE.name}, {name}")


def _corpus(work: Path, name: str) -> Path:
    return work / "corpora" / f"{name}.jsonl"


if __name__ == "__main__":
    main()
