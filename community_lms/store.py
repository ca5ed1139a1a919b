"""The message store: one SQLite file, addressed by content, committed batch by batch.

A killed process loses at most the batch that was being generated. Nothing expires; a key that is there is never
written again. The file is marked with an application id and a schema version, so that a foreign or older file is
refused instead of being changed.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from community_lms.message import Message, MessageRequest, message_key
from community_lms.spec import canonical
from plural_tasks.errors import ModPluralError

APPLICATION_ID = 0x4D504C52  # "MPLR"
SCHEMA_VERSION = 1
_LOOKUP = 500  # keys in one SELECT; SQLite allows 999 variables in its oldest builds
_COLUMNS = (
    "key, community, engine, identity, turns, decoding, seed, sample, text, prompt_tokens, tokens, origin, created"
)
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS messages (
    key TEXT NOT NULL PRIMARY KEY, community TEXT NOT NULL, engine TEXT NOT NULL, identity TEXT NOT NULL,
    turns TEXT NOT NULL, decoding TEXT NOT NULL, seed INTEGER NOT NULL, sample INTEGER NOT NULL,
    text TEXT NOT NULL, prompt_tokens INTEGER, tokens INTEGER, origin TEXT NOT NULL, created REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS warnings (identity TEXT, text TEXT, PRIMARY KEY (identity, text)) WITHOUT ROWID;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
"""


@dataclass(frozen=True)
class StoredMessage:
    """One row. ``identity``, ``turns`` and ``decoding`` are canonical JSON; ``origin`` is "" for generated messages."""

    key: str
    community: str
    engine: str
    identity: str
    turns: str
    decoding: str
    seed: int
    sample: int
    text: str
    prompt_tokens: int | None
    tokens: int | None
    origin: str
    created: float

    def expected_key(self) -> str:
        """The key that the row's own fields derive."""
        return message_key(
            engine=self.engine,
            identity=json.loads(self.identity),
            turns=json.loads(self.turns),
            decoding=json.loads(self.decoding),
            seed=self.seed,
            sample=self.sample,
        )

    @classmethod
    def of(cls, request: MessageRequest, message: Message, *, origin: str = "") -> StoredMessage:
        """The row of a message that answers ``request``."""
        return cls(
            key=request.key,
            community=request.community.name,
            engine=request.engine,
            identity=canonical(request.identity),
            turns=canonical([list(turn) for turn in request.turns]),
            decoding=canonical(request.decoding.model_dump()),
            seed=request.seed,
            sample=request.sample,
            text=message.text,
            prompt_tokens=message.prompt_tokens,
            tokens=message.tokens,
            origin=origin,
            created=time.time(),
        )


