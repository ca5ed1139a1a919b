"""Find the file of a source: the user's own copy, the package, or the pinned public place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from plural_tasks.sources.base import Source
from plural_tasks.sources.fetch import DATA_VARIABLE, fetch, fetch_from
from plural_tasks.sources.registry import SOURCES
from plural_tasks.sources.tables import member
from plural_tasks.utils.errors import ModPluralError, unknown_name

DATA_FOLDER = Path(__file__).resolve().parent.parent / "data"

Override = str | os.PathLike[str] | Mapping[str, str] | None


def locate(source: Source, override: Override = None) -> Path:
    """Return the local path of a source's file, fetching the public copy when nothing else is given.

    Args:
        source: The source.
        override: A file, a folder holding ``source.filename`` (with or without the folders that stand before it
            there), the address of such a folder (``http…``), or a mapping from source name to one of these. Falls
            back on the environment variable ``MODPLURAL_DATA``. Ignored for sources that are shipped in the package.

    Returns:
        The file; for a source of several files, the folder that holds them.

    Raises:
        ModPluralError: When the place given holds no such file, or the public copy cannot be fetched.
    """
    if source.embedded:
        _check_unused(source, override)
        return DATA_FOLDER / source.folder / source.filename
    place = _place_for(source, override if override is not None else os.environ.get(DATA_VARIABLE) or None)
    if place is None:
        return fetch(source)
    if place.startswith(("http://", "https://")):
        return fetch_from(source, place)
    return _local(source, Path(place).expanduser())


def _place_for(source: Source, override: Override) -> str | None:
    if isinstance(override, Mapping):
        for name in override:
            if name not in SOURCES:
                raise unknown_name("source", name, SOURCES, where="plural_data")
        override = override.get(source.name)
    if override is None:
        return None
    if not isinstance(override, str | os.PathLike):  # the harness reads a bare number as a number
        raise ModPluralError(
            f"plural_data: found {override!r}, expected a file, a folder, an address, or a mapping to these."
        )
    return os.fspath(override)


def _check_unused(source: Source, override: Override) -> None:
    """A folder or address may hold the data of other tasks of the run; a file, or a place that is not, is a mistake."""
    place = _place_for(source, override)
    if place is not None and not place.startswith(("http://", "https://")) and not Path(place).expanduser().is_dir():
        raise ModPluralError(
            f"{place}: the source {source.name!r} is shipped in the package and reads nothing else; leave plural_data "
            "out, or give a folder for the other tasks of the run."
        )


def _local(source: Source, path: Path) -> Path:
    if path.is_file() and source.files:
        raise ModPluralError(
            f"{path}: the source {source.name!r} is made of {' and '.join(source.files)}; give the folder that "
            "holds them."
        )
    if path.is_file():
        return path
    if not path.is_dir():
        raise ModPluralError(
            f"{path}: no such file or folder. Give plural_data (or {DATA_VARIABLE}) a file, or a folder that holds "
            f"{' and '.join(source.files) or source.filename}."
        )
    if source.files:
        for name in source.files:
            member(path, name)
        return path
    if path.name == source.filename:
        return path
    bare = PurePosixPath(source.filename).name
    for name in (source.filename, bare, bare.replace("_small", "")):
        if (path / name).exists():
            return path / name
    raise ModPluralError(f"{path}: holds no {source.filename}, which the source {source.name!r} reads.")
