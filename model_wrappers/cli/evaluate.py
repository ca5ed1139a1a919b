"""``modplural eval``: the harness's own command line, with modplural registered in this process."""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from model_wrappers.cli.budget import add_options, budget, is_given, told_in_one_line
from plural_tasks.utils.errors import ModPluralError, show_errors_in_one_line

USAGE = """Usage: modplural eval [--methods A,B] [--bases A,B] [lm_eval's arguments]

Runs lm_eval with --model modplural unless another model is named. For example:

  modplural eval --tasks plural_embedded --limit 4
  modplural eval --model_args base=hf,pretrained=ORG/MODEL,pool=perspective --tasks plural

Several methods or base LLMs over the same tasks, compared at the end; an interrupted command goes on:

  modplural eval --methods vanilla,prompting,moe,modplural --bases ORG/A,ORG/B --tasks plural --output_path results

  --methods   of vanilla, prompting, moe, modplural; the first is what the others are compared with
  --bases     values of `pretrained`; every community is asked once for all of them

Models behind APIs are asked within a budget; the command stops when the next answer could pass it, and goes on later:

  --max-cost    dollars for the whole command (exit status 3 when it is reached)
  --max-tokens  tokens, of prompts and answers together
  --prices      file with prices of models, in front of modplural's own table

Results go to OUTPUT/METHOD (OUTPUT/BASE/METHOD with several bases), and so does a trace.

All other arguments: lm_eval run --help
"""


def run_harness(arguments: Sequence[str]) -> None:
    """Run ``lm_eval`` with these arguments; works where the start-up hook is switched off."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE)
        return
    show_errors_in_one_line()
    import _modplural_autoload

    _modplural_autoload.register_now()
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--methods", type=names)
    parser.add_argument("--bases", type=names)
    add_options(parser)
    with told_in_one_line():
        options, rest = parser.parse_known_args(arguments)
        if is_given(options) and _names_model(rest):
            raise ModPluralError("--max-cost, --max-tokens and --prices go with modplural; leave --model out.")
        with budget(options.max_cost, options.max_tokens, options.prices):
            if options.methods is None and options.bases is None:
                evaluate(rest)
            else:
                _run_grid(options.methods or [], options.bases or [], rest)


def evaluate(arguments: Sequence[str]) -> None:
    """One run of the harness.

    Raises:
        ModPluralError: If a key stands among the model's arguments, before the harness writes them down.
    """
    from lm_eval.__main__ import cli_evaluate

    _refuse_keys(arguments)
    sys.argv = ["lm_eval", "run", *([] if _names_model(arguments) else ["--model", "modplural"]), *arguments]
    cli_evaluate()


def _names_model(arguments: Sequence[str]) -> bool:
    return any(argument.split("=")[0] in ("--model", "-M", "--config", "-C") for argument in arguments)


def _refuse_keys(arguments: Sequence[str]) -> None:
    from model_wrappers.runs.grid import harness_config

    logging.disable(logging.CRITICAL)  # the harness reads them again, and warns then
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints what it reads from a file
            harness_config(arguments)
    finally:
        logging.disable(logging.NOTSET)


def _run_grid(methods: Sequence[str], bases: Sequence[str], arguments: Sequence[str]) -> None:
    from rich.console import Console

    from model_wrappers.runs.grid import Grid, harness_config, lay_out
    from plural_tasks.report.comparing.compare import compare
    from plural_tasks.report.reading.runs import read_runs
    from plural_tasks.report.tables.render import print_comparison

    out = harness_config(arguments).output_path
    if not out:
        raise ModPluralError("--methods and --bases need --output_path, the folder for the results of all runs.")
    console = Console(width=None if sys.stdout.isatty() else 150)
    found = Grid(lay_out(methods, bases, Path(out)), arguments, console).run(evaluate)
    places = [f"{label}={path}" for label, path in found.items()]
    if len(places) > 1:
        print_comparison(compare(read_runs(places), baseline=next(iter(found))), console)
        console.print(f"The comparison again: modplural compare {' '.join(places)}", soft_wrap=True)


def names(text: str) -> list[str]:
    """Names joined by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]
