"""Classify the errors of failed requests: transient or final, and how long the server asks to wait.

Knows the errors of every client that the harness's backends use: requests, openai, litellm.
"""

from __future__ import annotations

import email.utils
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from plural_tasks.utils.errors import ModPluralError, one_line
from plural_tasks.utils.secrets import redact

TRANSIENT = frozenset({408, 409, 425, 429})
"""HTTP statuses below 500 after which a request is worth repeating."""

FINAL = frozenset({501, 505})
"""HTTP statuses from 500 upwards after which no repetition helps."""

OUT_OF_MONEY = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")
"""Codes of OpenAI's error 429 for an account without money, which no waiting mends."""


class UnusableAnswerError(Exception):
    """A response without a usable answer: truncated, no JSON, without choices, or an error in an answer's place."""

    def __init__(self, found: str, status: int | None = None, *, transient: bool = True) -> None:
        """Make the error.

        Args:
            found: Description of what came in the answer's place.
            status: HTTP status that the server wrote into its response; None where it wrote none.
            transient: Whether the request is worth repeating.
        """
        super().__init__(found)
        self.status_code = status
        self.transient = transient


@dataclass(frozen=True)
class Failure:
    """One failed request.

    Attributes:
        kind: Name under which it is counted: ``429``, ``500``, ``time-out``, ``connection``, ``answer``, or the class
            of the client's error.
        transient: Whether the request is worth repeating.
        retry_after: Seconds that the server asks to wait; 0 where it does not say.
        status: HTTP status, if there was one.
        message: The server's or the client's words, without keys.
    """

    kind: str
    transient: bool
    retry_after: float
    status: int | None
    message: str


def classify_error(error: BaseException) -> Failure:
    """Classify an error that a client raised."""
    status = _status(error)
    message = redact(_words(error))[:300]
    if status is not None:
        again = (status in TRANSIENT or status >= 500) and status not in FINAL and _code(error) not in OUT_OF_MONEY
        return Failure(str(status), again, _retry_after(error), status, message)
    kind = _transient_kind(error)
    return Failure(kind or type(error).__name__, kind is not None, 0.0, None, message)


def _status(error: BaseException) -> int | None:
    for holder in (getattr(error, "response", None), error):
        for name in ("status_code", "status"):
            found = getattr(holder, name, None)
            if isinstance(found, int) and not isinstance(found, bool) and found >= 400:
                return found
    return None


def _transient_kind(error: BaseException) -> str | None:
    """Kind of a transient error that has no HTTP status; None for an error that is final.

    Goes by the names of the error's classes, which the clients' libraries share.
    """
    if isinstance(error, ModPluralError):
        return None
    if isinstance(error, UnusableAnswerError):
        return "answer" if error.transient else None
    if str(getattr(error, "doc", "")).lstrip().startswith("<"):
        return None  # an HTML page: it is the wrong address
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


def _retry_after(error: BaseException) -> float:
    """Seconds of ``Retry-After`` (a number, or a date), or of OpenAI's ``retry-after-ms``."""
    headers: Any = getattr(getattr(error, "response", None), "headers", None)
    if not isinstance(headers, Mapping):
        return 0.0
    try:
        if (thousandths := headers.get("retry-after-ms")) is not None:
            return max(0.0, float(thousandths) / 1000)
        text = headers.get("Retry-After") or headers.get("retry-after")
        if text is None:
            return 0.0
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(str(text)).timestamp() - time.time())
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
