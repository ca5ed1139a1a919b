"""Read the harness's samples files: what was scored for every document."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plural_tasks.report.reading.distributions import ModelDistributions, read_distributions
from plural_tasks.utils.errors import ModPluralError

_NEEDED = ("doc_id", "doc", "filter", "metrics", "doc_hash")
_LONGEST = 200
"""Characters; longer fields of a document name no group."""


@dataclass(frozen=True)
class LoggedDocument:
    """One document and its figures.

    Attributes:
        id: ``doc["id"]``, or ``#`` and the harness's number where documents have no ids of their own.
        digest: The harness's hash of the whole document.
        cluster: Name shared by documents that ask the same question; the id where none is given.
        fields: Short fields of the document, as text: what subgroups are made of.
        values: Metric -> what was logged: a number, a text, or the record that an aggregate is made of. With several
            filters the names of all but the first are ``metric,filter``.
        distributions: The model's distributions over the options; None where it was asked for something else.
    """

    id: str
    digest: str
    cluster: str
    fields: Mapping[str, str]
    values: Mapping[str, Any]
    distributions: ModelDistributions | None = None


@dataclass(frozen=True)
class Samples:
    """A samples file: its documents by id, its filters in their order, and its SHA-256."""

    documents: tuple[LoggedDocument, ...]
    filters: tuple[str, ...]
    sha256: str

    def short(self, key: str) -> str:
        """The harness's ``metric,filter``, without the filter if that is the first."""
        metric, _, chosen = key.partition(",")
        return metric if chosen == self.filters[0] else key


def read_samples(path: Path, *, expected: int | None, task_hash: str | None, results: Path) -> Samples:
    """Read a samples file.

    Args:
        path: The file.
        expected: Number of documents that the results state, if they do.
        task_hash: The results' hash over all documents, prompts and targets, if they have one.
        results: The results file, named in errors.

    Raises:
        ModPluralError: If the file is broken, cut, holds a document twice, or belongs to other results.
    """
    sha = hashlib.sha256()
    records: dict[tuple[int, str], dict[str, Any]] = {}
    hashes = hashlib.sha256()
    for place, line in _lines(path, sha):
        record = _record(place, line)
        key = (record["doc_id"], str(record["filter"]))
        if key in records:
            raise ModPluralError(f"{place}: document {key[0]} is there twice; the files of two runs were joined.")
        hashes.update(
            "".join(str(record.get(part, "")) for part in ("doc_hash", "prompt_hash", "target_hash")).encode()
        )
        records[key] = _kept(record)
    count = len({number for number, _ in records})
    if not count or (expected is not None and count < expected):
        wanted = f"{expected} documents" if expected is not None else "at least one document"
        raise ModPluralError(f"{path}: holds {count} documents, but {results.name} states {wanted}; the file is cut.")
    if task_hash and hashes.hexdigest() != task_hash:
        raise ModPluralError(f"{path}: does not belong to {results.name} (the task hash there is of other samples).")
    filters = tuple(dict.fromkeys(chosen for _, chosen in records))
    return Samples(_documents(records, filters), filters, sha.hexdigest())


def read_document(path: Path, name: str) -> dict[str, Any]:
    """Return one whole document of a samples file that was read before; ``name`` is `LoggedDocument.id`."""
    sha = hashlib.sha256()
    for _, line in _lines(path, sha):
        record = json.loads(line)
        if name in (f"#{record['doc_id']}", str(record["doc"].get("id"))):
            return dict(record["doc"])
    return {}


def _lines(path: Path, sha: Any) -> Iterator[tuple[str, bytes]]:
    """Lines with their place for errors; ``sha`` takes in every byte."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                sha.update(line)
                if line.strip():
                    yield f"{path}:{number}", line
    except OSError as error:
        raise ModPluralError(f"{path}: cannot be read ({error.strerror}).") from error


def _record(place: str, line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError as error:  # also bytes that are not UTF-8
        raise ModPluralError(f"{place}: is not a JSON line; the file is cut or broken.") from error
    missing = [name for name in _NEEDED if not isinstance(record, dict) or name not in record]
    kinds = {"doc_id": int, "doc": dict, "metrics": list}
    if missing or not all(isinstance(record[name], kind) for name, kind in kinds.items()):
        raise ModPluralError(
            f"{place}: is no sample of lm-eval 0.4.12 or later (expected the fields {', '.join(_NEEDED)})."
        )
    return dict(record)


def _kept(record: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a record that reports need; prompts and answers, nearly all of its size, are left out."""
    doc = record["doc"]
    plain = {name: value for name, value in doc.items() if isinstance(value, (str, int, float)) and name != "question"}
    return {
        "id": doc.get("id"),
        "digest": str(record["doc_hash"]),
        "cluster": str(doc.get("cluster") or ""),
        "fields": {name: str(value) for name, value in plain.items() if len(str(value)) <= _LONGEST},
        "values": {name: record.get(name) for name in record["metrics"]},
        "distributions": read_distributions(record),
    }


def _documents(
    records: Mapping[tuple[int, str], Mapping[str, Any]], filters: tuple[str, ...]
) -> tuple[LoggedDocument, ...]:
    first = {number: record for (number, chosen), record in records.items() if chosen == filters[0]}
    own = [
        str(record["id"]) for record in first.values() if isinstance(record["id"], (str, int)) and record["id"] != ""
    ]
    named = len(set(own)) == len(first)
    documents = []
    for number, record in first.items():
        values = dict(record["values"])
        for chosen in filters[1:]:
            others = records.get((number, chosen), {}).get("values", {})
            values.update({f"{name},{chosen}": value for name, value in others.items()})
        name = str(record["id"]) if named else f"#{number}"
        cluster = record["cluster"] or name
        documents.append(
            LoggedDocument(name, record["digest"], cluster, record["fields"], values, record["distributions"])
        )
    return tuple(sorted(documents, key=lambda document: document.id))
