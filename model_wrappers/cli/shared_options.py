"""What several commands share: options, and the setting that leaves all other options to lm_eval."""

from __future__ import annotations

from typing import Annotated, Any

import typer

PASS_ON: dict[str, Any] = {"allow_extra_args": True, "ignore_unknown_options": True}
"""Context settings of a command that leaves options which it does not know to lm_eval."""

MethodsOption = Annotated[str | None, typer.Option("--methods", help="As for modplural eval.")]
BasesOption = Annotated[str | None, typer.Option("--bases", help="As for modplural eval.")]


def names(text: str | None) -> list[str]:
    """Split names that are joined by commas; none where there is no text."""
    return [name.strip() for name in (text or "").split(",") if name.strip()]
