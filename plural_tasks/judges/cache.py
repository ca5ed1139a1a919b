"""Judgements on disk: one SQLite file, committed batch by batch, so that a killed run loses at most a batch."""

from __future__ import annotations

import hashlib
import json
import math
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from plural_tasks.judges.base import Entailment, Pair
from plural_tasks.utils.errors import ModPluralError
from plural_tasks.utils.sqlite_file import chunks

APPLICATION_ID = 0x4D504A44  # "MPJD"
SCHEMA_VERSION = 1
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS judgements (
    key TEXT PRIMARY KEY, entailment REAL, neutral REAL, contradiction REAL
) WITHOUT ROWID;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
"""


class JudgementCache:
    """Judgements by content: key = SHA-256 of the judge's identity and the pair. Nothing expires."""

    def __init__(self, path: str | Path, identity: Mapping[str, object]) -> None:
        """Open or make the file.

        Args:
            path: The file; any number of judges may share it.
            identity: All that decides what the judge says, as JSON can hold it.

        Raises:
            ModPluralError: If the file cannot be written or is no cache of judgements.
        """
        self.path = Path(path).expanduser()
        self._identity = json.dumps(identity, sort_keys=True)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(str(self.path), timeout=60.0, check_same_thread=False)
            self._check_or_create()
        except (sqlite3.Error, OSError) as error:
            raise ModPluralError(f"{self.path}: cannot be used as a cache of judgements ({error}).") from error

    def _check_or_create(self) -> None:
        # Tables, id and version appear in one transaction: another process may be making the file at this moment.
        if self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
            self._db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        found = tuple(self._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
        if found != (APPLICATION_ID, SCHEMA_VERSION):
            raise ModPluralError(
                f"{self.path}: is another program's SQLite file or another version's, expected a cache of judgements "
                f"of version {SCHEMA_VERSION}; give another file."
            )
        # SQLite does not wait for the lock that this needs; where another process has it, any journal mode serves.
        with suppress(sqlite3.OperationalError):
            self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")

    def get(self, pairs: Sequence[Pair]) -> dict[Pair, Entailment]:
        """Return the judgements that are there."""
        by_key = {self._key(pair): pair for pair in pairs}
        keys = list(by_key)
        found: dict[Pair, Entailment] = {}
        for chunk in chunks(keys):
            marks = ",".join("?" * len(chunk))
            for key, *scores in self._db.execute(f"SELECT * FROM judgements WHERE key IN ({marks})", chunk):
                found[by_key[key]] = Entailment(*(math.nan if score is None else score for score in scores))
        return found

    def put(self, judged: Iterable[tuple[Pair, Entailment]]) -> None:
        """Add judgements in one transaction; those that are there already stay as they are.

        Raises:
            ModPluralError: If the file cannot be written; nothing is added then.
        """
        # SQLite keeps NaN as NULL.
        rows = [(self._key(pair), found.entailment, found.neutral, found.contradiction) for pair, found in judged]
        try:
            with self._db:
                self._db.executemany("INSERT INTO judgements VALUES (?,?,?,?) ON CONFLICT DO NOTHING", rows)
        except sqlite3.Error as error:
            raise ModPluralError(f"{self.path}: judgements cannot be written ({error}).") from error

    def __len__(self) -> int:
        """Number of judgements, of all judges."""
        return int(self._db.execute("SELECT count(*) FROM judgements").fetchone()[0])

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _key(self, pair: Pair) -> str:
        return hashlib.sha256(json.dumps([self._identity, *pair]).encode()).hexdigest()
