"""``modplural eval``: lm_eval's own command line, with modplural registered in this process."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from model_wrappers.cli.budget import PricesFile, budget
from model_wrappers.cli.shared_options import PASS_ON, names
from plural_tasks.utils.errors import ModPluralError, show_errors_in_one_line

app = typer.Typer(add_completion=False)

ComparedMethods = Annotated[
    str | None,
    typer.Option(
        "--methods",
        metavar="A,B",
        help="Of vanilla, prompting, moe, modplural; the first is what the others are compared with.",
    ),
]
ComparedBases = Annotated[
    str | None,
    typer.Option("--bases", metavar="A,B", help="Values of pretrained; every community is asked once for all of them."),
]
# lm_eval writes its options with underscores, so both spellings are taken here.
CostLimit = Annotated[
    str | None,
    typer.Option(
        "--max-cost", "--max_cost", metavar="DOLLARS", help="Dollars to spend on models behind APIs, at most."
    ),
]
TokenLimit = Annotated[
    str | None,
    typer.Option(
        "--max-tokens",
        "--max_tokens",
        metavar="TOKENS",
        help="Tokens of prompts and answers to spend on them, at most.",
    ),
]


@app.command("eval", context_settings=PASS_ON)
def evaluate_runs(
    context: typer.Context,
    methods: ComparedMethods = None,
    bases: ComparedBases = None,
    max_cost: CostLimit = None,
    max_tokens: TokenLimit = None,
    prices: PricesFile = None,
) -> None:
    """Run lm_eval with the model modplural; takes all of lm_eval's arguments.

    All arguments but those below: lm_eval run --help. Another model is run where --model names one. For example:

    modplural eval --tasks plural_embedded --limit 4

    modplural eval --model_args base=hf,pretrained=ORG/MODEL,pool=perspective --tasks plural

    Several methods or base LLMs over the same tasks are compared at the end; an interrupted command goes on:

    modplural eval --methods vanilla,prompting,moe,modplural --bases ORG/A,ORG/B --tasks plural --output_path results

    Their results go to OUTPUT/METHOD (OUTPUT/BASE/METHOD with several bases), and so does a trace.

    A budget holds for the whole command, which stops when the next answer could pass it (exit status 3).
    """
    arguments, budgeted = list(context.args), any(value is not None for value in (max_cost, max_tokens, prices))
    if arguments[:1] in ([], ["-h"]) and not (methods or bases or budgeted):
        print(context.get_help())
        return
    _register()
    from model_wrappers.runs.harness import names_model

    if budgeted and names_model(arguments):
        raise ModPluralError("--max-cost, --max-tokens and --prices go with modplural; leave --model out.")
    try:
        with budget(max_cost, max_tokens, prices):
            if methods is None and bases is None:
                evaluate(arguments)
            else:
                _run_grid(names(methods), names(bases), arguments)
    except KeyboardInterrupt:
        print("modplural: interrupted; the same command goes on.", file=sys.stderr)
        raise typer.Exit(130) from None


def _register() -> None:
    """Make modplural known to lm_eval, where the start-up hook is switched off too."""
    show_errors_in_one_line()
    import _modplural_autoload

    _modplural_autoload.register_now()


def evaluate(arguments: Sequence[str]) -> None:
    """Run lm_eval once, with the model modplural unless the arguments name another.

    Raises:
        ModPluralError: If a key stands among the model's arguments, before lm_eval writes them down, or the response
            cache is asked for with modplural.
    """
    from lm_eval.__main__ import cli_evaluate

    from model_wrappers.runs.harness import names_model

    config = _check(arguments)
    sys.argv = ["lm_eval", "run", *([] if names_model(arguments) else ["--model", "modplural"]), *arguments]
    try:
        cli_evaluate()
    except ValueError as error:
        if not str(error).startswith("Tasks not found"):
            raise
        from model_wrappers.runs.tasks import check_tasks

        check_tasks(config.tasks or (), include_path=config.include_path)  # names the nearest
        raise


def _check(arguments: Sequence[str]) -> Any:
    from model_wrappers.runs.harness import check_response_cache, harness_config, names_model

    logging.disable(logging.CRITICAL)  # lm_eval reads them again, and warns then
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints what it reads from a file
            config = harness_config(arguments)
    finally:
        logging.disable(logging.NOTSET)
    if not names_model(arguments):
        check_response_cache(config)
    return config


def _run_grid(methods: Sequence[str], bases: Sequence[str], arguments: Sequence[str]) -> None:
    from rich.console import Console

    from model_wrappers.runs.grid import Grid, lay_out
    from model_wrappers.runs.harness import harness_config
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
