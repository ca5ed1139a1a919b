"""Build a data set from sources: typed Parquet files in the Hub's layout, a manifest and a data card."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from plural_tasks.publishing import cards
from plural_tasks.publishing.manifest import (
    MANIFEST,
    Manifest,
    SourceEntry,
    data_file,
    new_manifest,
    read_manifest,
    source_entry,
)
from plural_tasks.publishing.rows import features, to_row
from plural_tasks.schema import Item, Mode, Split
from plural_tasks.sources import SOURCES, locate, read_items
from plural_tasks.sources.locate import Override
from plural_tasks.utils.errors import ModPluralError, one_line, unknown_name

if TYPE_CHECKING:
    from datasets import DatasetDict

SPLITS: tuple[Split, ...] = get_args(Split)


def match_sources(names: Sequence[str]) -> list[str]:
    """Return the sources called ``names``, each a name or a pattern such as ``surveys_*``, none twice.

    Raises:
        ModPluralError: If a name or pattern matches no source.
    """
    found: dict[str, None] = {}
    for name in names:
        matching = [source for source in SOURCES if fnmatchcase(source, name)]
        if not matching:
            raise unknown_name("source", name, SOURCES)
        found |= dict.fromkeys(matching)
    return list(found)


def to_splits(items: Iterable[Item]) -> dict[Split, list[dict[str, Any]]]:
    """Return the rows of the items by split, in the items' order; a split without items is left out."""
    rows: dict[Split, list[dict[str, Any]]] = {split: [] for split in SPLITS}
    for item in items:
        rows[item.split].append(to_row(item))
    return {split: found for split, found in rows.items() if found}


def to_dataset_dict(mode: Mode, rows: Mapping[Split, list[dict[str, Any]]]) -> DatasetDict:
    """Return rows of one mode as `datasets` splits with explicit types."""
    from datasets import Dataset, DatasetDict

    typed = features(mode)
    return DatasetDict({split: Dataset.from_list(found, features=typed) for split, found in rows.items()})


def build(
    names: Sequence[str],
    out: Path,
    *,
    data: Override = None,
    title: str | None = None,
    report: Callable[[str, SourceEntry], None] = lambda name, entry: None,
) -> Manifest:
    """Build the data set of some sources; equal input and equal versions of the libraries give equal bytes.

    The folder gets ``data/<source>/<split>-00000-of-00001.parquet``, ``manifest.json`` and ``README.md``. It appears
    when all of it is written; until then, and if anything fails, what was there before stays.

    Args:
        names: Sources, or patterns such as ``surveys_*``.
        out: The folder. One that was built before is replaced, if all of its sources are built again.
        data: Place of sources that are not shipped, as `plural_tasks.sources.locate` takes it.
        title: Name of the data set in prose; by default the source's, or the sources' names.
        report: Called after each source.

    Raises:
        ModPluralError: If a source is unknown or cannot be read, ``out`` is something that was not built or holds
            other sources, or it cannot be written (a full disk).
    """
    chosen = match_sources(names)
    _check_target(out, chosen)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        raise _unwritten(out, error) from error
    try:
        entries = {}
        for name in chosen:
            entries[name] = _write_source(name, scratch, data)
            report(name, entries[name])
        manifest = new_manifest(title or _title(entries), entries)
        (scratch / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
        (scratch / cards.README).write_text(cards.render_card(manifest, folder=scratch), encoding="utf-8")
        _put_in_place(scratch, out)
    except OSError as error:
        raise _unwritten(out, error) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return manifest


def _unwritten(out: Path, error: OSError) -> ModPluralError:
    reason = os.strerror(error.errno) if error.errno else one_line(error)[:200]
    return ModPluralError(f"{out}: cannot be written ({reason}); what was there before is as it was.")


def _write_source(name: str, folder: Path, data: Override) -> SourceEntry:
    source = SOURCES[name]
    place = locate(source, data)
    rows = to_splits(read_items(source, place))
    for split, dataset in to_dataset_dict(source.mode, rows).items():
        path = folder / data_file(name, split)
        path.parent.mkdir(parents=True, exist_ok=True)
        dataset.to_parquet(path)
    return source_entry(source, place, rows)


def _title(entries: Mapping[str, SourceEntry]) -> str:
    titles = list(dict.fromkeys(entry.title for entry in entries.values()))
    return titles[0] if len(titles) == 1 else "Pluralistic alignment: " + ", ".join(entries)


def _check_target(out: Path, chosen: Sequence[str]) -> None:
    """Refuse to replace what a build did not make, and sources that are not built again."""
    if out.is_dir() and any(out.iterdir()):
        try:
            manifest = read_manifest(out)
        except ModPluralError as error:
            raise ModPluralError(
                f"{out}: holds other files; give a new folder, or one that was built before."
            ) from error
        lost = [name for name in manifest.sources if name not in chosen]
        if lost:
            raise ModPluralError(
                f"{out}: holds a data set of other sources ({', '.join(lost)}), which this build would delete; name "
                "another folder, or build these sources too."
            )
    elif out.exists() and not out.is_dir():
        raise ModPluralError(f"{out}: is a file; give a folder.")


def _put_in_place(scratch: Path, out: Path) -> None:
    os.chmod(scratch, 0o755)  # mkdtemp makes folders that nobody else can read
    if not out.exists():
        os.replace(scratch, out)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{out.name}-old-", dir=out.parent))
    os.replace(out, old / out.name)
    try:
        os.replace(scratch, out)
    except BaseException:
        os.replace(old / out.name, out)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)
