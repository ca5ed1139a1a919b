"""``modplural prompts``: look at prompt sets."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from model_wrappers.collaboration.prompts import REQUIRED, SLOTS, load_prompts, prompt_set_names, prompt_set_path

app = typer.Typer(help="List and show prompt sets.", no_args_is_help=True, add_completion=False)
console = Console()


@app.command("list")
def list_sets() -> None:
    """List the prompt sets that ship with modplural."""
    for name in prompt_set_names():
        console.print(f"{name}: {load_prompts(name).description}", highlight=False)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Name or file of a prompt set.")] = "default",
    yaml: Annotated[
        bool, typer.Option("--yaml", help="Print the file itself, to start a set of your own from.")
    ] = False,
) -> None:
    """Show every template of a set and the slots it may use (those marked * are needed)."""
    prompts = load_prompts(name)
    if yaml:
        print(prompt_set_path(name).read_text(encoding="utf-8"), end="")
        return
    for template, slots in SLOTS.items():
        part, _, mode = template.partition(".")
        listed = ", ".join(f"{slot}*" if slot in REQUIRED[template] else slot for slot in sorted(slots))
        text = prompts.template(part, mode or None)  # type: ignore[arg-type]
        console.print(Panel(escape(text), title=template, subtitle=listed, title_align="left", subtitle_align="left"))
    console.print(f"digest: {prompts.digest()}")
