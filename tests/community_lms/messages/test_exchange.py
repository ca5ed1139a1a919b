import json
import os
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from community_lms.messages.exchange import export_jsonl, export_published, import_jsonl, import_published
from community_lms.messages.message import Message, MessageRequest
from community_lms.messages.store import MessageStore, StoredMessage
from plural_tasks.utils.errors import ModPluralError

Row = Callable[..., StoredMessage]
Ask = Callable[..., MessageRequest]


def refusal(function: Callable[..., Any], *args: Any) -> str:
    with pytest.raises(ModPluralError) as caught:
        function(*args)
    return str(caught.value)


@pytest.fixture
def other() -> MessageStore:
    return MessageStore(None)


class TestJsonLines:
    def test_a_round_trip_is_the_same_to_the_byte(
        self, store: MessageStore, other: MessageStore, row: Row, tmp_path: Path
    ) -> None:
        store.put([row(f"question {number}", f"“answer” {number}\n\u2028🐎\t\\") for number in range(30)])
        store.put([replace(row("unknown"), prompt_tokens=None, tokens=None, origin="imported from x.json")])

        assert export_jsonl(store, tmp_path / "first.jsonl") == 31
        assert import_jsonl(other, tmp_path / "first.jsonl") == (31, 31)
        assert export_jsonl(other, tmp_path / "second.jsonl") == 31
        assert (tmp_path / "first.jsonl").read_bytes() == (tmp_path / "second.jsonl").read_bytes()
        assert list(other.rows()) == list(store.rows())

    def test_a_line_holds_the_fields_of_a_row(self, store: MessageStore, row: Row, tmp_path: Path) -> None:
        kept = row()
        store.put([kept])
        export_jsonl(store, tmp_path / "out.jsonl")

        assert (tmp_path / "out.jsonl").read_text(encoding="utf-8") == json.dumps(asdict(kept)) + "\n"

    def test_lines_are_ordered_by_key(self, store: MessageStore, row: Row, tmp_path: Path) -> None:
        store.put([row(f"question {number}") for number in range(20)])
        export_jsonl(store, tmp_path / "out.jsonl")

        keys = [json.loads(line)["key"] for line in (tmp_path / "out.jsonl").read_text().splitlines()]
        assert keys == sorted(keys)

    def test_an_empty_store_is_an_empty_file(self, store: MessageStore, tmp_path: Path) -> None:
        assert export_jsonl(store, tmp_path / "out.jsonl") == 0
        assert (tmp_path / "out.jsonl").read_bytes() == b""
        assert import_jsonl(store, tmp_path / "out.jsonl") == (0, 0)

    def test_rows_that_are_there_are_counted_but_not_new(
        self, store: MessageStore, other: MessageStore, row: Row, tmp_path: Path
    ) -> None:
        store.put([row("why?"), row("how?")])
        other.put([replace(row("why?"), text="as it was")])
        export_jsonl(store, tmp_path / "out.jsonl")

        assert import_jsonl(other, tmp_path / "out.jsonl") == (2, 1)
        assert other.get([row("why?").key])[row("why?").key].text == "as it was"

    def test_blank_lines_are_passed_over(self, other: MessageStore, row: Row, tmp_path: Path) -> None:
        path = write_lines(tmp_path, ["", json.dumps(asdict(row())), "  ", ""])

        assert import_jsonl(other, path) == (1, 1)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"seed": 2}, "key {key}… does not fit the fields, which derive "),
            ({"turns": '[["user","another"]]'}, "key {key}… does not fit the fields, which derive "),
            ({"key": "0" * 64}, "key 000000000000… does not fit the fields, which derive {key}…."),
            ({"turns": "5"}, "no key can be derived from the fields ("),
            ({"turns": "no json"}, "malformed JSON (Expecting value)."),
            ({"turns": '[["user","\\ud800"]]'}, "no key can be derived from the fields ("),
            ({"text": 5}, "field 'text': Input should be a valid string, found 5."),
            ({"text": None}, "field 'text': Input should be a valid string, found None."),
            ({"seed": "one"}, "field 'seed': Input should be a valid integer"),
            ({"tokens": 1.5}, "field 'tokens': Input should be a valid integer"),
            ({"remark": 1}, "unknown field 'remark'; expected key, community, engine, "),
        ],
    )
    def test_a_line_that_does_not_fit_is_refused_and_nothing_is_added(
        self, other: MessageStore, row: Row, tmp_path: Path, changes: dict[str, Any], message: str
    ) -> None:
        good, bad = row("why?"), asdict(row("how?"))
        path = write_lines(tmp_path, [json.dumps(asdict(good)), json.dumps(bad | changes)])

        expected = message.format(key=bad["key"][:12])
        assert refusal(import_jsonl, other, path).startswith(f"{path}:2: {expected}")
        assert len(other) == 0

    @pytest.mark.parametrize("line", ["{", "[1, 2", "text", '{"key": '])
    def test_malformed_json_names_the_line(self, other: MessageStore, row: Row, tmp_path: Path, line: str) -> None:
        path = write_lines(tmp_path, [json.dumps(asdict(row())), "", line])

        assert refusal(import_jsonl, other, path).startswith(f"{path}:3: malformed JSON (")

    @pytest.mark.parametrize("line", ["5", "[]", "null", '"text"'])
    def test_a_line_that_is_no_object(self, other: MessageStore, tmp_path: Path, line: str) -> None:
        path = write_lines(tmp_path, [line])

        assert refusal(import_jsonl, other, path).startswith(f"{path}:1: ")

    def test_a_missing_field_is_named(self, other: MessageStore, row: Row, tmp_path: Path) -> None:
        data = asdict(row())
        del data["text"]
        path = write_lines(tmp_path, [json.dumps(data)])

        assert refusal(import_jsonl, other, path) == f"{path}:1: field 'text' is missing."

    def test_a_text_that_is_not_unicode_is_refused(self, other: MessageStore, row: Row, tmp_path: Path) -> None:
        path = write_lines(
            tmp_path, [json.dumps(asdict(row("why?"))), json.dumps(asdict(row("how?")) | {"text": "\ud800"})]
        )

        assert "messages cannot be written (" in refusal(import_jsonl, other, path)
        assert len(other) == 0

    def test_files_that_cannot_be_read(self, other: MessageStore, tmp_path: Path) -> None:
        assert refusal(import_jsonl, other, tmp_path / "none").startswith(f"{tmp_path / 'none'}: cannot be read (")
        assert refusal(import_jsonl, other, tmp_path).startswith(f"{tmp_path}: cannot be read (")
        (tmp_path / "latin").write_bytes(b"\xe9")
        assert refusal(import_jsonl, other, tmp_path / "latin").startswith(
            f"{tmp_path / 'latin'}: is not UTF-8 text (byte 0)"
        )


