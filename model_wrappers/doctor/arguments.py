"""Checks of the arguments: they can be read, and they fit together."""

from __future__ import annotations

from collections.abc import Iterator

from model_wrappers.collaboration.prompts import load_prompts
from model_wrappers.doctor.base import Check, Finding, ok, warning
from model_wrappers.doctor.visit import Visit
from model_wrappers.runs.harness import models_of

AREA = "arguments"


def harness(visit: Visit) -> Iterator[Finding]:
    """Report that lm_eval reads the arguments, that no key is among them, and that they name modplural."""
    config = visit.config
    other = next((model for model in models_of(visit.arguments) if model and model != "modplural"), None)
    if other is not None:
        yield warning(
            "model",
            f"--model {other}, which is not modplural",
            f"Leave --model out and give --model_args base={other} to look at it as a base LLM.",
        )
    if config.limit is not None and config.limit < 1:
        yield warning(
            "limit", f"--limit {config.limit:g} is a share of the documents", "What is counted here is all of them."
        )
    yield ok("lm_eval", f"reads the arguments; tasks: {', '.join(config.tasks or ()) or 'none'}")


def settings(visit: Visit) -> Iterator[Finding]:
    """Report that modplural's own arguments, the methods and the prompts are known."""
    chosen = visit.chosen
    prompts = load_prompts(visit.settings.prompts)
    yield ok("settings", f"methods {', '.join(chosen)}; prompts {prompts.name}; base {visit.settings.base}")


CHECKS = (
    Check(AREA, "lm_eval", "See lm_eval run --help and the README.", harness),
    Check(AREA, "settings", "The README lists the model arguments; modplural prompts list, the prompt sets.", settings),
)
