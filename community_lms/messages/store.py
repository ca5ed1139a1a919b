"""The message store: one SQLite file, addressed by content, committed batch by batch.

A killed process loses at most the batch that was being generated. Nothing expires; a key that is there is never
written again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from community_lms.messages.message import Message, MessageRequest, message_key
from community_lms.pools.spec import canonical
from plural_tasks.utils.sqlite_file import SQLiteFile, chunks

APPLICATION_ID = 0x4D504C52  # "MPLR"
SCHEMA_VERSION = 1
_COLUMNS = (
    "key, community, engine, identity, turns, decoding, seed, sample, text, prompt_tokens, tokens, origin, created"
)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    key TEXT NOT NULL PRIMARY KEY, community TEXT NOT NULL, engine TEXT NOT NULL, identity TEXT NOT NULL,
    turns TEXT NOT NULL, decoding TEXT NOT NULL, seed INTEGER NOT NULL, sample INTEGER NOT NULL,
    text TEXT NOT NULL, prompt_tokens INTEGER, tokens INTEGER, origin TEXT NOT NULL, created REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS warnings (identity TEXT, text TEXT, PRIMARY KEY (identity, text)) WITHOUT ROWID;
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


class MessageStore(SQLiteFile):
    """Messages by key, in a file or (``path=None``) in memory."""

    KIND = "a message store"
    ROWS = "messages"
    APPLICATION_ID = APPLICATION_ID
    VERSION = SCHEMA_VERSION
    SCHEMA = _SCHEMA
    OLDER = "Export it with the modplural that wrote it (modplural messages export) and import the JSONL here."

    def get(self, keys: Iterable[str]) -> dict[str, Message]:
        """Return the messages that are there, by key."""
        found: dict[str, Message] = {}
        for chunk in chunks(list(dict.fromkeys(keys))):
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

    def warn(self, identity: str, text: str) -> None:
        """Keep the text of a warning about a community, by the canonical JSON of its identity."""
        self._write("INSERT INTO warnings VALUES (?, ?) ON CONFLICT DO NOTHING", [(identity, text)])

    def warnings(self, identities: Iterable[str]) -> list[str]:
        """Texts of the warnings that are kept with these communities."""
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