def write_lines(folder: Path, lines: list[str]) -> Path:
    path = folder / "in.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


class TestWriting:
    def test_the_folder_is_made(self, store: MessageStore, tmp_path: Path) -> None:
        export_jsonl(store, tmp_path / "a" / "b" / "out.jsonl")

        assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["out.jsonl"]

    def test_an_older_file_is_replaced(self, store: MessageStore, row: Row, tmp_path: Path) -> None:
        (tmp_path / "out.jsonl").write_text("old")
        store.put([row()])
        export_jsonl(store, tmp_path / "out.jsonl")

        assert (tmp_path / "out.jsonl").read_text() == json.dumps(asdict(row()) | {"created": created(store)}) + "\n"
        assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]

    def test_a_folder_in_place_of_the_file_leaves_nothing_behind(
        self, store: MessageStore, row: Row, tmp_path: Path
    ) -> None:
        (tmp_path / "out.jsonl").mkdir()
        store.put([row()])

        assert refusal(export_jsonl, store, tmp_path / "out.jsonl").startswith(
            f"{tmp_path / 'out.jsonl'}: cannot be written ("
        )
        assert [path.name for path in tmp_path.rglob("*")] == ["out.jsonl"]

    def test_a_file_in_place_of_the_folder(self, store: MessageStore, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("kept")

        assert "cannot be written (" in refusal(export_jsonl, store, tmp_path / "file" / "out.jsonl")
        assert [path.name for path in tmp_path.rglob("*")] == ["file"]
        assert (tmp_path / "file").read_text() == "kept"

    def test_rows_that_fail_half_way_leave_the_older_file_and_nothing_else(
        self, store: MessageStore, row: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail() -> Any:
            yield row()
            raise RuntimeError("the disk is gone")

        (tmp_path / "out.jsonl").write_text("old")
        monkeypatch.setattr(store, "rows", fail)

        with pytest.raises(RuntimeError, match="the disk is gone"):
            export_jsonl(store, tmp_path / "out.jsonl")
        assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]
        assert (tmp_path / "out.jsonl").read_text() == "old"

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write to read-only folders")
    def test_a_read_only_folder(self, store: MessageStore, tmp_path: Path) -> None:
        (tmp_path / "closed").mkdir(mode=0o555)

        assert "cannot be written (" in refusal(export_jsonl, store, tmp_path / "closed" / "out.jsonl")
        assert list((tmp_path / "closed").iterdir()) == []


def created(store: MessageStore) -> float:
    (kept,) = store.rows()
    return kept.created


class TestPublishedFormat:
    def asked(self, request_for: Ask, name: str, *ids: str) -> list[tuple[str, MessageRequest]]:
        return [(item_id, request_for(f"question {item_id}", name)) for item_id in ids]

    def test_round_trip(self, store: MessageStore, other: MessageStore, request_for: Ask, tmp_path: Path) -> None:
        answers = {name: self.asked(request_for, name, "1", "2", "G_3") for name in ("left", "right")}
        for name, asked in answers.items():
            store.put(StoredMessage.of(request, Message(name, f"{name} on “{key}”\n")) for key, request in asked)

        left, right = tmp_path / "task_left.json", tmp_path / "task_right.json"
        assert export_published(answers, store, tmp_path, "task") == {left: (3, 0), right: (3, 0)}
        assert json.loads(left.read_text(encoding="utf-8")) == {key: f"left on “{key}”\n" for key in ("1", "2", "G_3")}

        assert import_published(left, answers["left"], other) == (3, 0, 0)
        assert import_published(right, answers["right"], other) == (3, 0, 0)
        keys = [request.key for asked in answers.values() for _, request in asked]
        texts = {key: message.text for key, message in other.get(keys).items()}
        assert texts == {key: message.text for key, message in store.get(keys).items()}
        assert len(texts) == 6
        assert other.verify() == []

    def test_messages_that_are_not_there_are_left_out_and_counted(
        self, store: MessageStore, request_for: Ask, tmp_path: Path
    ) -> None:
        asked = self.asked(request_for, "left", "1", "2", "3")
        store.put([StoredMessage.of(asked[1][1], Message("left", "second"))])

        path = tmp_path / "task_left.json"
        assert export_published({"left": asked}, store, tmp_path, "task") == {path: (1, 2)}
        assert json.loads(path.read_text()) == {"2": "second"}

    def test_missing_and_unknown_ids_are_counted(self, store: MessageStore, request_for: Ask, tmp_path: Path) -> None:
        path = tmp_path / "messages.json"
        path.write_text(json.dumps({"1": "one", "8": "eight", "9": "nine"}))
        asked = self.asked(request_for, "left", "1", "2", "3", "4")

        # of the task's four items one is there and three are not; of the file's three ids two are unknown
        assert import_published(path, asked, store) == (1, 3, 2)
        (kept,) = store.rows()
        assert (kept.key, kept.text, kept.community) == (asked[0][1].key, "one", "left")
        assert (kept.origin, kept.prompt_tokens, kept.tokens) == ("imported from messages.json", None, None)

    def test_a_message_that_is_there_stays(self, store: MessageStore, request_for: Ask, tmp_path: Path) -> None:
        path = tmp_path / "messages.json"
        path.write_text(json.dumps({"1": "published"}))
        asked = self.asked(request_for, "left", "1")
        store.put([StoredMessage.of(asked[0][1], Message("left", "generated"))])
        import_published(path, asked, store)

        assert store.get([asked[0][1].key])[asked[0][1].key].text == "generated"

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("[]", ": found list, expected a JSON object id -> text."),
            ('{"1": 5}', ", id '1': found int, expected the message's text."),
            ('{"1": "one", "2": null}', ", id '2': found NoneType, expected the message's text."),
            ('{"1": ["one"]}', ", id '1': found list, expected the message's text."),
            ('{"8": "eight"}', ": none of its 1 ids is an item of the task; is it for another task?"),
            ("{}", ": none of its 0 ids is an item of the task; is it for another task?"),
            ("{", ":1:2: malformed JSON ("),
        ],
    )
    def test_odd_files_are_refused(
        self, store: MessageStore, request_for: Ask, tmp_path: Path, text: str, message: str
    ) -> None:
        path = tmp_path / "messages.json"
        path.write_text(text)

        assert refusal(import_published, path, self.asked(request_for, "left", "1", "2"), store).startswith(
            f"{path}{message}"
        )
        assert len(store) == 0
