"""Held-out texts of communities: from corpora that the user names, or from the record of a community's training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from community_lms.pools.spec import Community, digest
from plural_tasks.utils.checked import parse, read_json
from plural_tasks.utils.errors import ModPluralError

HOLDOUT = 0.02
"""Share of a corpus that `community_lms.training.corpus` holds out unless told otherwise."""


@dataclass(frozen=True)
class EvaluationText:
    """One held-out text.

    Attributes:
        prompt: Text that the comment answers; "" for plain text.
        comment: Text whose likelihood is measured.
    """

    prompt: str
    comment: str

    @property
    def cluster(self) -> str:
        """Texts of one cluster are alike: answers to one question, whatever the order in which it lists its options."""
        return " ".join(sorted(self.prompt.lower().split())) or self.comment

    @property
    def bytes(self) -> int:
        """Length of the comment in UTF-8."""
        return len(self.comment.encode())


Texts = dict[str, list[EvaluationText]]


@dataclass
class FoundTexts:
    """Texts that were found.

    Attributes:
        texts: Name -> texts.
        sources: Name -> description of the corpus, for the report.
        missing: Community -> reason why it has no text.
    """

    texts: Texts = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


def find_texts(
    communities: tuple[Community, ...], given: Mapping[str, str], *, part: str = "held_out", limit: int | None = None
) -> FoundTexts:
    """Read the texts of communities, and every corpus that was named.

    Args:
        communities: The pool's communities.
        given: Name -> file or data set of the Hub. Where it names communities, only the records of that name count, or
            of the one behind a ``#`` (``texts.jsonl#Africa``).
        part: ``held_out`` or ``all`` (for a file that was held out as a whole).
        limit: So many texts of each corpus at most, in the order of the corpus.

    Raises:
        ModPluralError: If a corpus that was named cannot be read or holds no text of that part.
    """
    members = {member.name: member for member in communities}
    found = FoundTexts()
    for name in dict.fromkeys([*members, *given]):
        info = _run_info(members[name]) if name in members else None
        if name in given:
            sources = [_given(name, given[name])]
        elif info is None:
            found.missing[name] = f"no corpus is known; give --corpus {name}=FILE"
            continue
        else:
            listed = _recorded(members[name], info)
            if isinstance(listed, str):
                found.missing[name] = listed
                continue
            sources = listed
        documents = _read(sources, info, part, limit)
        if not documents and name in given:
            raise ModPluralError(
                f"--corpus {name}={given[name]}: no text is held out; give --part all to read all of it."
            )
        if not documents:
            found.missing[name] = "its corpus holds out no text"
            continue
        found.texts[name] = documents
        found.sources[name] = f"{_source_names(sources)}, {part.replace('_', '-')} part"
    return found


def texts_digest(documents: list[EvaluationText]) -> str:
    """SHA-256 of texts, in order."""
    return digest([[document.prompt, document.comment] for document in documents])


def _given(name: str, path: str) -> dict[str, Any]:
    path, _, called = path.partition("#")
    return {"path": path, "community": called or name}


def _source_names(sources: list[dict[str, Any]]) -> str:
    return " and ".join(Path(str(source["path"])).name for source in sources)


def _run_info(member: Community) -> Any:
    """The record of the training (``run_info.json``) beside a local adapter, or None."""
    if member.adapter is None:
        return None
    path = Path(member.adapter.path) / "run_info.json"
    return read_json(path) if path.is_file() else None


def _recorded(member: Community, info: Any) -> list[dict[str, Any]] | str:
    """The corpora that an adapter was trained on, or why they cannot be read."""
    corpus = info.get("corpus", {}) if isinstance(info, dict) else {}
    parts = corpus.get("parts") or ([corpus] if "path" in corpus else [])
    assert member.adapter is not None
    folder = Path(member.adapter.path)
    sources = []
    for part in parts:
        path = str(part.get("path", ""))
        # A record names local files without their folder: look beside the adapter, above it, and where the user stands.
        places = [*(place / path for place in (folder, *list(folder.parents)[:2])), Path(path)]
        local = next((place for place in places if place.exists()), None)
        if local is None and "/" not in path:
            return f"the corpus of its run_info.json, {path!r}, is not here; give --corpus {member.name}=FILE"
        sources.append({**part, "path": str(local or path)})
    return sources or f"its run_info.json names no corpus; give --corpus {member.name}=FILE"


def _read(sources: list[dict[str, Any]], info: Any, part: str, limit: int | None) -> list[EvaluationText]:
    from community_lms.training.corpus import Corpus, stream

    known = set(Corpus.model_fields)
    config = info.get("config", {}) if isinstance(info, dict) else {}
    holdout, seed = config.get("holdout", HOLDOUT), config.get("seed", 0)

    def records() -> Iterator[Mapping[str, str]]:
        for source in sources:
            fields = {name: value for name, value in source.items() if name in known}
            corpus = parse(Corpus, fields, where=f"corpus {source['path']}")
            read: Callable[..., Iterator[Mapping[str, str]]] = stream
            yield from read(corpus, part=part, holdout=holdout, seed=seed)

    return [EvaluationText(record["prompt"], record["comment"]) for record in islice(records(), limit)]
