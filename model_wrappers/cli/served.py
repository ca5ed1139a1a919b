"""The options by which commands without model arguments let a server speak for communities."""

from __future__ import annotations

from typing import Annotated

import typer

from community_lms.pools.spec import Pool
from model_wrappers.arguments import read_arguments

SERVER_HELP = "Address of a server of the OpenAI protocol that speaks for the communities (http://HOST:PORT/v1)."

ServerOption = Annotated[str | None, typer.Option("--server", help=SERVER_HELP)]
ServerArgsOption = Annotated[
    str | None,
    typer.Option("--server-args", help="Its settings, name:value joined by +, for example concurrency:64+model:NAME."),
]


def served_pool(pool: Pool, engine: str, server: str | None, args: str | None) -> Pool:
    """The pool, asked from the server if one is named.

    Raises:
        ModPluralError: If engine, server and settings do not go together.
    """
    given = {"message_engine": engine, "message_server": server, "message_server_args": args}
    return read_arguments(given).served(pool)
