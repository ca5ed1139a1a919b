import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from community_lms.messages.message import Message
from community_lms.messages.store import APPLICATION_ID, MessageStore, StoredMessage
from community_lms.pools.spec import canonical
from plural_tasks.utils.errors import ModPluralError

Row = Callable[..., StoredMessage]
ROOT = Path(__file__).resolve().parents[3]


def refusal(function: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    with pytest.raises(ModPluralError) as caught:
        function(*args, **kwargs)
    return str(caught.value)


def message_of(row: StoredMessage) -> Message:
    return Message(row.community, row.text, row.prompt_tokens, row.tokens)


class TestRows:
    def test_put_get_and_count(self, store: MessageStore, row: Row) -> None:
        first, second = row("why?"), row("how?", "like this", community="right")

        assert store.put([first, second]) == 2
        assert store.get([second.key, "absent", first.key]) == {
            first.key: Message("left", "because", 7, 3),
            second.key: Message("right", "like this", 7, 3),
        }
        assert len(store) == 2

    def test_a_key_that_is_there_is_not_written_again(self, store: MessageStore, row: Row) -> None:
        first = row("why?", "because")
        again = replace(row("why?", "for no reason"), origin="later", created=0.0)

        assert (store.put([first]), store.put([again, row("how?")]), store.put([])) == (1, 1, 0)
        assert store.get([first.key])[first.key].text == "because"
        assert first in list(store.rows())

    def test_rows_come_by_key_and_keep_every_field(self, store: MessageStore, row: Row) -> None:
        rows = [row(f"question {number}", sample=number) for number in range(20)]
        store.put(rows)

        assert list(store.rows()) == sorted(rows, key=lambda item: item.key)

    def test_fields_of_a_row(self, row: Row) -> None:
        found = row("why?", seed=5, sample=2)

        assert found.identity == canonical({"backbone": {"repo": "some/backbone", "revision": "main"}})
        assert found.turns == '[["system","You are left."],["user","why?"]]'
        assert found.decoding == '{"max_new_tokens":200,"temperature":1.0,"top_p":0.9}'
        assert (found.community, found.engine, found.seed, found.sample, found.origin) == ("left", "scripted", 5, 2, "")
        assert found.expected_key() == found.key

    def test_token_counts_may_be_unknown(self, store: MessageStore, row: Row) -> None:
        unknown = replace(row(), prompt_tokens=None, tokens=None)
        store.put([unknown])

        assert store.get([unknown.key])[unknown.key] == Message("left", "because", None, None)

    @pytest.mark.parametrize(
        "text", ["", "  two\nlines\t", "žluťoučký 🐎 \u2028", "'; DROP TABLE messages; --", "a\x00b"]
    )
    def test_any_text_comes_back_as_it_was(self, store: MessageStore, row: Row, text: str) -> None:
        kept = row(said=text)
        store.put([kept])

        assert store.get([kept.key])[kept.key].text == text

    @pytest.mark.parametrize(
        "fault", [{"text": "\ud800"}, {"text": None}, {"seed": 2**63}, {"created": float("nan")}, {"tokens": object()}]
    )
    def test_a_value_that_cannot_be_kept_is_an_error_and_nothing_is_added(
        self, store: MessageStore, row: Row, fault: dict[str, Any]
    ) -> None:
        message = refusal(store.put, [row("why?"), replace(row("how?"), **fault)])

        assert "messages cannot be written (" in message
        assert len(store) == 0
        assert store.put([row("why?")]) == 1

    def test_two_thousand_rows(self, tmp_path: Path, row: Row) -> None:
        rows = [row(f"question {number}", f"answer {number}") for number in range(2000)]
        store = MessageStore(tmp_path / "messages.db")
        assert store.put(rows) == 2000
        store.close()

        again = MessageStore(tmp_path / "messages.db", must_exist=True)
        assert again.get(row.key for row in rows) == {row.key: message_of(row) for row in rows}
        assert again.verify() == []
        again.close()

    def test_stats(self, store: MessageStore, row: Row) -> None:
        store.put([row("a"), row("b", "  "), replace(row("c"), origin="imported from x"), row("a", engine="peft")])
        store.put([replace(row("d", community="right"), tokens=None)])

        names = ("community", "engine", "messages", "imported", "empty", "tokens")
        assert [tuple(line[name] for name in names) for line in store.stats()] == [
            ("left", "peft", 1, 0, 0, 3),
            ("left", "scripted", 3, 1, 1, 9),
            ("right", "scripted", 1, 0, 0, 0),
        ]


class TestVerify:
    def test_all_is_well(self, store: MessageStore, row: Row) -> None:
        store.put([row("why?"), row("how?", community="right", seed=9)])

        assert store.verify() == []

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("engine", "peft"),
            ("identity", '{"backbone":{"repo":"another","revision":"main"}}'),
            ("turns", '[["user","another question"]]'),
            ("decoding", '{"max_new_tokens":200,"temperature":0.5,"top_p":0.9}'),
            ("seed", 2),
            ("sample", 1),
        ],
    )
    def test_a_row_that_was_tampered_with(self, tmp_path: Path, row: Row, column: str, value: object) -> None:
        path, good, bad = tmp_path / "m.db", row("why?"), row("how?")
        store = MessageStore(path)
        store.put([good, bad])
        execute(path, f"UPDATE messages SET {column} = ? WHERE key = ?", value, bad.key)

        (problem,) = store.verify()
        store.close()
        assert problem == f"{bad.key}: the fields derive {replace(bad, **{column: value}).expected_key()}"

    @pytest.mark.parametrize("value", ["no json", "5", "[1, 2]", '{"a"'])
    def test_a_row_that_cannot_be_read(self, store: MessageStore, row: Row, value: str) -> None:
        bad = replace(row("how?"), turns=value)
        store.put([row("why?"), bad])

        (problem,) = store.verify()
        assert problem.startswith(f"{bad.key}: unreadable (")


