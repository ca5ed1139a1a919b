"""Several methods or several base LLMs over the same tasks, in one process (``modplural eval --methods … --bases …``).

Communities are asked first, once for all runs, and let go before the first base LLM is loaded; each base LLM is loaded
once for all methods. Every run is the harness's own, with its own arguments and results file, so that its figures
are those of a run by itself. A run that is finished is not repeated.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from community_lms.pools.spec import digest
from community_lms.remote.abilities import abilities_of
from model_wrappers.base.build import SCRIPTED, backend_class, shared_base
from model_wrappers.collaboration.methods import METHODS
from model_wrappers.collaboration.setup import open_store
from model_wrappers.runs.harness import check_response_cache, harness_config, plan_of
from model_wrappers.runs.tasks import check_tasks
from plural_tasks import __version__
from plural_tasks.utils.errors import ModPluralError, unknown_name
from plural_tasks.utils.files import write_text
from plural_tasks.utils.progress import run_named

DONE = "finished.json"
"""File in a run's folder that states what was run, and the results file that came out."""


@dataclass(frozen=True)
class GridRun:
    """One method on one base LLM.

    Attributes:
        label: Name in tables; unique in the grid.
        folder: Folder of its results.
        model_args: Model arguments that it adds to those of all runs.
    """

    label: str
    folder: Path
    model_args: dict[str, str]


def lay_out(methods: Sequence[str], bases: Sequence[str], out: Path) -> list[GridRun]:
    """The runs of a grid, base LLM by base LLM.

    Args:
        methods: Names of `METHODS`; with none the method stays as the other arguments say.
        bases: Values of ``pretrained``; with none the base LLM stays as the other arguments say.
        out: Folder of all runs.

    Raises:
        ModPluralError: If a method is unknown, or a name is given twice.
    """
    for method in methods:
        if method not in METHODS:
            raise unknown_name("method", method, METHODS, where="--methods")
    for option, names in (("--methods", methods), ("--bases", bases)):
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ModPluralError(f"{option}: {twice!r} is given twice.")
    runs = []
    for base in bases or [""]:
        for method in methods or [""]:
            parts = [part for part in (_file_name(base) if len(bases) > 1 else "", method) if part]
            added = {name: value for name, value in (("pretrained", base), ("method", method)) if value}
            runs.append(GridRun("-".join(parts) or "run", out.joinpath(*parts), added))
    return runs


def _file_name(base: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in base.strip("/").split("/")[-1])


