"""Take messages out of a store and bring them in: JSON lines, and the published one-file-per-community JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from community_lms.messages.message import Message, MessageRequest
from community_lms.messages.store import MessageStore, StoredMessage
from plural_tasks.utils.checked import describe, read_json, read_text
from plural_tasks.utils.errors import ModPluralError
from plural_tasks.utils.files import write_lines

_ROW = TypeAdapter(StoredMessage)
_FIELDS = tuple(field.name for field in fields(StoredMessage))


def export_jsonl(store: MessageStore, path: Path) -> int:
    """Write every row as one JSON line, ordered by key; the file appears whole or not at all.

    Returns:
        The number of rows.
    """
    return write_lines(path, (json.dumps(asdict(row), ensure_ascii=False) for row in store.rows()))


def import_jsonl(store: MessageStore, path: Path) -> tuple[int, int]:
    """Add the rows of a JSON-lines file in one transaction, after all of them were checked.

    Returns:
        Rows read, and rows that were new.

    Raises:
        ModPluralError: Naming the line, if one is not a row or its key does not fit its fields; nothing is added then.
    """
    rows = list(_read_rows(path))
    return len(rows), store.put(rows)


def _read_rows(path: Path) -> Iterator[StoredMessage]:
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            data = json.loads(line)
            if isinstance(data, Mapping) and (odd := [name for name in data if name not in _FIELDS]):
                raise ModPluralError(f"{where}: unknown field {odd[0]!r}; expected {', '.join(_FIELDS)}.")
            row = _ROW.validate_python(data)
            expected = row.expected_key()
        except json.JSONDecodeError as error:
            hint = " A file of the form id -> text is read with --format published." if path.suffix == ".json" else ""
            raise ModPluralError(f"{where}: malformed JSON ({error.msg}).{hint}") from error
        except ValidationError as error:
            raise ModPluralError(f"{where}: {describe(error, _FIELDS)}") from error
        except (UnicodeError, TypeError) as error:
            raise ModPluralError(f"{where}: no key can be derived from the fields ({error}).") from error
        if expected != row.key:
            raise ModPluralError(
                f"{where}: key {row.key[:12]}… does not fit the fields, which derive {expected[:12]}…."
            )
        yield row


def export_published(
    answers: Mapping[str, Sequence[tuple[str, MessageRequest]]], store: MessageStore, folder: Path, stem: str
) -> dict[Path, tuple[int, int]]:
    """Write one JSON object id -> text for each community, as the authors of Modular Pluralism publish messages.

    Args:
        answers: For each community the item ids and what it was asked on each.
        store: Store of the messages.
        folder: Folder of the files; each is called ``{stem}_{community}.json``.
        stem: Name of the task file.

    Returns:
        For each file how many messages it holds and how many were not in the store. A file that would hold none is
        not written. Of several messages of a community on one item the first is taken.
    """
    written = {}
    for community, requests in answers.items():
        asked = [(item_id, request) for item_id, request in requests if request.sample == 0]
        found = store.get(request.key for _, request in asked)
        texts = {item_id: found[request.key].text for item_id, request in asked if request.key in found}
        path = folder / f"{stem}_{community}.json"
        if texts:
            write_lines(path, [json.dumps(texts, indent=4, ensure_ascii=False)])
        written[path] = (len(texts), len(asked) - len(texts))
    return written


def import_published(
    path: Path, asked: Sequence[tuple[str, MessageRequest]], store: MessageStore
) -> tuple[int, int, int]:
    """File published messages (JSON object id -> text) under the keys that a run would look for.

    The file does not say which prompt, decoding or seed a message came from, so each row is marked with the file as
    its origin.

    Args:
        path: The file.
        asked: Item ids and what the community is asked on each.
        store: Store that takes the messages.

    Returns:
        Messages filed, items of the task that the file lacks, entries of the file that the task does not know.

    Raises:
        ModPluralError: If the file is not such an object, or shares no id with the task.
    """
    data = read_json(path)
    if not isinstance(data, Mapping):
        raise ModPluralError(f"{path}: found {type(data).__name__}, expected a JSON object id -> text.")
    odd = next((name for name, text in data.items() if not isinstance(text, str)), None)
    if odd is not None:
        raise ModPluralError(f"{path}, id {odd!r}: found {type(data[odd]).__name__}, expected the message's text.")
    known = [(item_id, request) for item_id, request in asked if item_id in data and request.sample == 0]
    if not known:
        raise ModPluralError(f"{path}: none of its {len(data)} ids is an item of the task; is it for another task?")
    store.put(
        StoredMessage.of(request, Message(request.community.name, data[item_id]), origin=f"imported from {path.name}")
        for item_id, request in known
    )
    ids = {item_id for item_id, _ in asked}
    return len(known), len(ids) - len({item_id for item_id, _ in known}), len(data.keys() - ids)