def execute(path: Path, statement: str, *values: object) -> Any:
    connection = sqlite3.connect(path)
    with connection:
        rows = connection.execute(statement, values).fetchall()
    connection.close()
    return rows


class TestFiles:
    def test_a_new_store_is_marked(self, tmp_path: Path) -> None:
        path = tmp_path / "a" / "b" / "messages.db"
        make(path)

        assert execute(path, "PRAGMA application_id") == [(APPLICATION_ID,)]
        assert APPLICATION_ID.to_bytes(4, "big") == b"MPLR"
        assert execute(path, "PRAGMA user_version") == [(1,)]
        assert execute(path, "PRAGMA journal_mode") == [("wal",)]

    def test_the_file_is_made_with_the_first_message(self, tmp_path: Path, row: Row) -> None:
        path = tmp_path / "a" / "m.db"
        store, other = MessageStore(path), MessageStore(path)
        assert (len(store), store.get(["x"]), store.verify(), store.stats()) == (0, {}, [], [])
        assert not path.parent.exists()

        store.put([row("why?")])

        assert path.is_file()
        assert len(other) == 1

    def test_the_home_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        make("~/m.db")

        assert (tmp_path / "m.db").is_file()

    def test_what_one_writes_another_reads(self, tmp_path: Path, row: Row) -> None:
        first, second = MessageStore(tmp_path / "m.db"), MessageStore(tmp_path / "m.db")
        first.put([row("why?")])
        second.put([row("how?"), row("why?")])

        assert len(first) == len(second) == 2
        first.close()
        second.close()

    def test_a_store_that_must_exist(self, tmp_path: Path) -> None:
        path = tmp_path / "m.db"

        assert refusal(MessageStore, path, must_exist=True) == f"{path}: no such message store."
        assert list(tmp_path.iterdir()) == []

    def test_a_folder(self, tmp_path: Path) -> None:
        assert refusal(MessageStore, tmp_path) == f"{tmp_path}: is a folder, expected the file of a message store."

    def test_below_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        path = tmp_path / "file" / "m.db"

        assert refusal(MessageStore, path) == (
            f"{path}: cannot be made, {tmp_path / 'file'} is not a folder that can be written."
        )

    def test_an_sqlite_file_of_another_program(self, tmp_path: Path) -> None:
        path = tmp_path / "photos.db"
        execute(path, "CREATE TABLE photos (name TEXT)")
        before = path.read_bytes()

        assert refusal(MessageStore, path) == (
            f"{path}: is an SQLite file of another program, expected a message store."
        )
        assert path.read_bytes() == before

    def test_a_file_that_is_no_database(self, tmp_path: Path) -> None:
        path = tmp_path / "notes.txt"
        path.write_text("not a database, " * 100)
        before = path.read_bytes()

        assert refusal(MessageStore, path) == (f"{path}: cannot be used as a message store (file is not a database).")
        assert path.read_bytes() == before

    @pytest.mark.parametrize("version", [0, 2])
    def test_another_version(self, tmp_path: Path, version: int) -> None:
        path = tmp_path / "m.db"
        make(path)
        execute(path, f"PRAGMA user_version = {version}")

        assert refusal(MessageStore, path).startswith(
            f"{path}: has store version {version}, this modplural reads version 1. Export it"
        )

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write to read-only files")
    def test_a_read_only_file_is_read_and_refuses_new_messages(self, tmp_path: Path, row: Row) -> None:
        path = tmp_path / "m.db"
        store = MessageStore(path)
        store.put([row("why?")])
        store.close()
        path.chmod(0o444)

        store = MessageStore(path)
        assert len(store) == 1
        assert refusal(store.put, [row("how?")]).startswith(f"{path}: messages cannot be written (")
        store.close()

    def test_a_locked_file_refuses_new_messages_and_adds_nothing(self, tmp_path: Path, row: Row) -> None:
        path = tmp_path / "m.db"
        make(path)
        store = MessageStore(path)
        store._db.execute("PRAGMA busy_timeout = 10")
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        assert refusal(store.put, [row("why?")]) == f"{path}: messages cannot be written (database is locked)."
        other.execute("ROLLBACK")
        assert (len(store), store.put([row("why?")])) == (0, 1)
        other.close()
        store.close()