class Grid:
    """Runs a grid; an interrupted one goes on with the run that was not finished."""

    def __init__(self, runs: Sequence[GridRun], arguments: Sequence[str], console: Console) -> None:
        """Make the grid.

        Args:
            runs: Runs that `lay_out` returned.
            arguments: Arguments of lm_eval that all runs share.
            console: Console that shows the progress.

        Raises:
            ModPluralError: If two runs would write to one folder.
        """
        folders = [run.folder for run in runs]
        twice = next((folder for folder in folders if folders.count(folder) > 1), None)
        if twice is not None:
            raise ModPluralError(f"--bases: two of them would write to {twice}; give one of them by another path.")
        self.runs = list(runs)
        self.arguments = list(arguments)
        self.console = console

    def run(self, evaluate: Callable[[Sequence[str]], None]) -> dict[str, Path]:
        """Do all runs that are not finished.

        Args:
            evaluate: Function that runs lm_eval with its arguments.

        Returns:
            Label -> results file.

        Raises:
            ModPluralError: If a run writes no results.
        """
        waiting = [run for run in self.runs if self._finished(run) is None]
        for run in self.runs:
            if run not in waiting:
                self.console.print(f"{run.label}: finished before, {self._finished(run)}", soft_wrap=True)
        if waiting:
            config = harness_config(self.arguments)
            check_tasks(config.tasks or (), include_path=config.include_path)
            _check_chat_option(config)
            check_response_cache(config)
            self._ask_communities(waiting)
        started = time.monotonic()
        with shared_base():
            for place, run in enumerate(waiting):
                self._announce(run, place, len(waiting), time.monotonic() - started)
                with run_named(f"{place + 1}/{len(waiting)} {run.label}"):
                    self._do(run, evaluate)
        return {run.label: found for run in self.runs if (found := self._finished(run)) is not None}

    def _announce(self, run: GridRun, place: int, count: int, seconds: float) -> None:
        left = (
            f", {_minutes(seconds)} so far, about {_minutes(seconds / place * (count - place))} to go" if place else ""
        )
        self.console.rule(f"run {place + 1} of {count}: {run.label}{left}", align="left")

    def _do(self, run: GridRun, evaluate: Callable[[Sequence[str]], None]) -> None:
        run.folder.mkdir(parents=True, exist_ok=True)
        before = set(run.folder.glob("results_*.json"))
        evaluate(self._command(run))
        written = sorted(set(run.folder.glob("results_*.json")) - before)
        if not written:
            raise ModPluralError(f"the run {run.label!r} wrote no results to {run.folder}.")
        facts = {"settings": self._settings(run), "results": written[-1].name}
        write_text(run.folder / DONE, json.dumps(facts, indent=2) + "\n")

    def _command(self, run: GridRun) -> list[str]:
        given = [f"{name}={value}" for name, value in run.model_args.items()]
        if (trace := harness_config(self.arguments).model_args.get("trace")) is not None:
            given.append(f"trace={run.folder / Path(str(trace)).name}")
        added = ["--model_args", *given] if given else []
        return [*self.arguments, *added, "--output_path", str(run.folder / "results.json"), "--log_samples"]

    def _settings(self, run: GridRun) -> str:
        return digest([__version__, self.arguments, run.model_args])

    def _finished(self, run: GridRun) -> Path | None:
        """The results of a run with these settings that came to its end."""
        try:
            facts = json.loads((run.folder / DONE).read_text(encoding="utf-8"))
            results = run.folder / str(facts["results"])
            return results if facts["settings"] == self._settings(run) and results.is_file() else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _ask_communities(self, runs: Sequence[GridRun]) -> None:
        """Ask for every message of the runs that need all of them, and let go of the communities again."""
        usual = str(harness_config(self.arguments).model_args.get("method", "modplural"))
        methods = [(run, METHODS.get(run.model_args.get("method", usual))) for run in runs]
        run = next((run for run, method in methods if method is not None and method.asks == "all"), None)
        config = harness_config(self._command(run)) if run is not None else None
        if config is None or config.model_args.get("mode") or not (config.limit is None or config.limit >= 1):
            return  # a task of others may ask with its context, which depends on the base LLM
        store = open_store(config.model_args.get("messages"))
        if store.path is None:
            return  # kept in memory, of one run alone
        plan = plan_of(config, store)
        asker = plan.communities.asker
        started = time.monotonic()
        try:
            asker.ask(plan.requests())
        finally:
            for engine in asker.engines.values():
                engine.close()
            store.close()
        if asker.account is not None:
            asker.account.store.close()
        counts = asker.counts
        speed = f", {counts.tokens / (time.monotonic() - started):.0f} tokens/s" if counts.generated else ""
        self.console.print(
            f"{counts.requested} messages for all runs: {counts.found} were stored, {counts.generated} asked"
            f" ({counts.tokens} tokens{speed}).",
            soft_wrap=True,
        )


def _check_chat_option(config: Any) -> None:
    """Check before communities are asked that chats are asked for where the base LLM takes nothing else.

    Raises:
        ModPluralError: If they are not, or the backend is unknown.
    """
    base = str(config.model_args.get("base", "hf"))
    if base != SCRIPTED and not config.apply_chat_template and abilities_of(backend_class(base)).chats_only:
        raise ModPluralError(f"the base LLM ({base}) takes chat prompts only; add --apply_chat_template.")


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
