"""What a source states about itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from plural_tasks.schema import Item, Mode


@dataclass(frozen=True)
class Source:
    """A JSON list of records and the way to turn each into an item.

    Attributes:
        name: Key in the registry and in task YAML (``plural_source``).
        mode: The mode of every item.
        filename: Name of the file, wherever it lies.
        to_item: Turns one upstream record into an item; a `KeyError` or `ValueError` is reported with its place.
        url: Folder of the public copy at a pinned revision; None for files shipped in the package.
        sha256: Digest of the public copy.
        licence: Licence of the data, or what is known of it.
        citation: The paper to cite.
        known_issues: Faults of the data that a reader of a score should know.
    """

    name: str
    mode: Mode
    filename: str
    to_item: Callable[[Mapping[str, Any]], Item]
    url: str | None = None
    sha256: str | None = None
    licence: str = ""
    citation: str = ""
    known_issues: tuple[str, ...] = ()
