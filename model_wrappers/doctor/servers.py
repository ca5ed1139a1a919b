"""Check of servers that speak for communities: they are reached, and list every community."""

from __future__ import annotations

from collections.abc import Iterator

from community_lms.engines import engine_name
from community_lms.engines.background import BackgroundLoop
from community_lms.pools.served import SERVER, Served
from community_lms.pools.spec import Community
from model_wrappers.doctor.base import Check, Finding, fault, ok, warning
from model_wrappers.doctor.visit import Visit
from plural_tasks.utils.errors import ModPluralError

AREA = "message server"
SECONDS = 60.0
"""Seconds to wait for an answer."""

ADVICE = "Start the server, or correct message_server (or base_url and server in the pool file) and the key's variable."
LISTED = "Serve the adapter under that name (vLLM: --lora-modules NAME=PATH), or give its name there as model."


def without_patience(member: Community) -> Community:
    """The member, asked without retries and without much patience."""
    if member.server is not None:
        return member.model_copy(update={"server": _without_patience(member.server)})
    if member.endpoint is None or member.endpoint.backend != SERVER:
        return member
    return member.model_copy(
        update={
            "endpoint": member.endpoint.model_copy(
                update={"args": _without_patience(member.endpoint.served()).model_dump()}
            )
        }
    )


def _without_patience(place: Served) -> Served:
    return place.model_copy(update={"max_retries": 0, "timeout": min(place.timeout, SECONDS)})


def servers(visit: Visit) -> Iterator[Finding]:
    """Report for every server whether it is reached and knows its communities."""
    for address, members in _by_address(visit).items():
        yield from _looked_at(visit, address, members)


def _by_address(visit: Visit) -> dict[str, list[Community]]:
    from community_lms.engines.server import served_by

    found: dict[str, list[Community]] = {}
    for member in visit.pool.communities:
        if engine_name(visit.settings.message_engine, member) == SERVER:
            found.setdefault(served_by(member).base_url, []).append(member)
    return found


def _looked_at(visit: Visit, address: str, members: list[Community]) -> Iterator[Finding]:
    from community_lms.engines.server import served_by
    from community_lms.engines.server_connection import ServerConnection

    background = BackgroundLoop()
    try:
        connection = ServerConnection(_without_patience(served_by(members[0])))
        background.run(connection.learn(members[0].name))
        background.run(connection.close())
    except ModPluralError as error:
        unreachable(visit).update(member.name for member in members)
        yield fault(address, str(error), ADVICE)
        return
    finally:
        background.close()
    asked = {connection.model(member, served_by(member)): member.name for member in members}
    if connection.listed and (unlisted := [model for model in asked if model not in connection.listed]):
        listed = f"it lists {', '.join(connection.listed[:12])}, and not {', '.join(unlisted)}"
        yield warning(address, f"{listed} (for {', '.join(asked[model] for model in unlisted)})", LISTED)
    else:
        yield ok(address, f"is reached{', and lists all communities' if connection.listed else '; it lists no models'}")


def unreachable(visit: Visit) -> set[str]:
    """Names of the communities whose server was not reached."""
    return visit.unreachable


CHECK = Check(AREA, "server", ADVICE, servers)
