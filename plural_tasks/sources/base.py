"""What a source states about itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plural_tasks.schema import Item, Mode


@dataclass(frozen=True)
class Source:
    """A JSON list of records, or what ``rows`` reads, and the way to turn each record into an item.

    Attributes:
        name: Key in the registry and in task YAML (``plural_source``).
        mode: The mode of every item.
        filename: Path of the file in its public place; of the main one, or of the folder, where there are several.
        to_item: Turns one upstream record into an item; a `KeyError` or `ValueError` is reported with its place.
        url: Folder of the public copy at a pinned revision; None for files shipped in the package, on the Hub, or
            not to be fetched (``by_hand``).
        sha256: Digest of the public copy.
        licence: Licence of the data, or what is known of it.
        citation: The paper to cite.
        known_issues: Faults of the data that a reader of a score should know.
        title: Name of the data set in prose.
        homepage: Page where people find it.
        revision: Pinned commit of the public copy.
        hub_dataset: ``owner/name`` on the Hugging Face Hub, where that is the public place; ``filename`` is then the
            path in that repository at ``revision``.
        gated: The Hub asks for a login and for consent to terms.
        redistribute: The licence lets this project publish the items; False for everything in doubt.
        languages: ISO 639-1 codes of the items.
        rows: Reads the file into records; None reads a JSON list. A source of several files gets their folder.
        files: All files of a source that has several, as paths in its public place.
        folder: Folder under ``plural_tasks/data`` that holds the file of a source shipped in the package.
        has_studies: The file describes the surveys behind its items, as `plural_tasks.sources.surveys.Surveys`.
        by_hand: How people get data that has no address to fetch it from; one sentence for the error message.
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
    title: str = ""
    homepage: str = ""
    revision: str = ""
    hub_dataset: str = ""
    gated: bool = False
    redistribute: bool = False
    languages: tuple[str, ...] = ("en",)
    rows: Callable[[Path], Iterable[Mapping[str, Any]]] | None = None
    files: tuple[str, ...] = ()
    by_hand: str = ""
    folder: str = "embedded"
    has_studies: bool = False

    @property
    def embedded(self) -> bool:
        """Whether the data are shipped in the package."""
        return self.url is None and not self.hub_dataset and not self.by_hand


class LocatedRow(dict[str, Any]):
    """A record that knows its place.

    Attributes:
        where: File, row and what else names the record in an error message.
    """

    def __init__(self, fields: Mapping[str, Any], where: str) -> None:
        super().__init__(fields)
        self.where = where
