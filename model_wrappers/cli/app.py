"""The table of contents of the ``modplural`` command."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from plural_tasks import __version__

FILES = {
    "eval": "evaluate",
    "estimate": "estimate",
    "doctor": "doctor",
    "spent": "spent",
    "compare": "compare",
    "submit": "submit",
    "score": "score",
    "judge": "judge",
    "embedded": "embedded",
    "study": "study",
    "data": "data",
    "pool": "pool",
    "community": "community",
    "corpus": "corpus",
    "messages": "messages",
    "trace": "trace",
    "prompts": "prompts",
}
"""Command or group of commands -> file of this folder whose ``app`` it is, in the order of ``modplural --help``."""


class Contents(TyperGroup):
    """Imports the file of a command when the command is asked for: none waits for the libraries of the others."""

    def __init__(self, **attributes: Any) -> None:
        """Make the group; its commands are known by name alone."""
        super().__init__(**attributes)
        self.commands: dict[str, Any] = dict.fromkeys(FILES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command by its name, or None where there is no such command."""
        if cmd_name in FILES and self.commands[cmd_name] is None:
            command = get_command(import_module(f"model_wrappers.cli.{FILES[cmd_name]}").app)
            command.name = cmd_name
            self.commands[cmd_name] = command
        return self.commands.get(cmd_name)


app = typer.Typer(
    name="modplural",
    cls=Contents,
    help="Evaluate and improve the pluralistic alignment of language models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def version(
    show: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    """Evaluate and improve the pluralistic alignment of language models."""
    if show:
        print(__version__)
        raise typer.Exit
