"""The answer store: one SQLite file of what models behind APIs have answered, each row committed when it comes.

Addressed by content: a request is asked again only if its address, its body (model, prompt, decoding, seed), its kind
or its sample number differs. Rows carry what they cost and what for, so that the file is the ledger of all runs too.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any

from community_lms.pools.spec import canonical, digest
from community_lms.remote.usage import Purpose, UsageTotal
from plural_tasks.utils.errors import ModPluralError, unknown_name
from plural_tasks.utils.sqlite_file import SQLiteFile, chunks

GROUPS = ("phase", "community", "task", "doc", "model")
"""Columns by which `AnswerStore.spent` can add up."""


@dataclass(frozen=True)
class StoredAnswer:
    """One row of the store; its attributes are the columns.

    Attributes:
        key: Digest of everything that decides the answer (`answer_key`).
        kind: Kind of the answer: ``text``, ``scores`` or ``first_tokens``.
        model: Name of the model.
        address: Address of the server.
        body: Body of the request, as canonical JSON.
        sample: Number of the answer among those drawn for equal requests.
        answer: The answer, as JSON.
        phase: Phase of the answer's `Purpose`.
        community: Community of the answer's `Purpose`.
        task: Task of the answer's `Purpose`.
        doc: Document of the answer's `Purpose`.
        read: Tokens of the prompt.
        written: Tokens of the answer.
        counted: Whether the server counted the tokens; else they are estimated.
        cost: Dollars; None where the model has no price.
        created: Time of the answer, in seconds since 1970.
    """

    key: str
    kind: str
    model: str
    address: str
    body: str
    sample: str
    answer: str
    phase: str
    community: str
    task: str
    doc: str
    read: int
    written: int
    counted: bool
    cost: float | None
    created: float

    @property
    def spent(self) -> UsageTotal:
        """Usage and cost of the answer."""
        return UsageTotal(1, self.read, self.written, self.cost or 0.0, int(self.cost is None), int(not self.counted))

    @property
    def purpose(self) -> Purpose:
        """Purpose for which it was first asked."""
        return Purpose(self.phase, self.community, self.task, self.doc)

    @property
    def value(self) -> Any:
        """The answer, parsed."""
        return json.loads(self.answer)


_COLUMNS = tuple(one.name for one in fields(StoredAnswer))
_LIST = ", ".join(_COLUMNS)


def answer_key(kind: str, address: str, body: Any, sample: str) -> str:
    """SHA-256 of everything that decides an answer; the body holds model, prompt, decoding and seed."""
    return digest({"kind": kind, "address": address, "body": body, "sample": sample})


def stored_answer(
    key: str, kind: str, address: str, body: Any, sample: str, value: Any, purpose: Purpose, spent: UsageTotal
) -> StoredAnswer:
    """Make the row of an answer that has just come."""
    return StoredAnswer(
        key=key,
        kind=kind,
        model=str(body.get("model", "")),
        address=address,
        body=canonical(body),
        sample=sample,
        answer=json.dumps(value),
        phase=purpose.phase,
        community=purpose.community,
        task=purpose.task,
        doc=purpose.doc,
        read=spent.read,
        written=spent.written,
        counted=not spent.estimated,
        cost=None if spent.unpriced else spent.cost,
        created=time.time(),
    )


class AnswerStore(SQLiteFile):
    """Answers by key, in a file or (``path=None``) in memory; safe for threads."""

    KIND = "an answer store"
    ROWS = "answers"
    APPLICATION_ID = 0x4D504C41  # "MPLA"
    VERSION = 1
    OLDER = "Name another file with answers=FILE."
    SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, model TEXT NOT NULL, address TEXT NOT NULL, body TEXT NOT NULL,
    sample TEXT NOT NULL, answer TEXT NOT NULL, phase TEXT NOT NULL, community TEXT NOT NULL, task TEXT NOT NULL,
    doc TEXT NOT NULL, read INTEGER NOT NULL, written INTEGER NOT NULL, counted INTEGER NOT NULL, cost REAL,
    created REAL NOT NULL
);
"""

    def __init__(self, path: Any, *, must_exist: bool = False) -> None:
        """Open or make a store; see `SQLiteFile`."""
        super().__init__(path, must_exist=must_exist)
        self._lock = threading.Lock()

    def get(self, keys: Iterable[str]) -> dict[str, StoredAnswer]:
        """Return the answers that are there, by key."""
        found: dict[str, StoredAnswer] = {}
        with self._lock:
            for chunk in chunks(list(dict.fromkeys(keys))):
                marks = ",".join("?" * len(chunk))
                rows = self._connection().execute(f"SELECT {_LIST} FROM answers WHERE key IN ({marks})", chunk)
                found.update({row[0]: _row(row) for row in rows})
        return found

    def put(self, rows: Sequence[StoredAnswer]) -> None:
        """Add rows in one transaction; keys that are there already stay as they are.

        Raises:
            ModPluralError: If the file cannot be written.
        """
        marks = ",".join("?" * len(_COLUMNS))
        with self._lock:
            self._write(
                f"INSERT INTO answers ({_LIST}) VALUES ({marks}) ON CONFLICT (key) DO NOTHING",
                [astuple(row) for row in rows],
            )

    def rows(self) -> Iterator[StoredAnswer]:
        """All rows, oldest first."""
        for row in self._connection().execute(f"SELECT {_LIST} FROM answers ORDER BY created, key"):
            yield _row(row)

    def spent(self, by: Sequence[str] = ("phase",)) -> list[tuple[tuple[str, ...], UsageTotal]]:
        """Sums over all rows.

        Args:
            by: Columns to group by, from `GROUPS`.

        Raises:
            ModPluralError: If there is no such column.
        """
        for name in by:
            if name not in GROUPS:
                raise unknown_name("group", name, GROUPS, where="--by")
        if not by:
            raise ModPluralError(f"--by: found nothing, expected some of {', '.join(GROUPS)}.")
        names = ", ".join(by)
        query = (
            f"SELECT {names}, count(*), sum(read), sum(written), coalesce(sum(cost), 0), sum(cost IS NULL), "
            f"sum(NOT counted) FROM answers GROUP BY {names} ORDER BY {names}"
        )
        return [(tuple(row[: len(by)]), UsageTotal(*row[len(by) :])) for row in self._connection().execute(query)]

    def verify(self) -> list[str]:
        """Derive every key anew; return a line for each row whose key does not match (none when all is well)."""
        problems = []
        for row in self.rows():
            try:
                expected = answer_key(row.kind, row.address, json.loads(row.body), row.sample)
            except ValueError as error:
                problems.append(f"{row.key}: unreadable ({error})")
                continue
            if expected != row.key:
                problems.append(f"{row.key}: the fields derive {expected}")
        return problems

    def __len__(self) -> int:
        """Number of answers."""
        return int(self._connection().execute("SELECT count(*) FROM answers").fetchone()[0])


def _row(row: Sequence[Any]) -> StoredAnswer:
    values: dict[str, Any] = dict(zip(_COLUMNS, row, strict=True))
    return StoredAnswer(**{**values, "counted": bool(values["counted"])})
