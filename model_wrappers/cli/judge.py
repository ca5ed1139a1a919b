"""``modplural judge``: let an LLM compare two runs' Overton answers."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from model_wrappers.cli.budget import MaxCost, MaxTokens, PricesFile, budget
from plural_tasks import __version__
from plural_tasks.pairwise import JudgedPair, Pair, draw, find_samples, match, read_answers, summarise
from plural_tasks.utils.arguments import parse_arguments
from plural_tasks.utils.errors import ModPluralError, one_line
from plural_tasks.utils.files import write_json

if TYPE_CHECKING:
    from model_wrappers.judging.judge import PairJudge

app = typer.Typer(add_completion=False)
console = Console()


@app.command()
def judge(
    run_a: Annotated[Path, typer.Argument(help="Run A: a samples file, its results file, or its folder.")],
    run_b: Annotated[Path, typer.Argument(help="Run B, on the same documents.")],
    task: Annotated[str, typer.Option(help="The Overton task that both runs answered.")],
    model_args: Annotated[
        str | None,
        typer.Option(
            "--model_args",
            help="The judge: base=BACKEND and what that backend takes, as in lm_eval "
            "(base=openai-chat-completions,model=…), or a JSON object. By default base=hf with the embedded model.",
        ),
    ] = None,
    prompts: Annotated[str, typer.Option(help="What it is asked: brief, reasoned, or a YAML file.")] = "brief",
    limit: Annotated[int | None, typer.Option(help="Judge this many pairs, drawn at random.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="Seed of that draw.", min=0)] = 0,
    output: Annotated[
        Path | None,
        typer.Option(help="Replies (.jsonl); the figures go beside them as .json. Default: judge_TASK.jsonl."),
    ] = None,
    batch_size: Annotated[str | None, typer.Option("--batch_size", help="Of the backend.")] = None,
    device: Annotated[str | None, typer.Option(help="Torch device.")] = None,
    max_new_tokens: Annotated[
        int | None, typer.Option("--max_new_tokens", help="Longest reply; by default the prompt's.", min=1)
    ] = None,
    max_cost: MaxCost = None,
    max_tokens: MaxTokens = None,
    prices: PricesFile = None,
) -> None:
    """Ask an LLM which of two runs' answers covers more views, in both orders, and print win rate and agreement.

    Replies are kept as they come: the same command goes on after an interruption and asks nothing twice.
    """
    from model_wrappers.judging.judge import build_judge
    from model_wrappers.judging.prompts import load_judge_prompt

    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    replies = _replies_file(output, task)
    pairs = draw(read_pairs(run_a, run_b, task), limit, seed)
    settings = {**_parsed(model_args), **_given(batch_size=batch_size, device=device)}
    with budget(max_cost, max_tokens, prices):
        made = build_judge(settings, load_judge_prompt(prompts), replies, max_new_tokens=max_new_tokens)
        judged = _judged(made, pairs)
    chosen = {"run_a": str(run_a), "run_b": str(run_b), "task": task, "seed": seed, "limit": limit}
    summary = {**chosen, **_facts(made), **summarise(judged, pairs), "verdicts": _verdicts(judged, pairs)}
    figures = replies.with_suffix(".json")
    write_json(figures, summary)
    print_summary(summary)
    console.print(f"{made.asked} replies asked, {made.found} found in {replies}; figures in {figures}.", soft_wrap=True)


def read_pairs(run_a: Path, run_b: Path, task: str) -> list[Pair]:
    """Read and match two runs' answers to a task."""
    answers = [read_answers(find_samples(run, task)) for run in (run_a, run_b)]
    return match(*answers, names=(str(run_a), str(run_b)))


def print_summary(summary: dict[str, Any]) -> None:
    """Print the figures of a judge."""
    rates, orders, bias, length = (summary[name] for name in ("rates", "orders", "position_bias", "length"))
    console.print(f"A: {summary['run_a']}\nB: {summary['run_b']}", soft_wrap=True, highlight=False, markup=False)
    table = Table("figure", "value", "note")
    table.add_row("A wins, ties, B wins", f"{rates['wins']}, {rates['ties']}, {rates['losses']}", f"of {rates['n']}")
    table.add_row("win rate of A", figure(rates["win_rate"]), f"{span(rates['interval'])}, ties count half")
    table.add_row("orders agree", figure(orders["raw"]), f"kappa {figure(orders['kappa'])}, {orders['n']} pairs")
    table.add_row("order disagreements", str(summary["order_disagreement"]), "counted as ties")
    table.add_row("lean to the answer shown first", figure(bias["mean"]), f"{span(bias['interval'])}, 0 is none")
    table.add_row("the longer answer won", figure(length["longer_won"]), f"of {length['n']} decided pairs")
    table.add_row("words of A, of B", f"{length['words_a']:.1f}, {length['words_b']:.1f}", "means")
    table.add_row("unreadable replies", str(summary["unreadable_replies"]), f"of {2 * summary['n_pairs']}")
    console.print(table)
    if 4 * rates["unreadable"] > summary["n_pairs"]:
        console.print(
            "More than a quarter of the pairs could not be judged; read some replies before you use the rates."
        )


def figure(value: float) -> str:
    """A figure with three digits, a dash for NaN."""
    return "-" if value != value else f"{value:.3f}"


def span(interval: Any) -> str:
    """A 95 % interval with three digits, where there is one."""
    low, high = interval
    return "no interval" if low != low else f"95 % {figure(low)} to {figure(high)}"


def _replies_file(output: Path | None, task: str) -> Path:
    replies = output or Path(f"judge_{task}.jsonl")
    if replies.suffix != ".jsonl":
        raise ModPluralError(f"--output: found {replies}, expected a file name that ends with .jsonl.")
    return replies


def _judged(made: PairJudge, pairs: list[Pair]) -> list[JudgedPair]:
    try:
        return made.judge(pairs)
    except KeyboardInterrupt:
        console.print(f"Interrupted; {made.asked} new replies are kept, the same command goes on from there.")
        raise typer.Exit(130) from None


def _facts(made: PairJudge) -> dict[str, Any]:
    """Facts of the judge and of its question."""
    return {
        "judge": made.name,
        "prompts": made.prompt.name,
        "prompts_digest": made.prompt.digest(),
        "max_new_tokens": made.max_new_tokens,
        "chat_template": bool(made.chat),
        "version": __version__,
    }


def _verdicts(judged: list[JudgedPair], pairs: list[Pair]) -> list[dict[str, Any]]:
    return [
        {"id": one.id, "pair": pair.digest, "ab": one.ab, "ba": one.ba, "verdict": one.verdict}
        for one, pair in zip(judged, pairs, strict=True)
    ]


def _parsed(model_args: str | None) -> dict[str, Any]:
    """Read ``key=value,…`` or, as lm_eval does too, a JSON object."""
    text = (model_args or "").strip()
    try:
        parsed: dict[str, Any] = json.loads(text) if text.startswith("{") else parse_arguments(text)
    except ValueError as error:
        raise ModPluralError(
            f"--model_args: found {text!r}, expected key=value,… or a JSON object ({one_line(error)})."
        ) from error
    return parsed


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}
