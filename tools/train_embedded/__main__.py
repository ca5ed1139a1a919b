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
import shutil
from pathlib import Path
from typing import Any, cast

from community_lms.training.adapter import SETTINGS, WEIGHTS
from community_lms.training.config import TrainConfig
from community_lms.training.record import RUN_INFO
from community_lms.training.train import train
from plural_tasks.checked import parse, read_yaml
from plural_tasks.files import write_lines
from tools.train_embedded.corpora import LICENCE, community_records, shared_records
from tools.train_embedded.pools import ROOT, voices
from tools.train_embedded.reader import brief_records, pick_records, reader_records

RECIPE = Path(__file__).with_name("recipe.yaml")
TARGET = ROOT / "community_lms" / "adapters"
SOURCE = "texts written for modplural (tools/train_embedded/themes) and train questions of plural_surveys"
STEPS = ("corpora", "shared", "voices", "reader", "install")


def main() -> None:
    """Run the steps that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m tools.train_embedded", description=__doc__.splitlines()[0])
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"of {', '.join(STEPS)} (default: all)")
    parser.add_argument("--work", type=Path, default=Path("build/embedded"), help="folder for corpora and runs")
    options = parser.parse_args()
    for step in options.steps:
        if step not in STEPS:
            parser.error(f"{step!r} is no step; steps are {', '.join(STEPS)}")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    recipe = cast(dict[str, Any], read_yaml(RECIPE))
    for step in options.steps or STEPS:
        ACTIONS[step](recipe, options.work)


def make_corpora(recipe: dict[str, Any], work: Path) -> None:
    """Write one JSONL file for each community, one for all of them, and the reader's."""
    seed = recipe["seed"]
    parts = {"shared": shared_records(seed, recipe["shared_share"])}
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


def train_shared(recipe: dict[str, Any], work: Path) -> None:
    """Train the adapter from which all communities go on."""
    train(_config(recipe, work, "shared", "all communities of the embedded pools together", recipe["shared"]))


def train_voices(recipe: dict[str, Any], work: Path) -> None:
    """Train each community's adapter."""
    for voice in voices():
        settings = {**recipe["voices"], "init_from": {"path": str(work / "runs" / "shared")}}
        train(_config(recipe, work, voice.name, voice.description, settings))


def train_reader(recipe: dict[str, Any], work: Path) -> None:
    """Train the embedded base's reader."""
    train(_config(recipe, work, "brief", "reads short passages; no community", recipe["brief"]))
    settings = {**recipe["pick"], "init_from": {"path": str(work / "runs" / "brief")}}
    train(_config(recipe, work, "pick", "finds who is described; no community", settings))
    settings = {**recipe["reader"], "init_from": {"path": str(work / "runs" / "pick")}}
    train(_config(recipe, work, "reader", "reads passages; no community", settings))


def install(recipe: dict[str, Any], work: Path) -> None:
    """Copy adapters and their records into the package."""
    for name in (*(voice.name for voice in voices()), "reader"):
        run, target = work / "runs" / name, TARGET / name
        if not (run / RUN_INFO).is_file():
            print(f"{name}: not trained yet, left as it is")
            continue
        target.mkdir(parents=True, exist_ok=True)
        for file in (WEIGHTS, SETTINGS, RUN_INFO, "loss.jsonl", "loss.svg"):
            shutil.copyfile(run / file, target / file)
        print(f"{name}: {(target / WEIGHTS).stat().st_size / 1e6:.1f} MB")


def _config(recipe: dict[str, Any], work: Path, name: str, description: str, settings: dict[str, Any]) -> TrainConfig:
    fields = {
        "community": name,
        "description": description,
        "backbone": {"path": "embedded"},
        "corpus": [{"path": str(_corpus(work, name)), "source": SOURCE, "licence": LICENCE}],
        "licence": LICENCE,
        "output": str(work / "runs" / name),
        **recipe["common"],
        **settings,
    }
    return parse(TrainConfig, fields, where=f"{RECIPE.name}, {name}")


def _corpus(work: Path, name: str) -> Path:
    return work / "corpora" / f"{name}.jsonl"


ACTIONS = {
    "corpora": make_corpora,
    "shared": train_shared,
    "voices": train_voices,
    "reader": train_reader,
    "install": install,
}

if __name__ == "__main__":
    main()
