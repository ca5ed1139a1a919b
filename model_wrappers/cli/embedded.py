"""``modplural embedded``: the embedded base LLM as a folder of weights."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def embedded(
    raw: Annotated[bool, typer.Option("--raw", help="The model as it comes, without the reader.")] = False,
) -> None:
    """Print where the embedded base LLM lies, made if need be (for: --model hf --model_args pretrained=…)."""
    from community_lms.weights.embedded import EMBEDDED, EMBEDDED_READER, resolve_weights

    print(resolve_weights(EMBEDDED if raw else EMBEDDED_READER))