class MessageStore:
    """Messages by key, in a file or (``path=None``) in memory."""

    def __init__(self, path: str | Path | None, *, must_exist: bool = False) -> None:
        """Open or make a store.

        Args:
            path: The file; None keeps the messages in memory.
            must_exist: Refuse to make a new file.

        Raises:
            ModPluralError: If the file is missing, cannot be written, is no message store, or has another version.
        """
        self.path = Path(path).expanduser() if path is not None else None
        if self.path is not None:
            _check_place(self.path, must_exist)
        # The file is made with the first message, so that a run which fails earlier leaves nothing behind.
        self._pending = self.path is not None and not self.path.exists()
        self._db = self._open(None if self._pending else self.path)

    def _open(self, path: Path | None) -> sqlite3.Connection:
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            database = sqlite3.connect(str(path or ":memory:"), timeout=60.0, check_same_thread=False)
            self._check_or_create(database)
        except (sqlite3.Error, OSError) as error:
            raise ModPluralError(f"{self.path}: cannot be used as a message store ({error}).") from error
        return database

    def _connection(self, *, create: bool = False) -> sqlite3.Connection:
        if self._pending and self.path is not None and (create or self.path.exists()):
            self._db.close()
            self._db = self._open(self.path)
            self._pending = False
        return self._db

    def _check_or_create(self, database: sqlite3.Connection) -> None:
        # Two processes may open a new store at once. Tables, id and version appear in one transaction, so the tables
        # are looked at first; the schema leaves alone what the other process has made meanwhile.
        if database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
            database.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        if database.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise ModPluralError(f"{self.path}: is an SQLite file of another program, expected a message store.")
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version != SCHEMA_VERSION:
            raise ModPluralError(
                f"{self.path}: has store version {version}, this modplural reads version {SCHEMA_VERSION}. Export it "
                "with the modplural that wrote it (modplural messages export) and import the JSONL here."
            )
        # SQLite does not wait for the lock that this needs; where another process has it, any journal mode serves.
        with suppress(sqlite3.OperationalError):
            database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")

    def get(self, keys: Iterable[str]) -> dict[str, Message]:
        """Return the messages that are there, by key."""
        found: dict[str, Message] = {}
        for chunk in _chunks(list(dict.fromkeys(keys)), _LOOKUP):
            marks = ",".join("?" * len(chunk))
            rows = self._connection().execute(
                f"SELECT key, community, text, prompt_tokens, tokens FROM messages WHERE key IN ({marks})",
                chunk,
            )
            found.update({row[0]: Message(*row[1:]) for row in rows})
        return found

    def put(self, rows: Iterable[StoredMessage]) -> int:
        """Add rows in one transaction; keys that are there already stay as they are.

        Returns:
            The number of rows that were new.

        Raises:
            ModPluralError: If the file cannot be written (read-only, disk full, locked) or does not take a value (a
                text that is not Unicode, a seed beyond 64 bits); nothing is added then.
        """
        return self._write(
            f"INSERT INTO messages ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (key) DO NOTHING",
            [tuple(asdict(row).values()) for row in rows],
        )

    def _write(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> int:
        database = self._connection(create=True)
        before = database.total_changes
        try:
            with database:
                database.executemany(statement, rows)
        except (sqlite3.Error, UnicodeError, OverflowError) as error:
            raise ModPluralError(f"{self.path}: messages cannot be written ({error}).") from error
        return database.total_changes - before

    def warn(self, identity: str, text: str) -> None:
        """Keep what an engine warned of when it loaded a community, by the canonical JSON of its identity."""
        self._write("INSERT INTO warnings VALUES (?, ?) ON CONFLICT DO NOTHING", [(identity, text)])

    def warnings(self, identities: Iterable[str]) -> list[str]:
        """What engines once warned of these communities."""
        query = "SELECT text FROM warnings WHERE identity = ? ORDER BY text"
        return [row[0] for identity in identities for row in self._connection().execute(query, (identity,))]

    def rows(self) -> Iterator[StoredMessage]:
        """All rows, by key."""
        for row in self._connection().execute(f"SELECT {_COLUMNS} FROM messages ORDER BY key"):
            yield StoredMessage(*row)

    def verify(self) -> list[str]:
        """Derive every key anew; return a line for each row whose key does not match (none when all is well)."""
        problems = []
        for row in self.rows():
            try:
                expected = row.expected_key()
            except (ValueError, TypeError) as error:
                problems.append(f"{row.key}: unreadable ({error})")
                continue
            if expected != row.key:
                problems.append(f"{row.key}: the fields derive {expected}")
        return problems

    def damage(self) -> list[str]:
        """What SQLite finds broken in the file (none when it is whole)."""
        try:
            found = [str(row[0]) for row in self._connection().execute("PRAGMA quick_check(3)")]
        except sqlite3.Error as error:
            return [str(error)]
        return [line for line in found if line != "ok"]

    def check_writable(self) -> None:
        """Check, without changing it, that the file takes messages; one that is not there yet was checked when opened.

        Raises:
            ModPluralError: If it is read-only, or another process keeps it locked.
        """
        try:
            self._connection().executescript(f"BEGIN IMMEDIATE; PRAGMA user_version = {SCHEMA_VERSION}; ROLLBACK;")
        except sqlite3.Error as error:
            raise ModPluralError(f"{self.path}: messages cannot be written ({error}).") from error

    def stats(self) -> list[dict[str, Any]]:
        """Counts by community and engine: messages, how many were imported or are empty, tokens generated."""
        rows = self._connection().execute(
            "SELECT community, engine, count(*), sum(origin <> ''), sum(trim(text) = ''), sum(coalesce(tokens, 0)) "
            "FROM messages GROUP BY community, engine ORDER BY community, engine"
        )
        names = ("community", "engine", "messages", "imported", "empty", "tokens")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def __len__(self) -> int:
        """Number of messages."""
        return int(self._connection().execute("SELECT count(*) FROM messages").fetchone()[0])

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _check_place(path: Path, must_exist: bool) -> None:
    if must_exist and not path.is_file():
        raise ModPluralError(f"{path}: no such message store.")
    if path.is_dir():
        raise ModPluralError(f"{path}: is a folder, expected the file of a message store.")
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise ModPluralError(f"{path}: cannot be made, {folder} is not a folder that can be written.")


def _chunks(values: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
