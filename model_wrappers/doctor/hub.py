"""Check of the Hub's login, where a run pushes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from model_wrappers.doctor.base import Check, Finding, fault, note, ok, warning
from model_wrappers.doctor.visit import Visit
from plural_tasks.utils.errors import one_line
from plural_tasks.utils.hub import LOGIN

AREA = "Hub"


def login(visit: Visit) -> Iterator[Finding]:
    """Report whether the Hub knows the token, and whether that may write."""
    from huggingface_hub import HfApi, get_token

    if not (visit.hub or _pushes(visit)):
        yield note("login", "not looked at: nothing is to be pushed", "Add --hub if you mean to push.")
        return
    if not get_token():
        yield fault("login", "no Hugging Face token was found", f"{LOGIN}.")
        return
    try:
        account = HfApi(library_name="modplural").whoami()
    except Exception as error:  # of the client or of the HTTP library under it
        yield _refused(error)
        return
    role = _role(account)
    if role == "read":
        yield fault("login", f"the token of {account.get('name')} may only read", f"{LOGIN}.")
    else:
        yield ok("login", f"the Hub knows the token as {account.get('name')}{f' ({role})' if role else ''}")


def _pushes(visit: Visit) -> bool:
    """Whether lm_eval's own arguments say that results are pushed."""
    given = visit.config.hf_hub_log_args or {}
    return any(value for name, value in given.items() if name.startswith("push_"))


def _refused(error: Exception) -> Finding:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        return fault("login", "the Hub does not know this token", f"{LOGIN}.")
    return warning(
        "login",
        f"the Hub cannot be asked ({type(error).__name__}: {one_line(error)[:200]})",
        "Look at the connection, HF_ENDPOINT and HF_HUB_OFFLINE.",
    )


def _role(account: dict[str, Any]) -> str:
    token = (account.get("auth") or {}).get("accessToken") or {}
    return str(token.get("role") or "")


CHECKS = (Check(AREA, "login", f"{LOGIN}.", login),)