def make(path: Path | str) -> None:
    """Make an empty store: the file comes with the first rows, were they none."""
    store = MessageStore(path)
    store.put([])
    store.close()


# Two of these open the same new stores at the same moments.
OPEN_TOGETHER = """
import sys, time
from pathlib import Path
from community_lms.messages.store import MessageStore
me, other, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
for number in range(15):
    (folder / f"{number}.{me}").touch()
    while not (folder / f"{number}.{other}").exists():
        time.sleep(0)
    store = MessageStore(folder / f"{number}.db")
    store.put([])
    store.close()
"""

# Commits batches of ten for ever, and says so after each.
WRITE_ON = """
import sys
from community_lms.messages.message import Message, MessageRequest
from community_lms.pools.spec import Community, Decoding
from community_lms.messages.store import MessageStore, StoredMessage
store = MessageStore(sys.argv[1])
member = Community(name="left", description="d", persona="p")
for batch in range(10**9):
    rows = []
    for place in range(10):
        turns = (("user", f"question {batch} {place}"),)
        request = MessageRequest(member, "scripted", {}, turns, Decoding(), seed=1)
        rows.append(StoredMessage.of(request, Message("left", "because " * 50)))
    store.put(rows)
    print(batch, flush=True)
"""


def start(code: str, *args: object) -> "subprocess.Popen[str]":
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
    )


class TestProcesses:
    def test_two_may_open_a_new_store_at_once(self, tmp_path: Path) -> None:
        both = [start(OPEN_TOGETHER, "a", "b", tmp_path), start(OPEN_TOGETHER, "b", "a", tmp_path)]

        try:
            assert [process.communicate(timeout=60)[0] for process in both] == ["", ""]
        finally:
            for process in both:
                process.kill()
        for number in range(15):
            MessageStore(tmp_path / f"{number}.db", must_exist=True).close()

    def test_a_killed_writer_loses_no_batch_that_it_committed(self, tmp_path: Path) -> None:
        process = start(WRITE_ON, tmp_path / "m.db")
        assert process.stdout is not None
        said = [int(process.stdout.readline()) for _ in range(5)]
        os.kill(process.pid, signal.SIGKILL)
        said += [int(line) for line in process.communicate(timeout=60)[0].split()]

        assert process.returncode == -signal.SIGKILL
        store = MessageStore(tmp_path / "m.db", must_exist=True)
        assert len(store) % 10 == 0
        assert len(store) >= 10 * len(said) >= 50
        assert store.verify() == []
        store.close()
