"""What went wrong with a request: may it pass, how long does the server ask to wait, and which setting mends it?

Reads the errors of every client that the harness's backends use: requests, openai, litellm.
"""

from __future__ import annotations

import email.utils
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from plural_tasks.utils.errors import ModPluralError, one_line
from plural_tasks.utils.secrets import redact

PASSING = frozenset({408, 409, 425, 429})
"""Statuses below 500 that mean: later."""

FINAL = frozenset({501, 505})
"""Statuses from 500 that mean: never."""

SPENT = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")
"""Codes of OpenAI's error 429 that no waiting mends."""


class UnusableAnswerError(Exception):
    """A server's answer that is none: truncated, no JSON, without choices, or an error in the place of an answer."""

    def __init__(self, found: str, status: int | None = None, *, may_pass: bool = True) -> None:
        """Make the error.

        Args:
            found: In the answer's place.
            status: That the server wrote into its answer.
            may_pass: Is it worth asking again?
        """
        super().__init__(found)
        self.status_code = status
        self.may_pass = may_pass


@dataclass(frozen=True)
class Trouble:
    """One failed request.

    Attributes:
        kind: For counts: ``429``, ``500``, ``time-out``, ``connection``, ``answer`` or the client's name for it.
        may_pass: Is it worth asking again?
        wait: Seconds that the server asks to wait; 0 where it does not say.
        status: HTTP status, if there was one.
        said: The server's or the client's words, without keys.
    """

    kind: str
    may_pass: bool
    wait: float
    status: int | None
    said: str


def read_trouble(error: BaseException) -> Trouble:
    """Sort an error that a client raised."""
    status = status_of(error)
    said = redact(_words(error))[:300]
    if status is not None:
        passing = (status in PASSING or status >= 500) and status not in FINAL and _code(error) not in SPENT
        return Trouble(str(status), passing, _wait(error), status, said)
    kind = _kind(error)
    return Trouble(kind or type(error).__name__, kind is not None, 0.0, None, said)


def status_of(error: BaseException) -> int | None:
    """The HTTP status of an error, if it has one."""
    for holder in (getattr(error, "response", None), error):
        for name in ("status_code", "status"):
            found = getattr(holder, name, None)
            if isinstance(found, int) and not isinstance(found, bool) and found >= 400:
                return found
    return None


def _kind(error: BaseException) -> str | None:
    """What an error without a status is called that may pass; None for one that does not.

    Clients name their classes after what happened, whatever library they stand on.
    """
    if isinstance(error, ModPluralError):
        return None
    if isinstance(error, UnusableAnswerError):
        return "answer" if error.may_pass else None
    if str(getattr(error, "doc", "")).lstrip().startswith("<"):
        return None  # a page for people: it is the wrong address
    names = {ancestor.__name__ for ancestor in type(error).__mro__}
    if any("Timeout" in name for name in names):
        return "time-out"
    if names & {"JSONDecodeError", "InvalidJSONError", "APIResponseValidationError", "DecodeError"}:
        return "answer"
    if names & {"ConnectionError", "APIConnectionError", "ClientConnectionError", "ChunkedEncodingError"}:
        return "connection"
    if names & {"ContentDecodingError", "ClientPayloadError", "TransportError", "RemoteProtocolError"}:
        return "connection"
    return None


def _wait(error: BaseException) -> float:
    """Seconds of ``Retry-After`` (a number, or a date), or of OpenAI's ``retry-after-ms``."""
    headers: Any = getattr(getattr(error, "response", None), "headers", None)
    if not isinstance(headers, Mapping):
        return 0.0
    try:
        if (thousandths := headers.get("retry-after-ms")) is not None:
            return max(0.0, float(thousandths) / 1000)
        said = headers.get("Retry-After") or headers.get("retry-after")
        if said is None:
            return 0.0
        return max(0.0, float(said))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(str(said)).timestamp() - time.time())
    except ValueError:
        return 0.0


def _body(error: BaseException) -> Any:
    body = getattr(error, "body", None)
    response = getattr(error, "response", None)
    if body is None and response is not None:
        try:
            body = response.json()
        except Exception:  # a body that is no JSON, or was not read
            return None
    inner = body.get("error", body) if isinstance(body, Mapping) else None
    return inner if isinstance(inner, Mapping | str) else None


def _code(error: BaseException) -> str:
    body = _body(error)
    return str(body.get("code") or body.get("type") or "") if isinstance(body, Mapping) else ""


def _words(error: BaseException) -> str:
    body = _body(error)
    message = body.get("message") if isinstance(body, Mapping) else body
    if isinstance(message, str) and message.strip():
        return " ".join(message.split())
    return f"{type(error).__name__}: {one_line(error)}".removesuffix(": ")
