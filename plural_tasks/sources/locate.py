"""Find the file of a source: the user's own copy, the package, or the pinned public place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from plural_tasks.errors import ModPluralError, one_line, unknown_name
from plural_tasks.sources.base import Source

DATA_VARIABLE = "MODPLURAL_DATA"
EMBEDDED_FOLDER = Path(__file__).resolve().parent.parent / "data" / "embedded"

Override = str | os.PathLike[str] | Mapping[str, str] | None


def locate(source: Source, override: Override = None) -> Path:
    """Return the local path of a source's file, fetching the public copy when nothing else is given.

    Args:
        source: The source.
        override: A file, a folder holding ``source.filename``, the address of such a folder (``http…``), or a
            mapping from source name to one of these. Falls back on the environment variable ``MODPLURAL_DATA``.
            Ignored for sources that are shipped in the package.

    Raises:
        ModPluralError: When the place given holds no such file, or the public copy cannot be fetched.
    """
    if source.url is None:
        return EMBEDDED_FOLDER / source.filename
    place = _place_for(source, override if override is not None else os.environ.get(DATA_VARIABLE) or None)
    if place is None:
        return _fetch(source, source.url, source.sha256)
    if place.startswith(("http://", "https://")):
        return _fetch(source, place, None)
    return _local(source, Path(place).expanduser())


def _place_for(source: Source, override: Override) -> str | None:
    if isinstance(override, Mapping):
        from plural_tasks.sources import SOURCES

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


def _local(source: Source, path: Path) -> Path:
    if path.is_file():
        return path
    if not path.is_dir():
        raise ModPluralError(
            f"{path}: no such file or folder. Give plural_data (or {DATA_VARIABLE}) a file, or a folder that holds "
            f"{source.filename}."
        )
    for name in (source.filename, source.filename.replace("_small", "")):
        if (path / name).is_file():
            return path / name
    raise ModPluralError(f"{path}: holds no {source.filename}, which the source {source.name!r} reads.")


def _fetch(source: Source, folder: str, sha256: str | None) -> Path:
    import pooch
    from platformdirs import user_cache_path

    address = f"{folder.rstrip('/')}/{source.filename}"
    cache = user_cache_path("modplural") / "data"
    try:
        fetched = pooch.retrieve(
            address,
            known_hash=f"sha256:{sha256}" if sha256 else None,
            path=cache,
            downloader=pooch.HTTPDownloader(timeout=60),
        )
    except (OSError, ValueError) as error:
        raise ModPluralError(
            f"{source.name}: {address} cannot be fetched ({one_line(error)[:200]}). Fetch {source.filename} by other "
            f"means and point --metadata plural_data=PATH or {DATA_VARIABLE} at it."
        ) from error
    return Path(fetched)
