"""The commands, gathered; each group has its file."""

from __future__ import annotations

from typing import Annotated

import typer

from model_wrappers.cli import (
    budget,
    community,
    compare,
    corpus,
    data,
    doctor,
    estimate,
    judge,
    messages,
    pool,
    prompts,
    score,
    study,
    submit,
    trace,
)
from plural_tasks import __version__

app = typer.Typer(
    name="modplural",
    help="Evaluate and improve the pluralistic alignment of language models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command("eval", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def evaluate() -> None:
    """Run lm_eval with the model modplural; takes all of lm_eval's arguments."""


app.command("estimate", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(
    estimate.estimate_run
)
app.command("doctor", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(doctor.doctor)
app.command("spent")(budget.spent)
app.command("compare")(compare.compare_runs)
app.command("submit")(submit.submit_run)
app.command("score")(score.score)
app.command("judge")(judge.judge)
app.add_typer(study.app, name="study")
app.add_typer(data.app, name="data")
app.add_typer(pool.app, name="pool")
app.add_typer(community.app, name="community")
app.add_typer(corpus.app, name="corpus")
app.add_typer(messages.app, name="messages")
app.add_typer(trace.app, name="trace")
app.add_typer(prompts.app, name="prompts")


@app.command("embedded")
def embedded(
    raw: Annotated[bool, typer.Option("--raw", help="The model as it comes, without the reader.")] = False,
) -> None:
    """Print where the embedded base LLM lies, made if need be (for: --model hf --model_args pretrained=…)."""
    from community_lms.weights.embedded import EMBEDDED, EMBEDDED_READER, resolve_weights

    print(resolve_weights(EMBEDDED if raw else EMBEDDED_READER))


@app.callback(invoke_without_command=True)
def version(
    show: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    """Evaluate and improve the pluralistic alignment of language models."""
    if show:
        print(__version__)
        raise typer.Exit
