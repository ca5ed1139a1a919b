"""Read a published or built data set back into items."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from plural_tasks.publishing.manifest import MANIFEST, Manifest, read_manifest
from plural_tasks.publishing.rows import digest, from_row
from plural_tasks.schema import Item, Split
from plural_tasks.utils.checked import parse, read_json
from plural_tasks.utils.errors import ModPluralError, one_line, unknown_name

if TYPE_CHECKING:
    from datasets import Features


def load_manifest(place: str | Path, *, revision: str | None = None) -> Manifest:
    """Return the manifest of a data set.

    Args:
        place: A built folder, a manifest's own file, or ``owner/name`` on the Hub.
        revision: Commit, tag or branch, for a data set on the Hub.

    Raises:
        ModPluralError: If there is no such place, or it holds no manifest.
    """
    path = Path(place).expanduser()
    if path.is_dir():
        return read_manifest(path)
    if not path.is_file():
        path = _fetch(str(place), revision)
    return parse(Manifest, read_json(path), where=f"{place}")


def load_items(
    place: str | Path, source: str, split: Split = "test", *, revision: str | None = None, verify: bool = True
) -> list[Item]:
    """Return the items of one split.

    Args:
        place: A built folder, or ``owner/name`` on the Hub.
        source: Name of the source, which is a configuration of the data set.
        split: Name of the split.
        revision: Commit, tag or branch, for a data set on the Hub.
        verify: Compare the rows with the manifest's digest.

    Raises:
        ModPluralError: If there is no such data set, source or split, a row is no item, or the digest differs.
    """
    manifest = load_manifest(place, revision=revision)
    if source not in manifest.sources:
        raise unknown_name("source", source, manifest.sources, where=str(place))
    splits = manifest.sources[source].splits
    if split not in splits:
        raise unknown_name("split", split, splits, where=f"{place}, {source}")
    rows = _rows(place, source, split, splits[split].file, revision)
    if verify and digest(rows) != splits[split].sha256:
        raise ModPluralError(f"{place}, {source}, {split}: the rows do not fit the digest in {MANIFEST}.")
    return [from_row(row, split, where=f"{place}, {source}, {split}, row {n}") for n, row in enumerate(rows, start=1)]


def read_parquet(path: Path, *, typed_as: Features | None = None) -> tuple[list[dict[str, object]], list[str]]:
    """Return the rows of a Parquet file, and the names of its columns that are missing, unknown or not ``typed_as``.

    Raises:
        ModPluralError: If the file is missing or is no Parquet file.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
    except (OSError, pyarrow.ArrowException) as error:
        raise ModPluralError(f"{path}: cannot be read as Parquet ({one_line(error)[:200]}).") from error
    found = {field.name: field.type for field in table.schema}
    expected = {field.name: field.type for field in typed_as.arrow_schema} if typed_as else found
    odd = [name for name in {**expected, **found} if found.get(name) != expected.get(name)]
    return table.to_pylist(), odd


def _rows(place: str | Path, source: str, split: Split, file: str, revision: str | None) -> list[dict[str, object]]:
    folder = Path(place).expanduser()
    if folder.is_dir():
        return read_parquet(folder / file)[0]
    from datasets import load_dataset
    from datasets.exceptions import DatasetNotFoundError

    try:
        return list(load_dataset(str(place), source, split=split, revision=revision))
    except (DatasetNotFoundError, OSError, ValueError) as error:
        raise ModPluralError(
            f"{place}, {source}: its rows cannot be loaded ({one_line(error)[:200]}). Were only its digests published?"
        ) from error


def _fetch(repo_id: str, revision: str | None) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, HFValidationError, RepositoryNotFoundError

    try:
        return Path(hf_hub_download(repo_id, MANIFEST, repo_type="dataset", revision=revision))
    except EntryNotFoundError as error:
        raise ModPluralError(
            f"{repo_id}: the data set on the Hub holds no {MANIFEST}; modplural did not push it."
        ) from error
    except (HFValidationError, RepositoryNotFoundError) as error:
        raise ModPluralError(
            f"{repo_id}: no such file or folder, and no such data set on the Hub that you may read."
        ) from error
    except OSError as error:
        raise ModPluralError(f"{repo_id}: cannot be fetched from the Hub ({one_line(error)[:200]}).") from error
