"""The arguments: can they be read, and do they fit together?"""

from __future__ import annotations

from collections.abc import Iterator

from model_wrappers.collaboration.prompts import load_prompts
from model_wrappers.doctor.base import Check, Finding, ok, warning
from model_wrappers.doctor.visit import Visit

AREA = "arguments"


def harness(visit: Visit) -> Iterator[Finding]:
    """Does the harness read them, and is no key among them?"""
    config = visit.config
    named = [part.partition("=")[2] or following for part, following in _pairs(visit.arguments)]
    other = next((model for model in named if model and model != "modplural"), None)
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
    """Are modplural's own arguments, the methods and the prompts known?"""
    chosen = visit.chosen
    prompts = load_prompts(visit.settings.prompts)
    yield ok("settings", f"methods {', '.join(chosen)}; prompts {prompts.name}; base {visit.settings.base}")


def _pairs(arguments: list[str]) -> list[tuple[str, str]]:
    """``--model`` as it stands, with the argument after it."""
    following = [*arguments[1:], ""]
    return [pair for pair in zip(arguments, following, strict=True) if pair[0].partition("=")[0] in ("--model", "-M")]


CHECKS = (
    Check(AREA, "lm_eval", "See lm_eval run --help and the README.", harness),
    Check(AREA, "settings", "The README lists the model arguments; modplural prompts list, the prompt sets.", settings),
)
