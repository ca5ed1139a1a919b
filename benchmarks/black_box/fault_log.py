"""What a fault proxy did to each request."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Record:
    """One POST request, written when it is over.

    Attributes:
        number: Of the request, from 1, in order of arrival.
        path: That was asked for.
        digest: Of the body, see `digest`.
        attempt: How often this body had come, from 1.
        began: When it came, in seconds since the epoch.
        ended: When the last of the answer was written, or nothing more was.
        fault: What was done to it: a `Fault`, ``down``, ``no_logprobs`` or None.
        status: Of the answer that was begun; None where there was none.
        upstream: Status of the server behind; None where it was not asked.
        delivered: Was the server's own answer, a 2xx, handed to the kernel whole for a client that was still there?
    """

    number: int
    path: str
    digest: str
    attempt: int
    began: float
    ended: float
    fault: str | None
    status: int | None
    upstream: int | None
    delivered: bool


class FaultLog:
    """Records in order of their ends, in memory and as lines of JSON.

    Attributes:
        records: Of requests that are over.
        bodies: Digest -> the first body that had it.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Begin with none.

        Args:
            path: File to which each record is appended.
        """
        self.records: list[Record] = []
        self.bodies: dict[str, bytes] = {}
        self._file = path.open("a", encoding="utf-8") if path is not None else None
        self._arrived: Counter[str] = Counter()
        self._lock = threading.Lock()

    def arrive(self, body: bytes) -> tuple[int, str, int]:
        """Note that a request has come: its number, the body's digest, and how often that body has come."""
        known = digest(body)
        with self._lock:
            self._arrived[known] += 1
            self.bodies.setdefault(known, body)
            return self._arrived.total(), known, self._arrived[known]

    def add(self, record: Record) -> None:
        """Keep the record of a request that is over."""
        with self._lock:
            self.records.append(record)
            if self._file is not None and not self._file.closed:
                self._file.write(json.dumps(dataclasses.asdict(record)) + "\n")
                self._file.flush()

    def close(self) -> None:
        """Close the file; records are still kept in memory."""
        with self._lock:
            if self._file is not None:
                self._file.close()

    @property
    def arrived(self) -> int:
        """Requests that have come, those in flight among them."""
        with self._lock:
            return self._arrived.total()

    def faults(self) -> Counter[str]:
        """How often each fault was done; ``none`` where nothing was."""
        return Counter(record.fault or "none" for record in self._kept())

    def delivered(self) -> Counter[str]:
        """Digest -> how often its answer was delivered whole."""
        return Counter(record.digest for record in self._kept() if record.delivered)

    def asked_again(self) -> dict[str, list[Record]]:
        """Requests that came when the answer to the same body had been delivered whole, by digest.

        Those that came while the first was still in flight are not among them.
        """
        done: dict[str, float] = {}
        again: dict[str, list[Record]] = {}
        for record in sorted(self._kept(), key=lambda record: record.ended):
            if record.began > done.get(record.digest, float("inf")):
                again.setdefault(record.digest, []).append(record)
            if record.delivered:
                done.setdefault(record.digest, record.ended)
        return again

    def most_at_once(self) -> int:
        """The greatest number of requests that were in flight at once."""
        steps = [(record.began, 1) for record in self._kept()] + [(record.ended, -1) for record in self._kept()]
        flying = most = 0
        for _, step in sorted(steps):
            flying += step
            most = max(most, flying)
        return most

    def _kept(self) -> list[Record]:
        with self._lock:
            return list(self.records)


def read_log(path: Path) -> FaultLog:
    """Read a file of records, without bodies."""
    log = FaultLog()
    with path.open(encoding="utf-8") as lines:
        log.records += [Record(**json.loads(line)) for line in lines]
    return log


def digest(body: bytes) -> str:
    """SHA-256 of a body; of JSON whatever the order of its keys."""
    return hashlib.sha256(_canonical(body)).hexdigest()


def _canonical(body: bytes) -> bytes:
    try:
        told: Any = json.loads(body)
    except ValueError:
        return body
    return json.dumps(told, sort_keys=True, separators=(",", ":")).encode()
