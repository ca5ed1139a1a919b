"""``modplural doctor``: is everything there that a run needs?"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from model_wrappers.cli.shared_options import PASS_ON, BasesOption, MethodsOption, names

if TYPE_CHECKING:
    from model_wrappers.doctor import Finding

app = typer.Typer(add_completion=False)

STYLES = {"ok": "green", "note": "dim", "warning": "yellow", "fault": "bold red"}
SIGNS = {"ok": "ok", "note": "note", "warning": "WARN", "fault": "FAULT"}
NAMES = {"ok": "ok", "note": "noted", "warning": "to be looked at", "fault": "to be mended"}


@app.command(context_settings=PASS_ON)
def doctor(
    context: typer.Context,
    methods: MethodsOption = None,
    bases: BasesOption = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Ask communities nothing, and judge nothing; only look for their weights.")
    ] = False,
    hub: Annotated[bool, typer.Option("--hub", help="Look at the Hub's login too, for a run that pushes.")] = False,
    max_cost: Annotated[str | None, typer.Option(help="As for modplural eval.")] = None,
    max_tokens: Annotated[str | None, typer.Option(help="As for modplural eval.")] = None,
    prices: Annotated[str | None, typer.Option(help="As for modplural eval.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Look at everything that a run needs, before it is begun; takes lm_eval's arguments beside its own.

    The exit status is 1 where there is a fault. For example:

    modplural doctor --model_args pool=perspective --tasks plural --output_path results
    """
    from model_wrappers.cli.budget import limits_of
    from model_wrappers.doctor import Visit, examine

    _quieten()
    limits = limits_of(max_cost, max_tokens)
    chosen, given = names(methods), names(bases)
    visit = Visit(context.args, chosen, given, limits=limits, prices=prices, quick=quick, hub=hub)
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 120)
    with contextlib.redirect_stdout(sys.stderr):  # what libraries print is no part of the answer
        found = [finding if as_json else _shown(finding, console) for finding in examine(visit)]
    counts: Counter[str] = Counter(finding.level for finding in found)
    if as_json:
        print(json.dumps({"findings": [asdict(one) for one in found], "counts": counts}, indent=2, ensure_ascii=False))
    else:
        summary = ", ".join(f"{counts[level]} {name}" for level, name in NAMES.items() if counts[level])
        console.print(f"{len(found)} looked at: {summary}.")
    raise typer.Exit(1 if counts["fault"] else 0)


def _quieten() -> None:
    """Silence warnings of libraries and of our own modules, which are among the findings."""
    for name in ("lm_eval", "community_lms", "plural_tasks", "model_wrappers", "transformers", "httpx"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _shown(finding: Finding, console: Console) -> Finding:
    """Print one finding as soon as it is there, with its advice below."""
    sign = f"[{STYLES[finding.level]}]{SIGNS[finding.level]:<5}[/]"
    line = f"{sign} {escape(finding.area)}, {escape(finding.name)}: {escape(finding.found)}"
    console.print(line, soft_wrap=True, highlight=False)
    if finding.advice:
        console.print(f"      → {escape(finding.advice)}", soft_wrap=True, highlight=False)
    return finding
