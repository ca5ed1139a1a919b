"""Have the members of a pool asked from a server."""

from __future__ import annotations

from community_lms.pools.served import SERVER, Served, no_server
from community_lms.pools.spec import Pool
from plural_tasks.utils.errors import ModPluralError


def on_server(pool: Pool, served: Served) -> Pool:
    """Return the pool with all members asked from the server, except endpoints, which have an address of their own.

    Adapters and checkpoints are asked for by their communities' names; ``served.model`` is for personas alone.
    """
    by_name = served.model_copy(update={"model": None})
    members = tuple(
        member
        if member.kind == "endpoint"
        else member.model_copy(update={"server": served if member.kind == "persona" else by_name})
        for member in pool.communities
    )
    return pool.model_copy(update={"communities": members})


def check_server(pool: Pool, engine: str) -> None:
    """Check that the engine ``server`` has a server for every member.

    Raises:
        ModPluralError: If a member has none; the message names the first.
    """
    for member in pool.communities:
        missing = member.server is None if member.endpoint is None else member.endpoint.backend != SERVER
        if engine == SERVER and missing:
            raise ModPluralError(no_server(member.name, member.endpoint.backend if member.endpoint else None))
