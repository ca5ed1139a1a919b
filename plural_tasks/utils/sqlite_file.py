"""A SQLite file of ours: marked by an application id and a version, made with its first row, safe for processes.

A foreign or older file is refused instead of being changed.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from plural_tasks.utils.errors import ModPluralError

LOOKUP = 500
"""Keys in one SELECT; SQLite allows 999 variables in its oldest builds."""


class SQLiteFile:
    """Rows in a file or (``path=None``) in memory.

    Attributes:
        KIND: What the file is, in messages.
        ROWS: What its rows are, in messages.
        APPLICATION_ID: Marks files of this kind.
        VERSION: Version of the schema.
        SCHEMA: SQL that makes the tables where they are not there.
        OLDER: Advice, for the error message, about a file of another version.
    """

    KIND: ClassVar[str]
    ROWS: ClassVar[str]
    APPLICATION_ID: ClassVar[int]
    VERSION: ClassVar[int]
    SCHEMA: ClassVar[str]
    OLDER: ClassVar[str]

    def __init__(self, path: str | Path | None, *, must_exist: bool = False) -> None:
        """Open or make a file.

        Args:
            path: The file; None keeps the rows in memory.
            must_exist: Refuse to make a new file.

        Raises:
            ModPluralError: If the file is missing, cannot be written, is of another kind, or has another version.
        """
        self.path = Path(path).expanduser() if path is not None else None
        if self.path is not None:
            self._check_place(self.path, must_exist)
        # The file is made with the first row, so that a run which fails earlier leaves nothing behind.
        self._pending = self.path is not None and not self.path.exists()
        self._db = self._open(None if self._pending else self.path)

    def _open(self, path: Path | None) -> sqlite3.Connection:
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            database = sqlite3.connect(str(path or ":memory:"), timeout=60.0, check_same_thread=False)
            self._check_or_create(database)
        except (sqlite3.Error, OSError) as error:
            raise ModPluralError(f"{self.path}: cannot be used as {self.KIND} ({error}).") from error
        return database

    def _connection(self, *, create: bool = False) -> sqlite3.Connection:
        if self._pending and self.path is not None and (create or self.path.exists()):
            self._db.close()
            self._db = self._open(self.path)
            self._pending = False
        return self._db

    def _check_or_create(self, database: sqlite3.Connection) -> None:
        # Two processes may open a new file at once. Tables, id and version appear in one transaction, so the tables
        # are looked at first; the schema leaves alone what the other process has made meanwhile.
        if database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
            marks = f"PRAGMA application_id = {self.APPLICATION_ID}; PRAGMA user_version = {self.VERSION};"
            database.executescript(f"BEGIN IMMEDIATE; {self.SCHEMA} {marks} COMMIT;")
        if database.execute("PRAGMA application_id").fetchone()[0] != self.APPLICATION_ID:
            raise ModPluralError(f"{self.path}: is an SQLite file of another program, expected {self.KIND}.")
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version != self.VERSION:
            raise ModPluralError(
                f"{self.path}: has store version {version}, this modplural reads version {self.VERSION}. {self.OLDER}"
            )
        # SQLite does not wait for the lock that this needs; where another process has it, any journal mode serves.
        with suppress(sqlite3.OperationalError):
            database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")

    def _write(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> int:
        """Run a statement for all rows in one transaction; return how many rows are new."""
        database = self._connection(create=True)
        before = database.total_changes
        try:
            with database:
                database.executemany(statement, rows)
        except (sqlite3.Error, UnicodeError, OverflowError) as error:
            raise ModPluralError(f"{self.path}: {self.ROWS} cannot be written ({error}).") from error
        return database.total_changes - before

    def damage(self) -> list[str]:
        """What SQLite finds broken in the file (none when it is whole)."""
        try:
            found = [str(row[0]) for row in self._connection().execute("PRAGMA quick_check(3)")]
        except sqlite3.Error as error:
            return [str(error)]
        return [line for line in found if line != "ok"]

    def check_writable(self) -> None:
        """Check, without changing it, that the file takes rows; of one that is not there yet, that it can be made.

        Raises:
            ModPluralError: If it is read-only, or another process keeps it locked.
        """
        if self._pending and self.path is not None and not self.path.exists():
            folder = next(parent for parent in self.path.absolute().parents if parent.exists())
            try:
                with tempfile.TemporaryFile(dir=folder):
                    return
            except OSError as error:
                raise ModPluralError(f"{self.path}: cannot be made in {folder} ({error.strerror}).") from error
        try:
            self._connection().executescript(f"BEGIN IMMEDIATE; PRAGMA user_version = {self.VERSION}; ROLLBACK;")
        except sqlite3.Error as error:
            raise ModPluralError(f"{self.path}: {self.ROWS} cannot be written ({error}).") from error

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _check_place(self, path: Path, must_exist: bool) -> None:
        if must_exist and not path.is_file():
            raise ModPluralError(f"{path}: no such {self.KIND.removeprefix('a ').removeprefix('an ')}.")
        if path.is_dir():
            raise ModPluralError(f"{path}: is a folder, expected the file of {self.KIND}.")
        folder = next(parent for parent in path.absolute().parents if parent.exists())
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            raise ModPluralError(f"{path}: cannot be made, {folder} is not a folder that can be written.")


def chunks(values: Sequence[str], size: int = LOOKUP) -> Iterator[Sequence[str]]:
    """Pieces of a sequence, in order."""
    for start in range(0, len(values), size):
        yield values[start : start + size]
